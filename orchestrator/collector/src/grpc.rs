//! OTLP over gRPC.

use std::marker::PhantomData;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::response::Response as HttpResponse;
use axum::routing::post;
use ragdoll_trace::OtlpRequest;
use tonic::codec::CompressionEncoding;
use tonic::codegen::BoxFuture;
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};

use crate::codec::Serving;
use crate::inbox::{Inbox, MESSAGE_BYTES};
use crate::service::{Logs, Metrics, Service, Traces, grpc_path};

/// The three services.
pub(crate) fn router(inbox: Inbox) -> Router {
    Router::new()
        .route(grpc_path(Traces::SIGNAL), post(export::<Traces>))
        .route(grpc_path(Logs::SIGNAL), post(export::<Logs>))
        .route(grpc_path(Metrics::SIGNAL), post(export::<Metrics>))
        .with_state(inbox)
}

async fn export<S: Service>(State(inbox): State<Inbox>, request: HttpRequest) -> HttpResponse {
    let mut server = Grpc::new(Serving::<S::Answer>::new())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    let taker = Taker::<S>(inbox, PhantomData);
    server.unary(taker, request).await.map(Body::new)
}

struct Taker<S>(Inbox, PhantomData<S>);

impl<S: Service> UnaryService<Bytes> for Taker<S> {
    type Response = S::Answer;
    type Future = BoxFuture<Response<S::Answer>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(take::<S>(self.0.clone(), request.into_inner()))
    }
}

async fn take<S: Service>(inbox: Inbox, message: Bytes) -> Result<Response<S::Answer>, Status> {
    let telemetry = OtlpRequest::from_protobuf(S::SIGNAL, &message).map_err(|problem| {
        Status::invalid_argument(format!("the message is no OTLP protobuf: {problem}"))
    })?;
    let answer = inbox.export::<S>(telemetry, |_| message).await;
    let answer = answer.ok_or_else(|| Status::unavailable("the run is over"))?;
    Ok(Response::new(answer))
}
