//! One caller and one server. The server can be anything, and its process can be killed, started
//! and stopped: over TCP it is a thread with a runtime and connections of its own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use ragdoll_fault_layers::Injector;
use ragdoll_host::service::answer_on;
use ragdoll_host::stack::{client_stack, server_stack};
use ragdoll_model::{Dist, InstanceId, Service, topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::{BoxService, Clock, Network, Streams, run_virtual};
use ragdoll_stubs::Client;
use ragdoll_telemetry::{RequestContext, Telemetry};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::MS;
use super::calm::{Calm, calmly};
use super::outcome::Outcome;
use super::stage::{NEVER_US, PATIENCE_US, Said};
use super::tcp;
use super::transport::{Transport, blame};
use crate::common::{SEED, Seen};

type MakeStub = Arc<dyn Fn(&Arc<Instance>) -> BoxService + Send + Sync>;

/// A caller and the server it calls.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) clock: Clock,
    pub(crate) callee: Arc<Instance>,
    pub(crate) client: Client,
    said: Said,
    /// The server's process; absent where it is simulated.
    host: Option<Arc<Mutex<Host>>>,
}

/// Plays a scenario between a gateway and a server of `service` on each transport. `stub` is what
/// the server is behind its layers; it is called within the server's runtime.
pub(crate) fn converse<T, F>(
    service: Service,
    stub: impl Fn(&Arc<Instance>) -> BoxService + Send + Sync + 'static,
    scenario: impl Fn(Line) -> F,
    findings: impl Fn(&Outcome<T>),
) where
    F: Future<Output = T>,
{
    converse_on(&Transport::ALL, service, stub, scenario, findings);
}

/// The same on some transports.
pub(crate) fn converse_on<T, F>(
    transports: &[Transport],
    service: Service,
    stub: impl Fn(&Arc<Instance>) -> BoxService + Send + Sync + 'static,
    scenario: impl Fn(Line) -> F,
    findings: impl Fn(&Outcome<T>),
) where
    F: Future<Output = T>,
{
    let make_stub: MakeStub = Arc::new(stub);
    for &transport in transports {
        let _which = blame(transport);
        calmly(|calm| {
            let outcome = match transport {
                Transport::Virtual => play_virtual(service, &make_stub, &scenario),
                Transport::Tcp => play_tcp(service, &make_stub, calm, &scenario),
            };
            findings(&outcome);
        });
    }
}

fn play_virtual<T, F>(
    service: Service,
    make_stub: &MakeStub,
    scenario: impl FnOnce(Line) -> F,
) -> Outcome<T>
where
    F: Future<Output = T>,
{
    let ends = Ends::new(service);
    let said = ends.said.clone();
    let (answer, epoch_unix_us) = run_virtual(|clock| async move {
        let (caller, callee) = ends.instances(&clock);
        let server = layered(&callee, make_stub);
        let client = ends.connect(&clock, &caller, &callee, server);
        let line = Line {
            clock: clock.clone(),
            callee,
            client,
            said: ends.said,
            host: None,
        };
        (scenario(line).await, clock.unix_us(0))
    });
    outcome(Transport::Virtual, answer, &said, epoch_unix_us)
}

fn play_tcp<T, F>(
    service: Service,
    make_stub: &MakeStub,
    calm: &Calm,
    scenario: impl FnOnce(Line) -> F,
) -> Outcome<T>
where
    F: Future<Output = T>,
{
    let ends = Ends::new(service);
    let said = ends.said.clone();
    let clock = tcp::soon();
    let (caller, callee) = ends.instances(&clock);
    let host = Host::start(callee.clone(), make_stub.clone());
    let answer = tcp::runtime().block_on(async {
        let _watch = calm.watch(&clock);
        clock.sleep_until_us(1).await;
        let way = tcp::way_to(host.address);
        let client = ends.connect(&clock, &caller, &callee, way);
        let line = Line {
            clock: clock.clone(),
            callee,
            client,
            said: ends.said,
            host: Some(Arc::new(Mutex::new(host))),
        };
        scenario(line).await
    });
    outcome(Transport::Tcp, answer, &said, clock.unix_us(0))
}

fn outcome<T>(transport: Transport, answer: T, said: &Said, epoch_unix_us: u64) -> Outcome<T> {
    Outcome {
        transport,
        answer,
        seen: said.seen(0),
        witnesses: Vec::new(),
        epoch_unix_us,
    }
}

/// The two ends of a line before there is time.
struct Ends {
    caller: InstanceId,
    callee: InstanceId,
    streams: Streams,
    said: Said,
}

impl Ends {
    fn new(service: Service) -> Self {
        let caller = InstanceId::new(Service::GATEWAY, 0);
        let callee = InstanceId::new(service, 0);
        Ends {
            said: Said::by(vec![caller.clone(), callee.clone()]),
            streams: Streams::new(SEED),
            caller,
            callee,
        }
    }

    fn instances(&self, clock: &Clock) -> (Arc<Instance>, Arc<Instance>) {
        let instance = |id: &InstanceId| {
            let random = self.streams.stream(id.name());
            let exporter = self.said.exporter_of(id);
            let own = Telemetry::new(clock.clone(), id.clone(), 0, random, exporter);
            Instance::new(id.clone(), own, random)
        };
        (instance(&self.caller), instance(&self.callee))
    }

