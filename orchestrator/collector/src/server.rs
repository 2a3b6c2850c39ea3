//! HTTP/1.1 and HTTP/2 on one port, for as long as a run lasts.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use ragdoll_runtime::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Open connections of one port; more wait to be accepted.
const MOST_CONNECTIONS: usize = 1024;
/// Requests in progress on one connection.
const STREAMS_OF_CONNECTION: u32 = 64;
/// Connections in a row that cannot be accepted before the server gives up.
const MOST_FAILURES: u32 = 100;
/// Pause after one of them, as when descriptors run out.
const FAILURE_PAUSE_US: u64 = 50_000;

/// How far a server has come. Each is later than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It takes connections and requests.
    Serving,
    /// It takes none any more, and answers those that it has.
    Ending,
    /// It is gone, whatever was in progress.
    Killed,
}

/// A port with what is served there.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) obituary: Obituary,
    pub(crate) clock: Clock,
}

/// Says that a server is gone, and why, whatever way it goes.
pub(crate) struct Obituary {
    pub(crate) address: SocketAddr,
    pub(crate) death: watch::Sender<Option<String>>,
}

impl Obituary {
    fn write(&self, why: &str) {
        let text = format!("it no longer listens on {}: {why}", self.address);
        self.death.send_if_modified(|death| {
            let is_first = death.is_none();
            if is_first {
                *death = Some(text);
            }
            is_first
        });
    }
}

impl Drop for Obituary {
    fn drop(&mut self) {
        self.write("its task is gone");
    }
}

impl Server {
    /// Serves until `phase` says that it ends, and then until all is answered or it is killed.
    pub(crate) async fn run(mut self) {
        // All of them are cut when this is dropped.
        let mut connections = JoinSet::new();
        let why = self.accept(&mut connections).await;
        let Server {
            listener,
            mut phase,
            obituary,
            ..
        } = self;
        drop(listener);
        let is_killed = *phase.borrow() == Phase::Killed;
        if !is_killed {
            obituary.write(&why);
            tokio::select! {
                () = until(&mut phase, Phase::Killed) => {}
                () = async { while connections.join_next().await.is_some() {} } => {}
            }
        }
        // Whoever is told of its death finds no connection open.
        connections.shutdown().await;
        obituary.write(&why);
    }

    /// Accepts connections until it may not, or cannot, and tells why.
    async fn accept(&mut self, connections: &mut JoinSet<()>) -> String {
        let mut failures = 0;
        loop {
            let has_room = connections.len() < MOST_CONNECTIONS;
            tokio::select! {
                biased;
                () = until(&mut self.phase, Phase::Ending) => return "it was ended".to_owned(),
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok((stream, _)) => {
                        failures = 0;
                        let router = self.router.clone();
                        connections.spawn(connection(stream, router, self.phase.clone()));
                    }
                    Err(error) => {
                        failures += 1;
                        if failures == MOST_FAILURES {
                            return error.to_string();
                        }
                        self.clock.sleep_us(FAILURE_PAUSE_US).await;
                    }
                },
            }
        }
    }
}

/// Serves one connection until its peer closes it; from [`Phase::Ending`] on, until what is in
/// progress is answered.
async fn connection(stream: TcpStream, router: Router, mut phase: watch::Receiver<Phase>) {
    // Small answers are not to wait for the acknowledgement of earlier ones. Where that cannot be
    // set the connection is already gone.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http2()
        .max_concurrent_streams(STREAMS_OF_CONNECTION);
    let service = TowerToHyperService::new(router);
    let mut served = pin!(protocol.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        // A connection that breaks concerns its peer, who sees it too.
        _ = served.as_mut() => return,
        () = until(&mut phase, Phase::Ending) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

/// Waits until `phase` has come that far. A receiver that was dropped is as good as killed.
async fn until(phase: &mut watch::Receiver<Phase>, least: Phase) {
    let reached = phase.wait_for(|phase| *phase >= least).await;
    drop(reached);
}
