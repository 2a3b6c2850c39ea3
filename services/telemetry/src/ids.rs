//! Trace and span ids from the seed.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::mix;

/// Numbers an instance's ids and scatters them with the seed: no two of an instance are equal, and
/// those of two instances are as unlikely to be as random ones.
#[derive(Debug)]
pub(crate) struct SeededIds {
    spans: u64,
    traces: u64,
    next_span: AtomicU64,
    next_trace: AtomicU64,
}

impl SeededIds {
    pub(crate) fn new(random: Stream) -> Self {
        SeededIds {
            spans: random.child("span-id").key(),
            traces: random.child("trace-id").key(),
            next_span: AtomicU64::new(1),
            next_trace: AtomicU64::new(1),
        }
    }
}

impl IdGenerator for SeededIds {
    fn new_trace_id(&self) -> TraceId {
        let number = self.next_trace.fetch_add(1, Ordering::Relaxed);
        let high = mix(self.traces, number);
        let low = mix(self.traces.rotate_left(32), number).max(1);
        TraceId::from((u128::from(high) << 64) | u128::from(low))
    }

    fn new_span_id(&self) -> SpanId {
        let number = self.next_span.fetch_add(1, Ordering::Relaxed);
        SpanId::from(mix(self.spans, number).max(1))
    }
}
