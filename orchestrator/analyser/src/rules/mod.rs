//! Corrections of the first guess, which is the place whose time grew most.

mod kv_cache;
mod pool_holder;
mod queue_or_slow;
mod standout;

pub(crate) use kv_cache::kv_cache_is_full;
pub(crate) use pool_holder::pool_leads_to_slower;
pub(crate) use queue_or_slow::{WaitExplained, explain_wait};
pub(crate) use standout::standout;
