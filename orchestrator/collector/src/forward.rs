//! A copy of everything for a collector of the user's.

use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use ragdoll_runtime::Clock;
use ragdoll_trace::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::codec::Passing;
use crate::collected::Counts;
use crate::output::CollectError;
use crate::service::grpc_path;

/// Requests that wait to be passed on; more are lost, and counted.
const REQUESTS_WAITING: usize = 1024;
/// Their size on the wire; more are lost, and counted.
const BYTES_WAITING: u64 = 64 << 20;
/// How long one request may take.
const REQUEST_LIMIT_US: u64 = 5_000_000;
/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long what waits at the end may take together.
const END_LIMIT_US: u64 = 10_000_000;

/// A request that is to be passed on.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) signal: Signal,
    /// Spans, log lines or points in it.
    pub(crate) records: u64,
    /// The request in protobuf.
    pub(crate) request: Bytes,
}

/// Where requests are put to be passed on.
#[derive(Debug)]
pub(crate) struct ForwardQueue {
    requests: mpsc::Sender<Outgoing>,
    tally: Arc<Tally>,
}

/// The way to another collector, for which nobody waits before the end.
#[derive(Debug)]
pub(crate) struct Forwarding {
    task: JoinHandle<()>,
    tally: Arc<Tally>,
    clock: Clock,
}

/// What became of spans, log lines and points.
#[derive(Debug, Default)]
struct Tally {
    offered: AtomicU64,
    forwarded: AtomicU64,
    lost: AtomicU64,
    bytes_waiting: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Tally {
    fn lose(&self, records: u64, why: String) {
        self.lost.fetch_add(records, Ordering::AcqRel);
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn last_error(&self) -> Option<String> {
        let last = self.last_error.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ForwardQueue {
    /// Puts a request into the queue, or counts it as lost where that is full.
    pub(crate) fn put(&self, request: Outgoing) {
        let (records, bytes) = (request.records, request.request.len() as u64);
        self.tally.offered.fetch_add(records, Ordering::AcqRel);
        let waiting = &self.tally.bytes_waiting;
        if waiting.fetch_add(bytes, Ordering::AcqRel) + bytes <= BYTES_WAITING
            && self.requests.try_send(request).is_ok()
        {
            return;
        }
        waiting.fetch_sub(bytes, Ordering::AcqRel);
        let why = "it is too slow: the queue for it is full".to_owned();
        self.tally.lose(records, why);
    }
}

impl Forwarding {
    /// Starts to pass on what is put into the queue, until that is dropped. `own` is where the
    /// receiver itself listens.
    pub(crate) fn start(
        endpoint: &str,
        own: SocketAddr,
        clock: &Clock,
    ) -> Result<(ForwardQueue, Forwarding), CollectError> {
        let uri = uri(endpoint, own).map_err(|problem| CollectError::Forward {
            endpoint: endpoint.to_owned(),
            problem,
        })?;
        let channel = Endpoint::from(uri)
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true)
            .connect_lazy();
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING);
        let tally = Arc::<Tally>::default();
        let way = Way::new(channel, clock.clone());
        let task = tokio::spawn(way.pass_on(waiting, tally.clone()));
        let forwarding = Forwarding {
            task,
            tally: tally.clone(),
            clock: clock.clone(),
        };
        Ok((ForwardQueue { requests, tally }, forwarding))
    }

    /// What is lost so far, and why the last of it was.
    pub(crate) fn lost(&self) -> (u64, Option<String>) {
        let lost = self.tally.lost.load(Ordering::Acquire);
        (lost, self.tally.last_error())
    }

    /// Waits until all that waits is passed on or lost. The queue is to be dropped before.
    pub(crate) async fn end(mut self, counts: &mut Counts) {
        let ended = self.clock.timeout_us(END_LIMIT_US, &mut self.task).await;
        let forwarded = self.tally.forwarded.load(Ordering::Acquire);
        counts.forwarded = forwarded;
        counts.lost_in_forwarding = self.tally.offered.load(Ordering::Acquire) - forwarded;
        counts.last_forwarding_error = self.tally.last_error();
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => counts.last_forwarding_error = Some(error.to_string()),
            Err(_) => {
                self.task.abort();
                let why = "it is too slow: not all was taken by the end".to_owned();
                counts.last_forwarding_error = Some(why);
            }
        }
    }
}

/// A client with one connection, which is made when it is needed and again where it broke.
struct Way {
    client: Grpc<Channel>,
    clock: Clock,
}

impl Way {
    fn new(channel: Channel, clock: Clock) -> Self {
        Way {
            client: Grpc::new(channel),
            clock,
        }
    }

