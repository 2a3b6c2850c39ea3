//! The gRPC server of a service of a graph. A generated server has one name; this has a name for each
//! service.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use ragdoll_model::proto::{HopRequest, HopResponse};
use ragdoll_runtime::{BoxFuture, Request, Response};
use tonic::server::UnaryService;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::{Hop, HopStub};
use crate::client::{SpanAttributes, context_of};

/// The one method.
struct Method(Arc<Hop>);

impl UnaryService<HopRequest> for Method {
    type Response = HopResponse;
    type Future = std::pin::Pin<
        Box<dyn Future<Output = Result<tonic::Response<HopResponse>, Status>> + Send>,
    >;

    fn call(&mut self, request: tonic::Request<HopRequest>) -> Self::Future {
        let hop = self.0.clone();
        Box::pin(async move {
            let context = context_of(&request);
            let served = hop.serve(&context, request.into_inner().into()).await?;
            let mut response = tonic::Response::new(HopResponse::from(served.answer));
            SpanAttributes::put(served.attributes, response.extensions_mut());
            Ok(response)
        })
    }
}

impl tower::Service<Request> for HopStub {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> BoxFuture {
        let hop = self.hop.clone();
        Box::pin(async move {
            if request.uri().path() != hop.spec.name.path() {
                let status = Status::new(Code::Unimplemented, "no such method");
                return Ok(status.into_http());
            }
            let codec: ProstCodec<HopResponse, HopRequest> = ProstCodec::default();
            let mut grpc = tonic::server::Grpc::new(codec);
            Ok(grpc.unary(Method(hop), request).await)
        })
    }
}
