//! Corrections of the first guess, which is the place whose time grew most.

pub(crate) mod deadlock;
pub(crate) mod examine;
mod full_pool;
mod inferred_queue;
mod kv_cache;
mod leak;
mod pauses;
mod pool_holder;
pub(crate) mod queue_or_slow;
mod serial_calls;
mod standout;
mod starved;
mod stolen;
mod throttled;
