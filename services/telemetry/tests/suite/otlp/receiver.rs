//! An OTLP receiver that remembers what it got, on a runtime of its own: a test's thread is free to
//! block, and a receiver that is stopped breaks its connections off.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

/// An address on which nobody listens yet, and which nobody else gets.
pub(crate) struct Place(TcpSocket);

impl Place {
    pub(crate) fn new() -> Self {
        Place::at(([127, 0, 0, 1], 0).into())
    }

    /// A second place with the same address, to be used once the first is no more.
    pub(crate) fn again(&self) -> Self {
        Place::at(self.address())
    }

    fn at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseport(true).expect("Linux can");
        socket.bind(address).expect("a free port");
        Place(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }
}

#[derive(Clone, Default)]
struct Memory {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    logs: Arc<Mutex<Vec<ExportLogsServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
    answer: Arc<AtomicI32>,
}

pub(crate) struct Receiver {
    memory: Memory,
    runtime: Option<Runtime>,
}

impl Receiver {
    pub(crate) fn start(place: Place) -> Self {
        Receiver::answering(place, Code::Ok)
    }

    /// One that keeps what it gets only where `answer` is `Code::Ok`.
    pub(crate) fn answering(place: Place, answer: Code) -> Self {
        let memory = Memory::default();
        memory.answer.store(answer.into(), Ordering::Relaxed);
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = {
            let _inside = runtime.enter();
            place.0.listen(64).expect("nobody else listens")
        };
        let server = Server::builder()
            .add_service(TraceServiceServer::new(memory.clone()))
            .add_service(LogsServiceServer::new(memory.clone()))
            .add_service(MetricsServiceServer::new(memory.clone()));
        runtime.spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Receiver {
            memory,
            runtime: Some(runtime),
        }
    }

    /// Breaks all connections off. What it got until then it still knows.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub(crate) fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        self.memory.traces.lock().expect("no panic").clone()
    }

    pub(crate) fn logs(&self) -> Vec<ExportLogsServiceRequest> {
        self.memory.logs.lock().expect("no panic").clone()
    }

    pub(crate) fn metrics(&self) -> Vec<ExportMetricsServiceRequest> {
        self.memory.metrics.lock().expect("no panic").clone()
    }

    pub(crate) fn span_names(&self) -> Vec<String> {
        let requests = self.traces().into_iter();
        let resources = requests.flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let spans = scopes.flat_map(|scope| scope.spans);
        spans.map(|span| span.name).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Memory {
    fn take<Q, A: Default>(
        &self,
        requests: &Mutex<Vec<Q>>,
        request: Request<Q>,
    ) -> Result<Response<A>, Status> {
        match Code::from(self.answer.load(Ordering::Relaxed)) {
            Code::Ok => {
                requests
                    .lock()
                    .expect("no panic")
                    .push(request.into_inner());
                Ok(Response::new(A::default()))
            }
            code => Err(Status::new(code, "as told")),
        }
    }
}

#[tonic::async_trait]
impl TraceService for Memory {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(&self.traces, request)
    }
}

#[tonic::async_trait]
impl LogsService for Memory {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.take(&self.logs, request)
    }
}

#[tonic::async_trait]
impl MetricsService for Memory {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(&self.metrics, request)
    }
}
