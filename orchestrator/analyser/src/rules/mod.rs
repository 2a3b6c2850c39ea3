//! Corrections of the first guess, which is the place whose time grew most.

mod deadlock;
mod inferred_queue;
mod kv_cache;
mod pauses;
mod pool_holder;
mod queue_or_slow;
mod serial_calls;
mod standout;
mod starved;
mod stolen;

pub(crate) use deadlock::given_up_on_a_lock;
pub(crate) use inferred_queue::more_calls_wait;
pub(crate) use kv_cache::kv_cache_is_full;
pub(crate) use pauses::process_paused;
pub(crate) use pool_holder::pool_leads_to_slower;
pub(crate) use queue_or_slow::{WaitExplained, explain_wait};
pub(crate) use serial_calls::calls_became_serial;
pub(crate) use standout::standout;
pub(crate) use starved::process_is_starved;
pub(crate) use stolen::processors_were_stolen;