    async fn pass_on(mut self, mut waiting: mpsc::Receiver<Outgoing>, tally: Arc<Tally>) {
        while let Some(request) = waiting.recv().await {
            let (records, bytes) = (request.records, request.request.len() as u64);
            let clock = self.clock.clone();
            let passed = clock.timeout_us(REQUEST_LIMIT_US, self.pass(request)).await;
            tally.bytes_waiting.fetch_sub(bytes, Ordering::AcqRel);
            match passed {
                Ok(Ok(Rejected { records: some, why })) => {
                    let some = some.min(records);
                    tally.forwarded.fetch_add(records - some, Ordering::AcqRel);
                    if some > 0 {
                        tally.lose(some, why);
                    }
                }
                Ok(Err(status)) => tally.lose(records, in_words(&status)),
                Err(_) => tally.lose(records, "it is too slow: no answer in 5 s".to_owned()),
            }
        }
    }

    async fn pass(&mut self, request: Outgoing) -> Result<Rejected, Status> {
        let Outgoing {
            signal, request, ..
        } = request;
        let ready = self.client.ready().await;
        ready.map_err(|error| Status::from_error(error.into()))?;
        let path = PathAndQuery::from_static(grpc_path(signal));
        let answer = self.client.unary(Request::new(request), path, Passing);
        let partial = answer.await?.into_inner().partial_success;
        let partial = partial.unwrap_or_default();
        Ok(Rejected {
            records: u64::try_from(partial.rejected_spans).unwrap_or(0),
            why: partial.error_message,
        })
    }
}

/// What the other collector took out of a request.
struct Rejected {
    records: u64,
    why: String,
}

/// What failed, and why it did: a status alone says no more than `transport error`.
fn in_words(status: &Status) -> String {
    let mut words = format!("{:?}: {}", status.code(), status.message());
    let mut cause = status.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.ends_with(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = error.source();
    }
    words
}

fn uri(endpoint: &str, own: SocketAddr) -> Result<Uri, String> {
    let uri: Uri = endpoint
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let Some(authority) = uri.authority() else {
        return Err("this names no host".to_owned());
    };
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err("there is no TLS".to_owned()),
        _ => return Err("this names no scheme".to_owned()),
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_here = host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|ip| {
            ip == own.ip() || ip.is_unspecified() || (ip.is_loopback() && own.ip().is_unspecified())
        });
    if is_here && authority.port_u16() == Some(own.port()) {
        return Err("this is the receiver itself".to_owned());
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_cannot_be_meant_is_refused() {
        let own = SocketAddr::from(([127, 0, 0, 1], 4317));
        let endpoints = [
            "http://127.0.0.1:4318",
            "http://jaeger:4317",
            "http://127.0.0.1:4317",
            "http://localhost:4317",
            "https://jaeger:4317",
            "jaeger:4317",
            "/v1/traces",
            "a b",
        ];
        let lines = endpoints.map(|endpoint| match uri(endpoint, own) {
            Ok(_) => format!("{endpoint}: good"),
            Err(problem) => format!("{endpoint}: {problem}"),
        });
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_full_queue_loses_what_comes_and_says_so() {
        let (requests, _waiting) = mpsc::channel(2);
        let tally = Arc::<Tally>::default();
        let queue = ForwardQueue {
            requests,
            tally: tally.clone(),
        };
        let request = || Outgoing {
            signal: Signal::Logs,
            records: 3,
            request: Bytes::from_static(b"three lines"),
        };
        let bytes = request().request.len() as u64;
        for _ in 0..4 {
            queue.put(request());
        }
        assert_eq!(tally.lost.load(Ordering::Acquire), 6);
        assert_eq!(tally.offered.load(Ordering::Acquire), 12);
        assert_eq!(tally.bytes_waiting.load(Ordering::Acquire), 2 * bytes);
        assert!(tally.last_error().is_some_and(|why| why.contains("full")));
    }
}
