//! How many spans a second a receiver takes: requests of OTLP/gRPC over sockets in, memory and files
//! out. Whoever sends runs on the same processors.

use std::net::{Ipv4Addr, SocketAddr};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use ragdoll_collector::{Output, Received, Receiver};
use ragdoll_telemetry::Exporter;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What an exporter sends at a time.
const SPANS_OF_REQUEST: u64 = 512;
/// Requests of one connection.
const REQUESTS: u64 = 64;
/// Connections: as many as a small system has instances.
const CONNECTIONS: u64 = 8;

const OPERATIONS: [&str; 6] = [
    "POST /v1/query",
    "ragdoll.v1.Embedder/Embed",
    "ragdoll.v1.VectorDb/Search",
    "ragdoll.v1.Shard/Search",
    "queue.wait",
    "ragdoll.v1.Reranker/Rerank",
];

fn receiver(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let requests: Vec<_> = (0..CONNECTIONS).map(requests_of).collect();
    let mut group = criterion.benchmark_group("spans over gRPC");
    group.sample_size(10);
    group.throughput(Throughput::Elements(
        CONNECTIONS * REQUESTS * SPANS_OF_REQUEST,
    ));
    for (name, is_written) in [("into memory and files", true), ("into memory", false)] {
        group.bench_function(name, |bench| {
            bench.iter_batched(
                || Trial::start(&runtime, requests.clone(), is_written),
                |trial| trial.run(&runtime),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A receiver to which everybody is connected.
struct Trial {
    receiver: Receiver,
    senders: Vec<(Client, Vec<ExportTraceServiceRequest>)>,
    folder: Option<tempfile::TempDir>,
}

type Client = TraceServiceClient<tonic::transport::Channel>;

impl Trial {
    fn start(
        runtime: &Runtime,
        requests: Vec<Vec<ExportTraceServiceRequest>>,
        is_written: bool,
    ) -> Trial {
        let folder = is_written.then(|| tempfile::tempdir().expect("a folder"));
        let output = folder
            .as_ref()
            .map(|folder| Output::create(folder.path()).expect("files"));
        let (_, batches) = Exporter::channel();
        runtime.block_on(async {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let receiver = Receiver::start(listen, batches, Vec::new(), output, None);
            let receiver = receiver.await.expect("a free port");
            let endpoint = format!("http://{}", receiver.address());
            let mut senders = Vec::new();
            for requests in requests {
                let client = Client::connect(endpoint.clone()).await;
                senders.push((client.expect("it listens"), requests));
            }
            Trial {
                receiver,
                senders,
                folder,
            }
        })
    }

    /// What is returned is dropped outside of the measured time.
    fn run(self, runtime: &Runtime) -> (Received, Option<tempfile::TempDir>) {
        runtime.block_on(async {
            let sending = self.senders.into_iter().map(|(mut client, requests)| {
                tokio::spawn(async move {
                    for request in requests {
                        client.export(request).await.expect("taken");
                    }
                })
            });
            for sender in sending.collect::<Vec<_>>() {
                sender.await.expect("no panic");
            }
            let received = self.receiver.end().await;
            assert!(received.failure.is_none());
            let sent = CONNECTIONS * REQUESTS * SPANS_OF_REQUEST;
            assert_eq!(received.counts.spans, sent);
            (received, self.folder)
        })
    }
}

fn requests_of(connection: u64) -> Vec<ExportTraceServiceRequest> {
    let instance = format!("shard-{connection}-0");
    let resource = Resource {
        attributes: vec![
            text("service.name", "shard"),
            text("service.instance.id", &instance),
            key_value("process.pid", Value::IntValue(4000 + connection as i64)),
        ],
        ..Default::default()
    };
    let requests = (0..REQUESTS).map(|number| {
        let first = (connection * REQUESTS + number) * SPANS_OF_REQUEST;
        let spans = first..first + SPANS_OF_REQUEST;
        let scope_spans = ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "ragdoll".to_owned(),
                ..Default::default()
            }),
            spans: spans.map(span).collect(),
            ..Default::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource.clone()),
                scope_spans: vec![scope_spans],
                ..Default::default()
            }],
        }
    });
    requests.collect()
}

fn span(number: u64) -> Span {
    // Ids look random, as those of real senders do.
    let id = |salt: u64| (number * 8 + salt + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let trace_id = u128::from(id(0)) << 64 | u128::from(id(1));
    let start_ns = 1_735_689_600_000_000_000 + number * 37_000;
    Span {
        trace_id: trace_id.to_be_bytes().to_vec(),
        span_id: id(2).to_be_bytes().to_vec(),
        parent_span_id: id(3).to_be_bytes().to_vec(),
        name: OPERATIONS[number as usize % OPERATIONS.len()].to_owned(),
        kind: 1 + (number % 3) as i32,
        start_time_unix_nano: start_ns,
        end_time_unix_nano: start_ns + 1_000 * (number % 5_000),
        attributes: vec![
            text("rpc.system.name", "grpc"),
            text("rpc.method", OPERATIONS[number as usize % OPERATIONS.len()]),
            text("server.address", "shard-3-1"),
            text("request.id", &format!("q-{}", number / 9)),
            key_value(
                "db.response.returned_rows",
                Value::IntValue(number as i64 % 50),
            ),
            key_value("queue.depth", Value::DoubleValue(number as f64 / 7.0)),
        ],
        status: Some(Status::default()),
        ..Default::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    key_value(key, Value::StringValue(value.to_owned()))
}

fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    }
}

criterion_group!(benches, receiver);
criterion_main!(benches);
