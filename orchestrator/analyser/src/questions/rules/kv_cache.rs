//! A queue before an inference engine whose KV cache is full is the cache's doing: places in the
//! batch are free, but no sequence fits.

use crate::facts::cause::Cause;
use crate::facts::ids::InstanceId;
use crate::facts::names::metrics::{METRIC_KV_CACHE, METRIC_PREEMPTIONS, METRIC_WORKERS};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::places::main_instance;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::questions::signs::samples::{gauge, gauge_mean};

const FULL: f64 = 0.9;

/// Share of the cache in use, on average, from which one that takes blocks away is full too: what is
/// free is less than the next sequence needs.
const CROWDED: f64 = 0.7;

pub(super) struct FullKvCache;

impl Rule for FullKvCache {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        if guess.cause != Cause::Queue {
            return Effect::GoOn;
        }
        let Comparison {
            prepared, window, ..
        } = suspect.case.compared;
        let (requests, waited_for) = (suspect.requests, suspect.place.cause);
        let main = main_instance(prepared, requests, guess.service, waited_for);
        if main.is_some_and(|(instance, _)| kv_cache_is_full(prepared, instance, window)) {
            guess.cause = Cause::KvCache;
            guess.counted.push(Cause::KvCache);
        }
        Effect::GoOn
    }
}

/// Whether no sequence more fits into the cache of an instance, though its batch has room.
fn kv_cache_is_full(prepared: &Prepared<'_>, instance: InstanceId, window: &Window) -> bool {
    let cache = gauge_mean(prepared, instance, METRIC_KV_CACHE, window);
    let batch = gauge_mean(prepared, instance, METRIC_WORKERS, window);
    let lost = gauge(prepared, instance, METRIC_PREEMPTIONS, window);
    let takes_blocks_away = lost.windows(2).any(|pair| pair[1] > pair[0]);
    let full = if takes_blocks_away { CROWDED } else { FULL };
    cache.is_some_and(|used| used >= full) && batch.is_none_or(|used| used < FULL)
}
