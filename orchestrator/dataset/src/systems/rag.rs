//! Random systems for retrieval-augmented generation.

use ragdoll_model::topology::{FanOut, LockScope};
use ragdoll_model::{Arrivals, Dist, TokenDist, Topology, Workload};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::chance;
use ragdoll_score::SystemKind;

use super::call_plan::call_plan;
use super::system::System;
use crate::draw::{between, log_between, lognormal, pick, rounded, whole};

/// A system that carries its load with room to spare, unless something is done to it.
pub(super) fn draw(rng: &mut Rng) -> System {
    let rate_per_s = rounded(between(8.5, 11.5, rng));
    let mut topology = Topology::default();
    topology.corpus.documents = 128;
    topology.corpus.topics = 16;
    topology.corpus.dimensions = 16;
    if chance(0.4, rng) {
        topology.corpus.long_topic_every = 0;
    }
    topology.network.latency = lognormal((0.1, 1.0), (0.1, 0.4), rng);
    if chance(0.3, rng) {
        topology.network.health_check_ms = 1000.0;
    }
    gateway(&mut topology, rng);
    let cached = metadata(&mut topology, rate_per_s, rng);
    embedder(&mut topology, rng);
    search(&mut topology, rng);
    reranker(&mut topology, rate_per_s, rng);
    llm(&mut topology, rng);
    let workload = workload(rate_per_s, cached, rng);
    let facts = System::new(
        SystemKind::Rag,
        topology.clone(),
        workload.clone(),
        rate_per_s,
    );
    plans(&mut topology, &facts, rng);
    let mut system = System::new(SystemKind::Rag, topology, workload, rate_per_s);
    if cached {
        system.settle_s = 12.0;
    }
    system
}

fn gateway(topology: &mut Topology, rng: &mut Rng) {
    let gateway = &mut topology.gateway;
    gateway.instances = whole(1, 3, rng);
    gateway.service_time = lognormal((1.0, 4.0), (0.3, 0.8), rng);
    gateway.candidates = whole(8, 20, rng);
    gateway.stream_llm = chance(0.4, rng);
}

/// Returns whether the gateway remembers look-ups that the store could not carry all of.
fn metadata(topology: &mut Topology, rate_per_s: f64, rng: &mut Rng) -> bool {
    let (metadata, gateway) = (&mut topology.metadata, &mut topology.gateway);
    metadata.instances = whole(1, 3, rng);
    metadata.workers = pick(&[50, 100, 200], rng);
    metadata.service_time = lognormal((0.5, 6.0), (0.2, 0.5), rng);
    metadata.lock_hold = lognormal((0.3, 3.0), (0.2, 0.4), rng);
    metadata.lock_scope = pick(
        &[LockScope::Global, LockScope::Global, LockScope::PerKey],
        rng,
    );
    gateway.metadata_pool_size = pick(&[10, 20, 50, 200], rng);
    let per_copy = rate_per_s / f64::from(metadata.instances);
    match whole(0, 9, rng) {
        // A store whose every look-up takes long: the pool in front of it matters.
        0 => {
            metadata.service_time = lognormal((80.0, 150.0), (0.1, 0.2), rng);
            gateway.metadata_pool_size = whole(8, 12, rng);
        }
        // A lock that is often taken.
        1 => {
            metadata.lock_scope = LockScope::Global;
            gateway.metadata_pool_size = 400;
            metadata.workers = 400;
            let share = between(0.4, 0.6, rng);
            metadata.lock_hold = Dist::fixed(rounded(share * 1000.0 / per_copy));
        }
        // A cache in front of a lock that could not be had often enough without it.
        2 => {
            metadata.lock_scope = LockScope::Global;
            gateway.instances = 1;
            gateway.metadata_cache.entries = 1000;
            gateway.metadata_pool_size = 400;
            metadata.workers = 400;
            let share = between(1.3, 2.0, rng);
            metadata.lock_hold = Dist::fixed(rounded(share * 1000.0 / per_copy));
            return true;
        }
        _ => {}
    }
    false
}

fn embedder(topology: &mut Topology, rng: &mut Rng) {
    let embedder = &mut topology.embedder;
    embedder.instances = whole(1, 3, rng);
    embedder.service_time = lognormal((4.0, 20.0), (0.1, 0.3), rng);
    embedder.per_item_ms = rounded(between(0.2, 1.0, rng));
    embedder.max_batch = pick(&[8, 16, 32], rng);
}

