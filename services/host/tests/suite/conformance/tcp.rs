//! A system whose instances meet over TCP on loopback. They share a process and a clock, and each
//! has a port of its own and its own way to the others, as where each is a process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use ragdoll_fault_layers::{Injector, Planned};
use ragdoll_host::service::{answer_on, messages_of};
use ragdoll_host::{Member, Surroundings, System, remote};
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_runtime::{BoxService, Clock, Streams};
use ragdoll_stubs::hop::Behaviours;
use ragdoll_telemetry::{log_subscriber, tracing};
use tokio::net::TcpListener;

use super::MS;
use super::calm::Calm;
use super::outcome::Outcome;
use super::stage::{Said, Stage};
use super::transport::Transport;
use crate::common::{Ground, SEED};

/// The run begins so long after its clock is made: in that time everything is set up.
const LEAD_US: u64 = 60 * MS;

/// A system that is up.
struct Tcp {
    stage: Stage,
    /// Those of whose instances nobody else keeps the gauges going.
    _members: Vec<Member>,
}

/// Plays a scenario over TCP.
pub(crate) fn play<T, F>(
    topology: &Topology,
    faults: &[Planned],
    calm: &Calm,
    scenario: impl FnOnce(Stage) -> F,
) -> Outcome<T>
where
    F: Future<Output = T>,
{
    let streams = Streams::new(SEED);
    let injector = Injector::new(faults.to_vec(), &streams).expect("sound parameters");
    let said = Said::by(topology.instances());
    let clock = soon();
    let logs = log_subscriber(clock.clone(), said.exporter());
    let _logs = tracing::subscriber::set_default(logs);
    let (answer, before) = runtime().block_on(async {
        let tcp = start(&clock, topology, &streams, &injector, &said).await;
        let _watch = calm.watch(&clock);
        clock.sleep_until_us(1).await;
        let answer = scenario(tcp.stage).await;
        (answer, said.seen(0).spans.len())
    });
    // The runtime is gone, and with it every task and connection.
    let left_open = said.seen(0).spans.len() - before;
    Outcome {
        transport: Transport::Tcp,
        answer,
        seen: said.seen(left_open),
        witnesses: injector.witnesses(),
        epoch_unix_us: clock.unix_us(0),
    }
}

/// A real clock of a run that is about to begin.
pub(crate) fn soon() -> Clock {
    let now = Clock::new_real();
    Clock::real_since(now.unix_us(now.now_us()) + LEAD_US)
}

/// A runtime as a process of the system has it.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime starts")
}

async fn start(
    clock: &Clock,
    topology: &Topology,
    streams: &Streams,
    injector: &Injector,
    said: &Said,
) -> Tcp {
    let mut listeners = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for id in topology.instances() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        addresses.insert(id.clone(), listener.local_addr().expect("it is bound"));
        listeners.insert(id, listener);
    }
    let client = InstanceId::new(Service::CLIENT, 0);
    let way = |id: &InstanceId| way_to(addresses[id]);
    let mut members = Vec::new();
    for (id, listener) in listeners {
        if id == client {
            continue;
        }
        let around = Surroundings {
            clock,
            topology,
            streams,
            exporter: &said.exporter_of(&id),
            injector,
            behaviours: &Behaviours::default(),
        };
        let messages = (id.service() == Service::INGEST_WORKER).then(|| {
            let api = way(&InstanceId::new(Service::INGEST_API, 0));
            messages_of(api, clock)
        });
        let member = Member::start(&around, &id, &way, messages);
        if let Some(server) = member.server.clone() {
            let queue = member.queue.clone();
            tokio::spawn(answer_on(listener, clock.clone(), server, queue));
        }
        members.push(member);
    }
    let around = Surroundings {
        clock,
        topology,
        streams,
        exporter: &said.exporter_of(&client),
        injector,
        behaviours: &Behaviours::default(),
    };
    let mut system = System::start_client(&around, &way);
    let instances = members.iter().map(|member| member.instance.clone());
    system.instances.extend(instances);
    let ground = Ground {
        clock: clock.clone(),
        system: Arc::new(system),
    };
    Tcp {
        stage: Stage::new(ground, said.clone()),
        _members: members,
    }
}

/// A way over the network.
pub(crate) fn way_to(address: SocketAddr) -> BoxService {
    remote(&address.to_string()).expect("a sound address")
}
