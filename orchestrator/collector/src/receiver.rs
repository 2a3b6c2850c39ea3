//! The OTLP receiver: whatever speaks OTLP over gRPC or HTTP can send to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver as Batches;
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response_with_state;
use axum::response::Response;
use ragdoll_runtime::Clock;
use ragdoll_telemetry::{Batch, ServiceInstance};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::collected::{Collected, Received};
use crate::forward::Forwarding;
use crate::inbox::Inbox;
use crate::ingest::Ingest;
use crate::local::Local;
use crate::output::{CollectError, Output};
use crate::server::{Obituary, Phase, Server};
use crate::{grpc, http};

/// Longest wait at the end for requests that are in progress.
const ANSWER_LIMIT_US: u64 = 2_000_000;

/// A receiver at work: one thread that takes in what arrives, and tasks that serve its ports.
///
/// Whoever sends gets its answer when the message is in a bounded queue, and waits for room there;
/// an answer is never given to what is then lost. Dropping a receiver kills it.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    inbox: Inbox,
    router: Router,
    phase: watch::Sender<Phase>,
    death: watch::Sender<Option<String>>,
    local: Local,
    ingest: JoinHandle<Received>,
    forwarding: Option<Forwarding>,
    clock: Clock,
}

impl Receiver {
    /// Listens on `listen`, where port 0 takes a free one: OTLP/gRPC, and OTLP/HTTP at
    /// `/v1/traces`, `/v1/logs` and `/v1/metrics`. What this process says about itself arrives in
    /// `batches`, whose instances are numbered by `local`. Without `output` nothing is written.
    /// `forward` is an OTLP/gRPC endpoint, such as `http://127.0.0.1:4317`, that gets a copy of
    /// everything for which it has time.
    ///
    /// It serves on the runtime of tokio that this is called within, whose I/O and time are to be
    /// enabled.
    ///
    /// # Errors
    /// An address that cannot be listened on, and an endpoint that is none or is this receiver.
    pub async fn start(
        listen: SocketAddr,
        batches: Batches<Batch>,
        local: Vec<ServiceInstance>,
        output: Option<Output>,
        forward: Option<String>,
    ) -> Result<Receiver, CollectError> {
        let (listener, address) = bind(listen).await?;
        let clock = Clock::new_real();
        let forward = forward.map(|endpoint| Forwarding::start(&endpoint, address, &clock));
        let (queue, forwarding) = forward.transpose()?.unzip();
        let (inbox, waiting) = Inbox::new(queue.is_some());
        let mut ingest = Ingest::new(&local, output, queue);
        let ingest = std::thread::spawn(move || {
            ingest.take_all(waiting);
            ingest.finish()
        });
        let receiver = Receiver {
            address,
            local: Local::start(batches, inbox.clone()),
            router: router(&inbox),
            inbox,
            phase: watch::Sender::new(Phase::Serving),
            death: watch::Sender::new(None),
            ingest,
            forwarding,
            clock,
        };
        receiver.serve(listener, address);
        Ok(receiver)
    }

    /// Listens on another address as well, such as that of a network that was made only now, and
    /// returns it.
    ///
    /// # Errors
    /// An address that cannot be listened on.
    pub async fn listen_also(&self, listen: SocketAddr) -> Result<SocketAddr, CollectError> {
        let (listener, address) = bind(listen).await?;
        self.serve(listener, address);
        Ok(address)
    }

    fn serve(&self, listener: TcpListener, address: SocketAddr) {
        let server = Server {
            listener,
            router: self.router.clone(),
            phase: self.phase.subscribe(),
            obituary: Obituary {
                address,
                death: self.death.clone(),
            },
            clock: self.clock.clone(),
        };
        tokio::spawn(server.run());
    }

    /// Where it listens: the address of its start.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and cuts every connection, as if something had ended it. What has been
    /// answered is kept.
    pub fn kill(&self) {
        self.phase.send_replace(Phase::Killed);
    }

    /// Whether it still listens wherever it should, and takes what arrives.
    pub fn is_alive(&self) -> bool {
        self.death.borrow().is_none() && !self.inbox.is_closed()
    }

    /// Waits until it is no longer alive, and tells why.
    pub async fn died(&self) -> String {
        let mut death = self.death.subscribe();
        let reason = async {
            let reason = death.wait_for(Option::is_some).await;
            let reason = reason.ok().and_then(|reason| reason.clone());
            reason.expect("this holds a sender, and waits until there is a reason")
        };
        tokio::select! {
            biased;
            reason = reason => reason,
            () = self.inbox.closed() => "the thread that takes messages in has ended".to_owned(),
        }
    }

    /// Spans, log lines and metric points that the collector at the other end of `forward` did not
    /// get so far, and why the last of them were not.
    pub fn lost_in_forwarding(&self) -> (u64, Option<String>) {
        let forwarding = self.forwarding.as_ref();
        forwarding.map_or((0, None), Forwarding::lost)
    }

    /// Takes nothing any more, and waits for what has arrived, also from this process: what its
    /// exporter has sent by now, which is to be closed or flushed before. Requests in progress have
    /// two seconds, and forwarding has ten.
    ///
    /// # Panics
    /// Where the thread that takes messages in panicked.
    pub async fn end(self) -> Received {
        self.stop_serving().await;
        self.local.end().await;
        self.inbox.end().await;
        let ingest = self.ingest;
        let joined = tokio::task::spawn_blocking(move || ingest.join()).await;
        let mut received = match joined {
            Ok(Ok(received)) => received,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the wait for a thread was cut: {error}"),
        };
        let counts = &mut received.counts;
        let refused = self.inbox.refused();
        let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        counts.rejected_spans = count(&refused.spans);
        counts.rejected_log_lines = count(&refused.log_lines);
        counts.rejected_points = count(&refused.points);
        counts.refused_requests = count(&refused.requests);
        if let Some(forwarding) = self.forwarding {
            forwarding.end(counts).await;
        }
        received
    }

    /// As [`Receiver::end`], for whoever asks only for what was collected.
    ///
    /// # Errors
    /// The first file that could not be written.
    pub async fn finish(self) -> Result<Collected, CollectError> {
        self.end().await.into_result()
    }

    async fn stop_serving(&self) {
        self.phase.send_if_modified(|phase| {
            let is_serving = *phase == Phase::Serving;
            if is_serving {
                *phase = Phase::Ending;
            }
            is_serving
        });
        let answered = self.phase.closed();
        if self
            .clock
            .timeout_us(ANSWER_LIMIT_US, answered)
            .await
            .is_err()
        {
            self.kill();
            self.phase.closed().await;
        }
    }
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), CollectError> {
    let cannot_listen = |source| CollectError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    Ok((listener, address))
}

fn router(inbox: &Inbox) -> Router {
    let routes = grpc::router(inbox.clone()).merge(http::router(inbox.clone()));
    let count = map_response_with_state(inbox.clone(), count_refusal);
    routes.fallback(http::elsewhere).layer(count)
}

/// Counts what is not taken, whichever part of the server refuses it.
async fn count_refusal(State(inbox): State<Inbox>, response: Response) -> Response {
    let code = response.headers().get("grpc-status");
    let is_refused = code.is_some_and(|code| code != "0");
    if is_refused || !response.status().is_success() {
        inbox.refused().requests.fetch_add(1, Ordering::AcqRel);
    }
    response
}
