//! A queue before an inference engine whose KV cache is full is the cache's doing: places in the
//! batch are free, but no sequence fits.

use crate::config::Window;
use crate::names::{METRIC_KV_CACHE, METRIC_WORKERS};
use crate::parties::Party;
use crate::prepared::Prepared;
use crate::signs::gauge_mean;

const FULL: f64 = 0.9;

pub(crate) fn kv_cache_is_full(prepared: &Prepared<'_>, party: Party, window: &Window) -> bool {
    let cache = gauge_mean(prepared, party, METRIC_KV_CACHE, window);
    let batch = gauge_mean(prepared, party, METRIC_WORKERS, window);
    cache.is_some_and(|used| used >= FULL) && batch.is_none_or(|used| used < FULL)
}
