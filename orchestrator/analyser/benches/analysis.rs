//! How many spans a second the analyser explains, from parsed traces to the verdict, and how much
//! memory it takes beside them: `cargo bench -p ragdoll-analyser --bench analysis`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::num::NonZeroU64;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ragdoll_analyser::{Analysis, Config, Prepared, Window, analyse};
use ragdoll_trace::{Attribute, Observations, Span, SpanKind, Status, Symbol, TraceSet, Value};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 20_260_102;
const SIZES: [usize; 2] = [100_000, 1_000_000];

/// Services of the system. Each has two instances; the first calls the next ones, and so on.
const SERVICES: [&str; 8] = [
    "gateway", "users", "search", "index", "ranking", "prices", "stock", "cache",
];

/// Whom each service calls, by their positions.
const CALLS: [&[usize]; 8] = [&[1, 2, 4, 5], &[7], &[3], &[7], &[], &[6], &[], &[]];

/// Requests a second.
const RATE: f64 = 200.0;

fn main_window(observations: &Observations) -> (Window, Window) {
    let spans = observations.traces.spans();
    let last_ns = spans.iter().map(|span| span.start_ns).max().unwrap_or(0);
    let middle_ns = EPOCH_NS + (last_ns - EPOCH_NS) / 2;
    let before = Window {
        start_ns: EPOCH_NS,
        end_ns: middle_ns,
    };
    let now = Window {
        start_ns: middle_ns,
        end_ns: last_ns + 1,
    };
    (before, now)
}

const EPOCH_NS: u64 = 1_700_000_000_000_000_000;

/// Traces in the making.
struct Writer {
    set: TraceSet,
    rng: Xoshiro256PlusPlus,
    operations: [Symbol; 8],
    queue: Symbol,
    peer: Symbol,
    user: Symbol,
    trace_id: u128,
    next_id: u64,
}

impl Writer {
    fn new() -> Writer {
        let mut set = TraceSet::new();
        Writer {
            operations: SERVICES.map(|service| set.intern(&format!("{service}/Get"))),
            queue: set.intern("queue.wait"),
            peer: set.intern("server.address"),
            user: set.intern("user.id"),
            set,
            rng: Xoshiro256PlusPlus::seed_from_u64(SEED),
            trace_id: 0,
            next_id: 0,
        }
    }

    fn push(
        &mut self,
        (service, kind, name): (usize, SpanKind, Symbol),
        parent: Option<u64>,
        (start_ns, end_ns): (u64, u64),
        attribute: Option<Attribute>,
        id: u64,
    ) {
        let instance = if self.trace_id.is_multiple_of(2) {
            "0"
        } else {
            "1"
        };
        let resource = self.set.resource(SERVICES[service], instance);
        self.set.push(Span {
            trace_id: self.trace_id,
            span_id: id,
            parent_id: parent.and_then(NonZeroU64::new),
            start_ns,
            end_ns,
            attributes: attribute.into_iter().collect(),
            links: Box::default(),
            resource,
            name,
            kind,
            status: Status::Unset,
        });
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A service's side of a call with what it calls, and when it ends.
    fn serve(&mut self, service: usize, parent: Option<u64>, start_ns: u64, slow: f64) -> u64 {
        let id = self.id();
        let mut work_ns = || (2e6 * (0.5 + self.rng.random::<f64>()) * slow) as u64;
        let (wait_ns, own_ns) = (work_ns() / 4, work_ns());
        let mut now_ns = start_ns + wait_ns;
        let wait = self.id();
        let waiting = (service, SpanKind::Internal, self.queue);
        self.push(waiting, Some(id), (start_ns, now_ns), None, wait);
        for &callee in CALLS[service] {
            let call = self.id();
            let slow = if callee == 3 { slow } else { 1.0 };
            let answer_ns = self.serve(callee, Some(call), now_ns + 100_000, slow);
            let name = self.set.intern(SERVICES[callee]);
            let peer = Attribute::new(self.peer, Value::Str(name));
            let calling = (service, SpanKind::Client, self.operations[callee]);
            let end_ns = answer_ns + 100_000;
            self.push(calling, Some(id), (now_ns, end_ns), Some(peer), call);
            now_ns = end_ns;
        }
        now_ns += own_ns;
        let user = self.rng.random_range(0..1000);
        let user = parent
            .is_none()
            .then(|| Attribute::new(self.user, Value::Int(user)));
        let serving = (service, SpanKind::Server, self.operations[service]);
        self.push(serving, parent, (start_ns, now_ns), user, id);
        now_ns
    }
}

/// About so many spans, in traces of 26; in the second half the index is slow.
fn observations(spans: usize) -> Observations {
    let mut writer = Writer::new();
    writer.set.reserve(spans + 64);
    let mut at_ns = EPOCH_NS;
    while writer.set.spans().len() < spans {
        let gap = -(1.0 - writer.rng.random::<f64>()).ln() * 1e9 / RATE;
        at_ns += gap as u64;
        writer.trace_id += 1;
        let is_slow = writer.set.spans().len() * 2 > spans;
        writer.serve(0, None, at_ns, if is_slow { 3.0 } else { 1.0 });
    }
    Observations {
        traces: writer.set,
        ..Observations::default()
    }
}

fn explained(observations: &Observations) -> Analysis {
    let (before, now) = main_window(observations);
    let prepared = Prepared::new(observations);
    analyse(&prepared, &now, &before, &Config::default())
}

/// Kibibytes that the process holds, by the field of `/proc/self/status`; 0 where there is none.
fn held_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    figure.and_then(|figure| figure.parse().ok()).unwrap_or(0)
}

fn analysis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("explain");
    group.sample_size(10);
    for size in SIZES {
        let at_first_kib = held_kib("VmRSS");
        let observations = observations(size);
        let spans = observations.traces.spans().len() as u64;
        let read_kib = held_kib("VmRSS");
        let found = explained(&observations);
        assert!(found.verdict.bottleneck().is_some(), "the index is slow");
        let bytes = |kib: u64| kib as f64 * 1024.0 / spans as f64;
        println!(
            "{spans} spans: {:.0} bytes a span as read, {:.0} at most with their analysis",
            bytes(read_kib.saturating_sub(at_first_kib)),
            bytes(held_kib("VmHWM").saturating_sub(at_first_kib)),
        );
        group.throughput(Throughput::Elements(spans));
        group.bench_function(format!("{size} spans"), |bench| {
            bench.iter(|| explained(black_box(&observations)));
        });
        group.bench_function(format!("{size} spans, prepared only"), |bench| {
            bench.iter(|| Prepared::new(black_box(&observations)));
        });
    }
    group.finish();
}

criterion_group!(benches, analysis);
criterion_main!(benches);
