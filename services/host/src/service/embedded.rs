//! The network side of an instance whose process holds more than that instance, such as a test that
//! puts every instance of a system on a port of its own.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use ragdoll_runtime::{BoxService, Clock};
use ragdoll_stubs::ingest::{Messages, Queue};
use tokio::net::TcpListener;

use super::control::{answer, next};
use super::listen::accept;
use super::messages::{NEXT_MESSAGE, RemoteMessages};

/// Answers on `listener` as a process of its own does: with `server`, and where there is a `queue`,
/// with its documents for the workers of other instances. Never returns; dropping the future stops
/// it from accepting connections, while those that are open go on until the runtime ends.
pub async fn answer_on(
    listener: TcpListener,
    clock: Clock,
    server: BoxService,
    queue: Option<Arc<Queue>>,
) {
    let stub = tower::service_fn(move |request: axum::extract::Request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(answer(Some(server), request).await) }
    });
    let mut router = Router::new().fallback_service(stub);
    if let Some(queue) = queue {
        let next_message = post(move || async move { next(&queue, &clock).await });
        router = router.route(NEXT_MESSAGE, next_message);
    }
    accept(listener, router).await;
}

/// A worker's way to the queue of the ingest API that is reached through `api`.
pub fn messages_of(api: BoxService, clock: &Clock) -> Arc<dyn Messages> {
    Arc::new(RemoteMessages::new(api, clock))
}
