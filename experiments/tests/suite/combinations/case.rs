//! One case: a small system, how its services call each other, and what is done to it.

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, EDGES, FaultSpec, KindInfo, Match, Per, Target};
use ragdoll_model::topology::CallPlan;
use ragdoll_model::{Dist, Service, TokenDist, Topology, Zone};
use ragdoll_runtime::random::{chance, index, unit};
use ragdoll_runtime::{Rng, Streams};
use serde_json::{Value, json};

/// Requests a second, evenly spaced.
const PER_S: u64 = 20;
/// Seconds before anything is done.
const BASELINE_S: u64 = 1;
/// Most faults of a case.
const FAULTS_MAX: usize = 5;

/// A case, which follows from its seed.
pub(super) struct Case {
    pub(super) seed: u64,
    topology: Topology,
    ingest_per_s: f64,
    faulty_s: u64,
    pub(super) faults: Vec<FaultSpec>,
}

/// The kinds that act on the RAG system.
pub(super) fn kinds() -> Vec<KindInfo> {
    let all = Faults.kinds().into_iter();
    all.filter(KindInfo::acts_on_rag).collect()
}

/// Whether a kind changes how many requests there are.
pub(super) fn changes_load(kind: &str) -> bool {
    Faults
        .kind(kind)
        .is_some_and(|kind| kind.services.contains(&Service::CLIENT))
}

impl Case {
    pub(super) fn new(seed: u64) -> Self {
        let random = Streams::new(seed).stream("case");
        let topology = topology(&mut random.child("topology").rng());
        let rng = &mut random.rng();
        let faulty_s = 4 + index(6, rng) as u64;
        let count = 1 + index(FAULTS_MAX, rng);
        let faults = (0..count as u64).map(|number| {
            let random = random.child("fault");
            fault(&mut random.at(number), &topology, faulty_s as f64)
        });
        Case {
            seed,
            faults: faults.collect(),
            ingest_per_s: pick(&[0.0, 0.0, 2.0], rng),
            faulty_s,
            topology,
        }
    }

    /// Requests that are due, where nothing changes the load.
    pub(super) fn requests(&self) -> u64 {
        PER_S * (BASELINE_S + self.faulty_s)
    }

    /// The experiment with these faults, as its file has it.
    pub(super) fn file(&self, faults: &[FaultSpec]) -> String {
        let experiment = json!({
            "title": format!("Case {}", self.seed),
            "seed": self.seed,
            "topology": self.topology,
            "workload": {
                "arrivals": { "constant_per_s": PER_S as f64 },
                "output_tokens": TokenDist::Fixed { tokens: 8 },
                "users": 8,
                "queries": 32,
                "ingest_per_s": self.ingest_per_s,
            },
            "phases": [
                { "name": "before", "duration_s": BASELINE_S as f64, "baseline": true },
                { "name": "faulty", "duration_s": self.faulty_s as f64, "faults": faults },
            ],
            "expect": [{ "holds": "faulty.error_rate <= 1.0" }],
        });
        toml::to_string(&experiment).expect("plain data")
    }
}

fn pick<T: Clone>(all: &[T], rng: &mut Rng) -> T {
    all[index(all.len(), rng)].clone()
}

fn topology(rng: &mut Rng) -> Topology {
    let mut topology = Topology::default();
    topology.corpus.documents = 64;
    topology.corpus.topics = 8;
    topology.corpus.dimensions = 8;
    topology.vector_db.shards = 2;
    topology.vector_db.replicas = pick(&[1, 2], rng);
    topology.gateway.instances = pick(&[1, 2], rng);
    topology.metadata.instances = pick(&[1, 2], rng);
    topology.reranker.instances = pick(&[1, 2, 3], rng);
    topology.llm.instances = pick(&[1, 2], rng);
    topology.llm.decode_base_ms = 2.0;
    topology.llm.prefill_per_token_ms = 0.01;
    topology.metadata.lock_hold = Dist::fixed(1.0);
    topology.gateway.stream_llm = chance(0.3, rng);
    topology.gateway.deadline_ms = pick(&[1_000.0, 5_000.0, 60_000.0], rng);
    topology.reranker.finishes_abandoned = chance(0.2, rng);
    let zone = |name: &str, members: &[&str]| Zone {
        name: name.to_owned(),
        members: members.iter().map(|&member| member.to_owned()).collect(),
    };
    topology.network.zones = vec![
        zone("a", &["gateway", "vector-db"]),
        zone("b", &["shard", "llm", "ingest-worker"]),
    ];
    for plan in [
        &mut topology.gateway.metadata_call,
        &mut topology.gateway.embedder_call,
        &mut topology.gateway.vector_db_call,
        &mut topology.gateway.reranker_call,
        &mut topology.gateway.llm_call,
        &mut topology.vector_db.shard_call,
    ] {
        *plan = call_plan(rng);
    }
    topology
}