fn search(topology: &mut Topology, rng: &mut Rng) {
    let vector_db = &mut topology.vector_db;
    vector_db.instances = whole(1, 2, rng);
    vector_db.shards = whole(1, 8, rng);
    vector_db.replicas = whole(1, if vector_db.shards > 4 { 2 } else { 3 }, rng);
    vector_db.service_time = lognormal((0.3, 1.5), (0.2, 0.4), rng);
    vector_db.merge_time = lognormal((0.2, 0.8), (0.2, 0.4), rng);
    vector_db.partial_results = chance(0.6, rng);
    if vector_db.shards <= 3 && chance(0.15, rng) {
        vector_db.fan_out = FanOut::Serial;
    }
    topology.shard.workers = pick(&[4, 8, 16], rng);
    let longest_ms = if chance(0.25, rng) { 60.0 } else { 15.0 };
    topology.shard.search_time = lognormal((longest_ms / 5.0, longest_ms), (0.1, 0.25), rng);
}

fn reranker(topology: &mut Topology, rate_per_s: f64, rng: &mut Rng) {
    let candidates = f64::from(topology.gateway.candidates);
    let reranker = &mut topology.reranker;
    reranker.instances = whole(1, 4, rng);
    reranker.workers = whole(2, 8, rng);
    reranker.service_time = lognormal((1.0, 8.0), (0.2, 0.4), rng);
    reranker.per_document_ms = rounded(log_between(0.3, 2.0, rng));
    if chance(0.35, rng) {
        // Its work keeps one to three processors busy, and more copies have less of it each.
        let per_copy = rate_per_s / f64::from(reranker.instances);
        let busy = between(1.0, 2.6, rng).min(per_copy * 0.25);
        reranker.per_document_ms = rounded(busy * 1000.0 / per_copy / candidates);
        reranker.workers = (busy / 0.5).ceil().max(2.0) as u32 + whole(0, 1, rng);
    } else if chance(0.2, rng) {
        // A single worker a copy, busy half of the time.
        let per_copy = rate_per_s / f64::from(reranker.instances);
        let busy = between(0.4, 0.58, rng).min(per_copy * 0.2);
        reranker.workers = 1;
        reranker.per_document_ms = rounded(busy * 1000.0 / per_copy / candidates);
    }
    reranker.cpu_cores = reranker.workers;
    reranker.memory.restart_ms = rounded(between(2000.0, 5000.0, rng));
    reranker.finishes_abandoned = chance(0.1, rng);
}

fn llm(topology: &mut Topology, rng: &mut Rng) {
    let llm = &mut topology.llm;
    llm.instances = whole(1, 3, rng);
    llm.model = pick(&["llama-3-8b", "mistral-7b", "qwen-2-7b"], rng).to_owned();
    llm.decode_base_ms = rounded(log_between(6.0, 20.0, rng));
    llm.decode_per_seq_ms = rounded(between(0.05, 0.3, rng));
    llm.prefill_per_token_ms = rounded(log_between(0.005, 0.03, rng));
}

fn workload(rate_per_s: f64, cached: bool, rng: &mut Rng) -> Workload {
    let median = f64::from(whole(4, 16, rng));
    Workload {
        arrivals: arrivals(rate_per_s, rng),
        queries: 128,
        users: if cached {
            20
        } else {
            pick(&[20, 50, 200], rng)
        },
        output_tokens: TokenDist::Lognormal {
            median,
            sigma: rounded(between(0.15, 0.45, rng)),
            max: (median * 3.0) as u32,
        },
        ingest_per_s: if chance(0.35, rng) { 1.0 } else { 0.0 },
        ..Workload::default()
    }
}

/// Arrivals at this rate: evenly spaced, or at random.
pub(super) fn arrivals(rate_per_s: f64, rng: &mut Rng) -> Arrivals {
    let even = chance(0.4, rng);
    Arrivals {
        constant_per_s: even.then_some(rate_per_s),
        poisson_per_s: (!even).then_some(rate_per_s),
        ..Arrivals::default()
    }
}

fn plans(topology: &mut Topology, facts: &System, rng: &mut Rng) {
    use ragdoll_model::Service;

    let call_ms = |service| facts.place(service).map_or(0.0, |place| place.call_ms);
    let gateway = &mut topology.gateway;
    gateway.metadata_call = call_plan(call_ms(Service::METADATA), rng);
    gateway.embedder_call = call_plan(call_ms(Service::EMBEDDER), rng);
    gateway.vector_db_call = call_plan(call_ms(Service::VECTOR_DB), rng);
    gateway.reranker_call = call_plan(call_ms(Service::RERANKER), rng);
    gateway.llm_call = call_plan(call_ms(Service::LLM), rng);
    topology.vector_db.shard_call = call_plan(call_ms(Service::SHARD), rng);
}
