//! Answers kept for those who ask the same again: bounded, the least recently used makes room, and each
//! is good for a limited time.

use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use ragdoll_model::mitigation;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{ms_to_us, unit};
use ragdoll_telemetry::{Gauge, Observe, RequestContext};

use crate::instance::Instance;
use crate::per_life::PerLife;

/// A cache in the memory of one process.
#[derive(Debug)]
pub struct Cache<V> {
    instance: Arc<Instance>,
    spec: mitigation::Cache,
    hit_ratio: Gauge,
    lifetimes: Stream,
    entries: PerLife<LruCache<String, Entry<V>>>,
    counts: Mutex<Counts>,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    stored_us: u64,
    /// The first moment at which it is no longer good.
    expires_us: u64,
}

impl<V> Entry<V> {
    /// Whether it may be used, where what is older than `oldest_us` may not.
    fn is_good(&self, now_us: u64, oldest_us: Option<u64>) -> bool {
        now_us < self.expires_us && oldest_us.is_none_or(|oldest_us| self.stored_us >= oldest_us)
    }
}

/// Look-ups since the last sample.
#[derive(Debug, Default)]
struct Counts {
    hits: u32,
    lookups: u32,
}

impl<V: Clone + Send + 'static> Cache<V> {
    /// An empty cache, none where it is switched off. `hit_ratio` is its gauge, and names its draws.
    pub fn new(
        instance: &Arc<Instance>,
        spec: mitigation::Cache,
        hit_ratio: Gauge,
    ) -> Option<Arc<Self>> {
        if spec.entries == 0 {
            return None;
        }
        let cache = Arc::new(Cache {
            instance: instance.clone(),
            spec,
            hit_ratio,
            lifetimes: instance.random.child("cache-ttl").child(hit_ratio.name),
            entries: PerLife::new(LruCache::unbounded()),
            counts: Mutex::default(),
        });
        instance.telemetry.observe(&cache);
        Some(cache)
    }

    /// The answer to `key`, if there is a good one.
    pub fn get(&self, context: &RequestContext, key: &str) -> Option<V> {
        let now_us = self.instance.clock.now_us();
        let overrides = self.instance.overrides(context);
        let found = match overrides.cache_down {
            Some(true) => None,
            _ => self.with(|entries| {
                let entry = entries.get(key)?;
                let is_good = entry.is_good(now_us, overrides.cache_expired_us);
                is_good.then(|| entry.value.clone())
            }),
        };
        let mut counts = self.counts();
        counts.lookups += 1;
        counts.hits += u32::from(found.is_some());
        found
    }

    /// Keeps an answer.
    pub fn put(&self, context: &RequestContext, key: &str, value: &V) {
        if self.instance.overrides(context).cache_down == Some(true) {
            return;
        }
        let now_us = self.instance.clock.now_us();
        let entry = Entry {
            value: value.clone(),
            stored_us: now_us,
            expires_us: now_us.saturating_add(self.lifetime_us(context)),
        };
        self.with(|entries| {
            entries.put(key.to_owned(), entry);
            if entries.len() > self.spec.entries as usize {
                entries.pop_lru();
            }
        });
    }

    fn lifetime_us(&self, context: &RequestContext) -> u64 {
        if self.spec.ttl_ms <= 0.0 {
            return u64::MAX;
        }
        let cut = self.spec.ttl_jitter * unit(&mut context.random(self.lifetimes));
        ms_to_us(self.spec.ttl_ms * (1.0 - cut))
    }

    fn with<R>(&self, act: impl FnOnce(&mut LruCache<String, Entry<V>>) -> R) -> R {
        self.entries.with(&self.instance, LruCache::unbounded, act)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone + Send + 'static> Observe for Cache<V> {
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let counts = std::mem::take(&mut *self.counts());
        // A ratio of nothing is no number.
        if counts.lookups > 0 {
            let ratio = f64::from(counts.hits) / f64::from(counts.lookups);
            report(self.hit_ratio, ratio);
        }
    }
}

#[cfg(test)]
mod tests;