fn call_plan(rng: &mut Rng) -> CallPlan {
    let mut plan = CallPlan {
        timeout_ms: pick(&[0.0, 0.0, 30.0, 400.0], rng),
        attempts: pick(&[1, 1, 2, 3], rng),
        backoff_ms: pick(&[0.0, 20.0], rng),
        hedge_after_ms: pick(&[0.0, 0.0, 0.0, 15.0], rng),
        ..CallPlan::default()
    };
    if chance(0.2, rng) {
        plan.retry_budget = 0.2;
    }
    if chance(0.2, rng) {
        plan.circuit_breaker.failure_rate = 0.5;
        plan.circuit_breaker.window = 10;
        plan.circuit_breaker.minimum_calls = 5;
        plan.circuit_breaker.open_ms = 500.0;
        plan.circuit_breaker.probes = 2;
    }
    if chance(0.2, rng) {
        plan.bulkhead.max_concurrent = 8;
        plan.bulkhead.max_wait_ms = 50.0;
    }
    plan
}

/// A fault that the experiment's checks accept.
fn fault(rng: &mut Rng, topology: &Topology, phase_s: f64) -> FaultSpec {
    let kind = pick(&kinds(), rng);
    let target = target(&kind, topology, rng);
    let mut fault = FaultSpec::new(kind.name, target, params(kind.name, rng));
    fault.at_s = pick(&[0.0, 0.5, 1.25], rng);
    let left_s = phase_s - fault.at_s;
    if chance(0.6, rng) {
        fault.for_s = Some(0.25 + (left_s - 0.5) * unit(rng) * 0.9);
    }
    if let Some(for_s) = fault.for_s
        && chance(0.4, rng)
    {
        fault.every_s = Some(for_s + 0.05 + unit(rng));
    }
    if kind.standing {
        return fault;
    }
    fault.probability = pick(&[1.0, 1.0, 0.5, 0.1], rng);
    let length_s = fault.for_s.unwrap_or(left_s);
    if chance(0.2, rng) {
        fault.ramp_up_s = length_s * 0.4;
        fault.ramp_down_s = length_s * 0.3;
    }
    if chance(0.2, rng) {
        fault.only = Some(Match {
            topic: Some(index(8, rng) as u32),
            ..Match::default()
        });
    } else if chance(0.1, rng) {
        fault.only = Some(Match {
            user: Some(format!("user-{}", index(8, rng))),
            ..Match::default()
        });
    }
    let met_by_callers =
        kind.callers || fault.target.edge.is_some() || fault.target.zones.is_some();
    if met_by_callers && chance(0.3, rng) {
        fault.per = Per::Connection;
    }
    fault
}

fn target(kind: &KindInfo, topology: &Topology, rng: &mut Rng) -> Target {
    if kind.acts_on_zones() {
        let all: [&[&str]; 4] = [&["a"], &["b"], &["a", "b"], &["default", "a"]];
        return Target::zones(pick(&all, rng));
    }
    if kind.edges && (kind.services.is_empty() || chance(0.4, rng)) {
        let (from, to) = pick(&EDGES, rng);
        return Target::edge(from, to);
    }
    let service = pick(kind.services, rng);
    let instances = topology.instances_of(service);
    if service == Service::CLIENT || chance(0.5, rng) {
        return Target::service(service);
    }
    Target::instance(pick(&instances, rng).name())
}

/// The example's parameters, or such as differ from them where the kind takes those.
fn params(kind: &str, rng: &mut Rng) -> Value {
    let example = Faults.example(kind);
    if chance(0.4, rng) {
        return example;
    }
    let mut varied = example.clone();
    vary(&mut varied, rng);
    Faults.resolve(kind, &varied).unwrap_or(example)
}

fn vary(value: &mut Value, rng: &mut Rng) {
    match value {
        // A lognormal five times as wide is one that draws minutes by itself, now and then.
        Value::Object(table) => table
            .iter_mut()
            .filter(|(key, _)| *key != "sigma")
            .for_each(|(_, value)| vary(value, rng)),
        Value::Array(all) => all.iter_mut().for_each(|value| vary(value, rng)),
        Value::Number(number) if chance(0.7, rng) => {
            let factor = pick(&[0.01, 0.2, 0.5, 2.0, 5.0], rng);
            let whole = number.as_i64();
            *value = match (whole, number.as_f64()) {
                (Some(whole), _) => json!((whole as f64 * factor).ceil() as i64),
                (None, Some(real)) => json!(real * factor),
                (None, None) => return,
            };
        }
        _ => {}
    }
}
