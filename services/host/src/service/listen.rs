//! HTTP/1.1 and HTTP/2 on one port.

use std::time::Duration;

use axum::Router;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use ragdoll_runtime::{Body, Clock};
use tokio::net::{TcpListener, TcpStream};
use tower::Service as _;

use super::error::ServiceError;
use crate::remote::{RESETS_OF_CONNECTION, remote};

/// Requests in progress on one connection. The resources of a stub bound how many it takes; the
/// protocol's own bound would be a queue that no trace shows.
const STREAMS_OF_CONNECTION: u32 = 100_000;
/// Pause after a connection that could not be accepted, as when descriptors run out.
const ACCEPT_PAUSE_US: u64 = 10_000;
/// How long a health check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// Serves every connection until the process ends.
pub(super) async fn accept(listener: TcpListener, router: Router) {
    let clock = Clock::new_real();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, router.clone()));
            }
            Err(_) => clock.sleep_us(ACCEPT_PAUSE_US).await,
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    // Small messages are not to wait for the acknowledgement of earlier ones. Where that cannot be
    // set the connection is already gone.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http2()
        .max_concurrent_streams(STREAMS_OF_CONNECTION)
        .max_pending_accept_reset_streams(RESETS_OF_CONNECTION)
        .max_local_error_reset_streams(RESETS_OF_CONNECTION);
    let service = TowerToHyperService::new(router);
    // A connection that breaks concerns its caller, who sees it too.
    let _ = protocol
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Asks `url`, such as `http://127.0.0.1:7000/readyz`, for a success.
pub(super) async fn check(url: &str) -> Result<(), ServiceError> {
    let mistake = || {
        let message = format!("--check is `{url}`: use http://HOST:PORT/readyz");
        ServiceError::Plan(message)
    };
    let address = url.strip_prefix("http://").ok_or_else(mistake)?;
    let (address, path) = address.split_once('/').ok_or_else(mistake)?;
    let mut server = remote(address).map_err(|_| mistake())?;
    let request = http::Request::builder()
        .uri(format!("/{path}"))
        .body(Body::empty());
    let request = request.map_err(|_| mistake())?;
    let limit_us = CHECK_LIMIT.as_micros() as u64;
    let answer = Clock::new_real()
        .timeout_us(limit_us, server.call(request))
        .await;
    let Ok(Ok(response)) = answer else {
        return Err(ServiceError::NotReady("no answer in time".to_owned()));
    };
    let status = response.status();
    if !status.is_success() {
        let body = response.into_body().collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        return Err(ServiceError::NotReady(format!("{status} {body}")));
    }
    Ok(())
}
