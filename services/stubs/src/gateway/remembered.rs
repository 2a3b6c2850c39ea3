//! Answers that need not be asked for again: kept from before, or on their way for somebody else.

use std::future::Future;
use std::sync::Arc;

use ragdoll_model::mitigation;
use ragdoll_resources::{Cache, Coalescing, Instance};
use ragdoll_telemetry::metrics::{
    ANSWER_CACHE_HIT_RATIO, EMBEDDING_CACHE_HIT_RATIO, METADATA_CACHE_HIT_RATIO,
};
use ragdoll_telemetry::names::{ANSWER_CACHE_HIT, EMBEDDING_CACHE_HIT, METADATA_CACHE_HIT};
use ragdoll_telemetry::{Gauge, KeyValue, RequestContext};
use tonic::Status;

/// What telemetry calls one kind of answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// Who gives such answers.
    callee: &'static str,
    /// Gauge of the cache.
    hit_ratio: Gauge,
    /// Attribute of a request's span.
    hit: &'static str,
}

/// What a user may see.
pub(super) const SCOPES: Kind = Kind {
    callee: "metadata",
    hit_ratio: METADATA_CACHE_HIT_RATIO,
    hit: METADATA_CACHE_HIT,
};
/// Vectors of texts.
pub(super) const VECTORS: Kind = Kind {
    callee: "embedder",
    hit_ratio: EMBEDDING_CACHE_HIT_RATIO,
    hit: EMBEDDING_CACHE_HIT,
};
/// Whole answers.
pub(super) const ANSWERS: Kind = Kind {
    callee: "llm",
    hit_ratio: ANSWER_CACHE_HIT_RATIO,
    hit: ANSWER_CACHE_HIT,
};

/// One kind of answer.
pub(super) struct Remembered<V> {
    kind: Kind,
    cache: Option<Arc<Cache<V>>>,
    flights: Coalescing<V>,
}

impl<V: Clone + Send + 'static> Remembered<V> {
    /// Nothing yet.
    pub(super) fn new(
        instance: &Arc<Instance>,
        kind: Kind,
        cache: mitigation::Cache,
        coalesces: bool,
    ) -> Self {
        Remembered {
            kind,
            cache: Cache::new(instance, cache, kind.hit_ratio),
            flights: Coalescing::new(instance, kind.callee, coalesces),
        }
    }

    /// The answer that is kept for `key`, if any. Where there is a cache it notes whether it hit.
    pub(super) fn get(
        &self,
        context: &RequestContext,
        key: &str,
        noted: &mut Vec<KeyValue>,
    ) -> Option<V> {
        let found = self.cache.as_ref()?.get(context, key);
        noted.push(KeyValue::new(self.kind.hit, found.is_some()));
        found
    }

    /// Keeps an answer, where there is a cache.
    pub(super) fn put(&self, context: &RequestContext, key: &str, value: &V) {
        if let Some(cache) = &self.cache {
            cache.put(context, key, value);
        }
    }

    /// The answer that is kept for `key`, else that of the call under way, else that of `work`.
    pub(super) async fn get_or<F>(
        &self,
        context: &RequestContext,
        key: &str,
        noted: &mut Vec<KeyValue>,
        work: impl FnOnce() -> F,
    ) -> Result<V, Status>
    where
        F: Future<Output = Result<V, Status>>,
    {
        if let Some(found) = self.get(context, key, noted) {
            return Ok(found);
        }
        let ask = || async {
            let answer = work().await?;
            self.put(context, key, &answer);
            Ok(answer)
        };
        self.flights.share(context, key, ask).await
    }
}
