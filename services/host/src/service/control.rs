//! What a process answers besides its stub: readiness, health, and the run's control.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{any_service, get, post};
use axum::{Json, Router};
use http::StatusCode;
use ragdoll_fault_layers::WitnessReport;
use ragdoll_runtime::{Body, BoxService, Clock, Request, is_grpc};
use ragdoll_stubs::ingest::Queue;
use tokio::sync::{mpsc, oneshot};
use tonic::Code;
use tower::Service as _;

use super::command::{Command, Drained};
use super::messages::{NEXT_MESSAGE, next_message};
use super::plan::{Begin, Change};
use super::running::Running;
use crate::operation::refusal;
use crate::readiness::READINESS_PATH;

/// What all connections share.
pub(super) struct Shared {
    pub(super) running: RwLock<Option<Arc<Running>>>,
    pub(super) commands: mpsc::Sender<Command>,
}

impl Shared {
    pub(super) fn running(&self) -> Option<Arc<Running>> {
        self.running
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// All routes of a process. What none of them is for goes to the stub, behind its layers.
pub(super) async fn router(shared: &Arc<Shared>) -> Router {
    let (reporter, health) = tonic_health::server::health_reporter();
    let overall = "";
    reporter
        .set_service_status(overall, tonic_health::ServingStatus::Serving)
        .await;
    let stub = shared.clone();
    let stub = tower::service_fn(move |request: axum::extract::Request| {
        let stub = stub.clone();
        async move {
            let server = stub.running().and_then(|running| running.server());
            Ok(answer(server, request).await)
        }
    });
    Router::new()
        .route(READINESS_PATH, get(ready))
        .route("/grpc.health.v1.Health/{method}", any_service(health))
        .route("/control/v1/begin", post(begin))
        .route("/control/v1/faults", post(change))
        .route("/control/v1/witnesses", get(witnesses))
        .route("/control/v1/drain", post(drain))
        .route(NEXT_MESSAGE, post(message))
        .with_state(shared.clone())
        .fallback_service(stub)
}

/// What a stub behind its layers answers, or that nobody is there yet.
pub(super) async fn answer(
    server: Option<BoxService>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let Some(mut server) = server else {
        let is_grpc = is_grpc(request.headers());
        let refusal = refusal(is_grpc, Code::Unavailable, "no run has begun");
        return refusal.map(axum::body::Body::new);
    };
    let request: Request = request.map(Body::new);
    let Ok(response) = BoxService::call(&mut server, request).await;
    response.map(axum::body::Body::new)
}

/// A process is ready for a run to begin; in a run, its instance tells.
async fn ready(
    State(shared): State<Arc<Shared>>,
    request: axum::extract::Request,
) -> axum::response::Response {
    match shared.running().and_then(|running| running.server()) {
        Some(server) => answer(Some(server), request).await,
        None => "ready".into_response(),
    }
}

async fn begin(
    State(shared): State<Arc<Shared>>,
    Json(begin): Json<Begin>,
) -> Result<StatusCode, (StatusCode, String)> {
    let (reply, began) = oneshot::channel();
    let command = Command::Begin(Box::new(begin), reply);
    let ending = || {
        let message = "the process is about to end".to_owned();
        (StatusCode::SERVICE_UNAVAILABLE, message)
    };
    shared.commands.send(command).await.map_err(|_| ending())?;
    match began.await.map_err(|_| ending())? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(problem) => Err((StatusCode::BAD_REQUEST, problem)),
    }
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Json(change): Json<Change>,
) -> Result<StatusCode, (StatusCode, String)> {
    let Some(running) = shared.running() else {
        let message = "no run has begun".to_owned();
        return Err((StatusCode::SERVICE_UNAVAILABLE, message));
    };
    let changed = running.change(change);
    changed.map_err(|problem| (StatusCode::BAD_REQUEST, problem))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `null` where no run has begun: whoever began one learns by that that the process is another.
async fn witnesses(State(shared): State<Arc<Shared>>) -> Json<Option<Vec<WitnessReport>>> {
    let running = shared.running();
    Json(running.map(|running| running.witnesses()))
}

async fn drain(State(shared): State<Arc<Shared>>) -> Json<Drained> {
    match shared.running() {
        Some(running) => Json(running.drain().await),
        None => Json(Drained::default()),
    }
}

async fn message(State(shared): State<Arc<Shared>>) -> axum::response::Response {
    let running = shared.running();
    let Some((queue, clock)) = running.as_ref().and_then(|running| running.queue()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    next(&queue, &clock).await
}

/// The next document of a queue, for a worker in another process.
pub(super) async fn next(queue: &Queue, clock: &Clock) -> axum::response::Response {
    match next_message(queue, clock).await {
        Some(message) => Json(message).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
