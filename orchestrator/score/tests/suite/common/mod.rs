//! A system of a gateway that calls `search`, then `rank`, and cases and folders of it.

use std::fs;
use std::io::Write as _;
use std::num::NonZeroU64;
use std::path::Path;

use ragdoll_analyser::Window;
use ragdoll_score::{
    CaseFolder, Cause, Decoy, Indicators, Manifest, Moved, Part, Shard, Signal, Stretch,
    SystemKind, TrueFault, Truth,
};
use ragdoll_trace::{Observations, OtlpJsonWriter, Span, SpanKind, Status, TraceSet};

const EPOCH_NS: u64 = 1_700_000_000_000_000_000;
/// Milliseconds from one request to the next.
const INTERVAL_MS: u64 = 100;
/// Requests in each part of a case.
pub(crate) const REQUESTS: u64 = 300;

/// What one call is like.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// Milliseconds on the wire, half of them each way.
    pub(crate) network_ms: u64,
    /// Milliseconds of the callee's own work.
    pub(crate) work_ms: u64,
    /// Whether it fails.
    pub(crate) fails: bool,
}

/// What a request is like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) search: Call,
    pub(crate) rank: Call,
    /// Whether the gateway's spans fail with those that it calls.
    pub(crate) caller_records: bool,
}

/// A quiet system, in which `search` always takes longest.
pub(crate) const QUIET: Shape = Shape {
    search: Call {
        network_ms: 2,
        work_ms: 60,
        fails: false,
    },
    rank: Call {
        network_ms: 2,
        work_ms: 20,
        fails: false,
    },
    caller_records: true,
};

/// Requests of a part are sent in this time.
pub(crate) fn stretch(part: Part) -> Stretch {
    let length_ns = REQUESTS * INTERVAL_MS * 1_000_000;
    let start_ns = EPOCH_NS + part as u64 * length_ns;
    Stretch {
        start_ns,
        end_ns: start_ns + length_ns,
    }
}

/// Adds requests of one shape, whose times vary by a few milliseconds.
pub(crate) fn add_requests(set: &mut TraceSet, part: Part, requests: u64, shape: Shape) {
    let from_ms = stretch(part).start_ns / 1_000_000;
    for number in 0..requests {
        let start_ms = from_ms + number * INTERVAL_MS;
        let trace_id = (part as u64) << 32 | (number + 1);
        add_request(set, u128::from(trace_id), start_ms, number * 7 % 5, shape);
    }
}

fn add_request(set: &mut TraceSet, trace_id: u128, start_ms: u64, more_ms: u64, shape: Shape) {
    let mut now_ms = start_ms + 1;
    for (callee, call, id) in [("search", shape.search, 2), ("rank", shape.rank, 4)] {
        let served_ms = now_ms + call.network_ms / 2;
        let done_ms = served_ms + call.work_ms + more_ms;
        let back_ms = done_ms + call.network_ms / 2;
        let fails = call.fails && shape.caller_records;
        let of_caller = ("gateway", callee, SpanKind::Client);
        push(set, trace_id, of_caller, (id, 1), (now_ms, back_ms), fails);
        let of_callee = (callee, "Get", SpanKind::Server);
        let times = (served_ms, done_ms);
        push(set, trace_id, of_callee, (id + 1, id), times, call.fails);
        now_ms = back_ms + 1;
    }
    let root = ("gateway", "GET /", SpanKind::Server);
    let fails = shape.caller_records && (shape.search.fails || shape.rank.fails);
    push(set, trace_id, root, (1, 0), (start_ms, now_ms), fails);
}

/// Adds a span of a service, with its name and kind, its and its parent's id, and start and end.
fn push(
    set: &mut TraceSet,
    trace_id: u128,
    (service, name, kind): (&str, &str, SpanKind),
    (span_id, parent): (u64, u64),
    (from_ms, to_ms): (u64, u64),
    fails: bool,
) {
    let resource = set.resource(service, &format!("{service}-0"));
    let name = set.intern(name);
    set.push(Span {
        trace_id,
        span_id,
        parent_id: NonZeroU64::new(parent),
        start_ns: from_ms * 1_000_000,
        end_ns: to_ms * 1_000_000,
        attributes: Box::default(),
        links: Box::default(),
        resource,
        name,
        kind,
        status: if fails { Status::Error } else { Status::Unset },
    });
}

/// Telemetry of a quiet time and one of the given shape, with the two windows.
pub(crate) fn observations(during: Shape) -> (Observations, Window, Window) {
    let mut observations = Observations::default();
    add_requests(&mut observations.traces, Part::Before, REQUESTS, QUIET);
    add_requests(&mut observations.traces, Part::During, REQUESTS, during);
    (
        observations,
        stretch(Part::Before).into(),
        stretch(Part::During).into(),
    )
}

/// OTLP JSON lines of some requests.
pub(crate) fn otlp(part: Part, requests: u64, shape: Shape) -> Vec<u8> {
    let mut set = TraceSet::new();
    add_requests(&mut set, part, requests, shape);
    let mut bytes = Vec::new();
    OtlpJsonWriter::new().write_batch(&mut bytes, &set, 0..set.spans().len());
    bytes
}

pub(crate) fn fault(service: &str, kind: &str, causes: &[Cause]) -> TrueFault {
    TrueFault {
        service: service.to_owned(),
        instance: None,
        kind: kind.to_owned(),
        causes: causes.to_vec(),
        moved: vec![Moved::Latency],
        path: vec![service.to_owned(), "gateway".to_owned()],
        active: stretch(Part::During),
    }
}

pub(crate) fn decoy(service: &str) -> Decoy {
    Decoy {
        service: service.to_owned(),
        instance: None,
        kind: "slow".to_owned(),
    }
}

pub(crate) fn truth(case: &str, faults: Vec<TrueFault>, decoys: Vec<Decoy>) -> Truth {
    let indicators = Indicators {
        requests: REQUESTS,
        answered_per_s: 10.0,
        error_share: 0.0,
        mean_ms: 90.1,
        p50_ms: 90.0,
        p95_ms: 95.0,
        p99_ms: 96.0,
    };
    Truth {
        case: case.to_owned(),
        seed: 7,
        system: SystemKind::Graph,
        services: ["gateway", "search", "rank"].map(str::to_owned).to_vec(),
        faults,
        decoys,
        before: stretch(Part::Before),
        during: stretch(Part::During),
        indicators_before: indicators,
        indicators_during: indicators,
    }
}

/// Writes a case into a data set.
pub(crate) fn write_case(dataset: &Path, truth: &Truth, during: Shape) -> CaseFolder {
    let folder = CaseFolder::in_dataset(dataset, &truth.case);
    folder.write_truth(truth).unwrap();
    for (part, shape) in [(Part::Before, QUIET), (Part::During, during)] {
        let path = folder.telemetry_path(part, Signal::Traces);
        write_zstd(&path, &otlp(part, REQUESTS, shape));
    }
    folder
}

pub(crate) fn manifest(cases: u64) -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        generator: "ragdoll 0.1.0".to_owned(),
        seed: 7,
        shard: Shard { index: 0, count: 1 },
        cases,
        discarded: [("nobody felt the fault".to_owned(), 3)].into(),
    }
}

pub(crate) fn write_zstd(path: &Path, bytes: &[u8]) {
    fs::write(path, zstd::encode_all(bytes, 1).unwrap()).unwrap();
}

pub(crate) fn write_gzip(path: &Path, bytes: &[u8]) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap();
}
