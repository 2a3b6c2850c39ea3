//! Corrections of the first guess, which is the place whose time grew most.

mod deadlock;
mod full_pool;
mod inferred_queue;
mod kv_cache;
mod leak;
mod pauses;
mod pool_holder;
mod queue_or_slow;
mod serial_calls;
mod standout;
mod starved;
mod stolen;
mod throttled;

pub(crate) use deadlock::given_up_on_a_lock;
pub(crate) use full_pool::pool_is_full;
pub(crate) use inferred_queue::more_calls_wait;
pub(crate) use kv_cache::kv_cache_is_full;
pub(crate) use leak::memory_leaks;
pub(crate) use pauses::process_paused;
pub(crate) use pool_holder::pool_leads_to_slower;
pub(crate) use queue_or_slow::{WaitExplained, explain_wait};
pub(crate) use serial_calls::calls_became_serial;
pub(crate) use standout::standout;
pub(crate) use starved::process_is_starved;
pub(crate) use stolen::processors_were_stolen;
pub(crate) use throttled::processors_were_withheld;