    fn connect(
        &self,
        clock: &Clock,
        caller: &Arc<Instance>,
        callee: &Arc<Instance>,
        way: BoxService,
    ) -> Client {
        let wire = topology::Network {
            latency: Dist::fixed(0.0),
            ..topology::Network::default()
        };
        let network = Network::new(clock.clone(), self.streams.stream("network"), wire);
        network.listen(&callee.id, way);
        let wire = network.connect(&caller.id, &callee.id);
        let edge = Injector::default().edge_layer(clock, &caller.id, &callee.id, Arc::new(|| 0));
        let stack = client_stack(caller, &callee.id, &edge, wire);
        Client::new(vec![(callee.id.clone(), stack)])
    }
}

fn layered(callee: &Arc<Instance>, make_stub: &MakeStub) -> BoxService {
    let faults = Injector::default().server_layer(&callee.clock, &callee.id, Arc::new(|| 0));
    server_stack(callee, &faults, make_stub(callee))
}

impl Line {
    /// The context of a request of this name.
    pub(crate) fn context(&self, request_id: &str) -> RequestContext {
        RequestContext::new(request_id, "user-1")
    }

    /// The way to the server without the caller's layers. Absent where there is no way to go.
    pub(crate) fn way(&self) -> Option<BoxService> {
        let host = self.host.as_ref()?;
        let host = host.lock().unwrap_or_else(PoisonError::into_inner);
        Some(tcp::way_to(host.address))
    }

    /// What was said until now.
    pub(crate) fn seen(&self) -> Seen {
        self.said.seen(0)
    }

    /// Waits until something is so; where it never is, the finding says what is missing.
    pub(crate) async fn until(&self, is_so: impl Fn() -> bool) {
        let limit_us = self.clock.now_us() + PATIENCE_US;
        while !is_so() && self.clock.now_us() < limit_us {
            self.clock.sleep_us(MS).await;
        }
    }

    /// Ends the server's process and its connections.
    pub(crate) fn kill(&self) {
        match &self.host {
            None => self.callee.crash(NEVER_US),
            Some(host) => {
                self.callee.telemetry.lose_open_spans();
                host.lock().unwrap_or_else(PoisonError::into_inner).kill();
            }
        }
    }

    /// Starts the process again at the same address.
    pub(crate) fn revive(&self) {
        match &self.host {
            None => self.callee.process.start(self.clock.now_us()),
            Some(host) => host.lock().unwrap_or_else(PoisonError::into_inner).revive(),
        }
    }

    /// Stops the process for a while; returns as soon as it stands still.
    pub(crate) async fn stand_still(&self, for_us: u64) {
        let Some(host) = &self.host else {
            self.callee.process.freeze();
            let (clock, callee) = (self.clock.clone(), self.callee.clone());
            tokio::spawn(async move {
                clock.sleep_us(for_us).await;
                callee.process.thaw();
            });
            return;
        };
        let stands = host
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stand_still(for_us);
        self.until(|| stands.load(Ordering::Acquire)).await;
    }
}

/// A process as far as a thread can be one.
struct Host {
    address: SocketAddr,
    callee: Arc<Instance>,
    make_stub: MakeStub,
    life: Option<Life>,
}

struct Life {
    handle: Handle,
    end: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Host {
    fn start(callee: Arc<Instance>, make_stub: MakeStub) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (life, address) = Life::begin(anywhere, &callee, &make_stub);
        Host {
            address,
            callee,
            make_stub,
            life: Some(life),
        }
    }

    fn kill(&mut self) {
        if let Some(life) = self.life.take() {
            life.end();
        }
    }

    fn revive(&mut self) {
        let (life, _) = Life::begin(self.address, &self.callee, &self.make_stub);
        self.life = Some(life);
    }

    fn stand_still(&self, for_us: u64) -> Arc<AtomicBool> {
        let stands = Arc::new(AtomicBool::new(false));
        let life = self.life.as_ref().expect("only who lives can stand still");
        let began = stands.clone();
        life.handle.spawn(async move {
            began.store(true, Ordering::Release);
            #[allow(
                clippy::disallowed_methods,
                reason = "nothing in the process goes on, as after a stop signal"
            )]
            std::thread::sleep(Duration::from_micros(for_us));
        });
        stands
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Life {
    fn begin(
        address: SocketAddr,
        callee: &Arc<Instance>,
        make_stub: &MakeStub,
    ) -> (Life, SocketAddr) {
        let (callee, make_stub) = (callee.clone(), make_stub.clone());
        let (end, ended) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            tcp::runtime().block_on(async {
                let listener = TcpListener::bind(address).await.expect("a free port");
                let address = listener.local_addr().expect("it is bound");
                let server = layered(&callee, &make_stub);
                tokio::spawn(answer_on(listener, callee.clock.clone(), server, None));
                ready.send((Handle::current(), address)).expect("awaited");
                // Whoever wants it to end may also just go away.
                let _ = ended.await;
            });
        });
        let (handle, address) = is_ready.recv().expect("the thread starts");
        let life = Life {
            handle,
            end,
            thread,
        };
        (life, address)
    }

    /// Returns when all that it ran is gone, and its connections are closed.
    fn end(self) {
        drop(self.end);
        // A panic of the server fails the scenario by what it did to the calls.
        let _ = self.thread.join();
    }
}
