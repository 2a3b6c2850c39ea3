//! How fast OTLP JSON lines are read, on one thread and on two.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ragdoll_trace::{Attribute, OtlpJsonWriter, Reader, Span, SpanKind, Status, TraceSet, Value};

const SPANS: u64 = 200_000;
const SPANS_A_TRACE: u64 = 20;
const SPANS_A_LINE: usize = 256;

/// Spans of twelve processes with four attributes each, one of which is never twice the same.
fn example() -> Vec<u8> {
    let mut set = TraceSet::new();
    let keys = ["request.id", "http.route", "queue.depth", "retry"].map(|key| set.intern(key));
    for number in 0..SPANS {
        let service = number % 12;
        let resource = set.resource(&format!("service-{service}"), &format!("pod-{service}"));
        let trace = number / SPANS_A_TRACE;
        let values = [
            Value::Str(set.intern(&format!("request-{trace}"))),
            Value::Str(set.intern(&format!("/v1/route/{}", number % 17))),
            Value::Int((number % 100).cast_signed()),
            Value::Bool(number % 2 == 0),
        ];
        let attributes = keys.into_iter().zip(values);
        let start_ns = 1_700_000_000_000_000_000 + number * 1_000;
        let name = set.intern(&format!("operation {}", number % 40));
        set.push(Span {
            trace_id: u128::from(trace + 1) << 64 | u128::from(trace.wrapping_mul(0x9e37_79b9)),
            span_id: (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            parent_id: number.wrapping_mul(0x9e37_79b9_7f4a_7c15).try_into().ok(),
            start_ns,
            end_ns: start_ns + 500_000,
            attributes: attributes
                .map(|(key, value)| Attribute::new(key, value))
                .collect(),
            links: Box::default(),
            resource,
            name,
            kind: SpanKind::Server,
            status: Status::Unset,
        });
    }
    let (mut out, mut writer) = (Vec::new(), OtlpJsonWriter::new());
    for first in (0..set.spans().len()).step_by(SPANS_A_LINE) {
        let range = first..set.spans().len().min(first + SPANS_A_LINE);
        writer.write_batch(&mut out, &set, range);
    }
    out
}

fn reading(criterion: &mut Criterion) {
    let text = example();
    let mut group = criterion.benchmark_group("otlp json");
    group
        .throughput(Throughput::Elements(SPANS))
        .sample_size(10);
    for threads in [1, 2] {
        let id = BenchmarkId::new("threads", threads);
        let threads = NonZeroUsize::new(threads).expect("one or two");
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let mut reader = Reader::with_threads(threads);
                reader
                    .read("bench", black_box(&text[..]))
                    .expect("readable");
                reader.finish().0.traces.spans().len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
