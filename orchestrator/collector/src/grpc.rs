//! OTLP over gRPC.

use axum::Router;
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
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::inbox::{Inbox, MESSAGE_BYTES, Signal};

/// The three services, and gRPC's own answer for everything else.
pub(crate) fn router(inbox: &Inbox) -> Router {
    let traces = TraceServiceServer::new(Grpc(inbox.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    let logs = LogsServiceServer::new(Grpc(inbox.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    let metrics = MetricsServiceServer::new(Grpc(inbox.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    let routes = Routes::new(traces).add_service(logs).add_service(metrics);
    routes.into_axum_router()
}

struct Grpc(Inbox);

impl Grpc {
    async fn take<S: Signal>(&self, request: Request<S>) -> Result<Response<S::Answer>, Status> {
        let answer = self.0.export(request.into_inner()).await;
        let answer = answer.ok_or_else(|| Status::unavailable("the run is over"))?;
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(request).await
    }
}

#[tonic::async_trait]
impl LogsService for Grpc {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.take(request).await
    }
}

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(request).await
    }
}
