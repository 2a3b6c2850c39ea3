//! What is known of a system for retrieval-augmented generation before it runs.

use ragdoll_model::topology::{CallPlan, FanOut, LockScope};
use ragdoll_model::{Service, TokenDist, Topology, Workload};

use super::place::Place;
use crate::draw::mean_ms;

/// Tokens of a prompt, as the workload's defaults and four contexts make them.
const PROMPT_TOKENS: f64 = 1040.0;

/// Every service that a query passes, and what a query takes.
pub(super) fn places(
    topology: &Topology,
    workload: &Workload,
    rate_per_s: f64,
) -> (Vec<Place>, f64) {
    let trip_ms = 2.0 * mean_ms(&topology.network.latency);
    let place = |service, copies: u32, work_ms: f64, servers: u32| Place {
        service,
        copies,
        rate_per_s: rate_per_s / f64::from(copies),
        work_ms,
        call_ms: work_ms,
        held_ms: work_ms,
        servers,
        lock_ms: None,
        siblings: 1,
    };

    let metadata = &topology.metadata;
    let (work_ms, lock_ms) = (
        mean_ms(&metadata.service_time),
        mean_ms(&metadata.lock_hold),
    );
    let mut store = place(
        Service::METADATA,
        metadata.instances,
        work_ms + lock_ms,
        metadata.workers,
    );
    // Where each user has a lock of their own, nobody waits for another.
    store.lock_ms = (metadata.lock_scope == LockScope::Global).then_some(lock_ms);
    if topology.gateway.metadata_cache.entries > 0 {
        store.rate_per_s *= 0.05;
    }

    let embedder = &topology.embedder;
    let embed_ms = mean_ms(&embedder.service_time) + embedder.per_item_ms;
    let embedder = place(
        Service::EMBEDDER,
        embedder.instances,
        embed_ms,
        embedder.workers,
    );

    let vector_db = &topology.vector_db;
    let search_ms = mean_ms(&topology.shard.search_time);
    let mut shard = place(
        Service::SHARD,
        vector_db.replicas,
        search_ms,
        topology.shard.workers,
    );
    let in_turn = match vector_db.fan_out {
        FanOut::Parallel => 1,
        FanOut::Serial => vector_db.shards,
    };
    shard.siblings = vector_db.shards / in_turn;
    shard.lock_ms = Some(0.0);
    let own_ms = mean_ms(&vector_db.service_time) + mean_ms(&vector_db.merge_time);
    let mut coordinator = place(Service::VECTOR_DB, vector_db.instances, own_ms, u32::MAX);
    coordinator.call_ms = own_ms + f64::from(in_turn) * (search_ms + trip_ms);

    let reranker = &topology.reranker;
    let rerank_ms = mean_ms(&reranker.service_time)
        + reranker.per_document_ms * f64::from(topology.gateway.candidates);
    let reranker = place(
        Service::RERANKER,
        reranker.instances,
        rerank_ms,
        reranker.workers,
    );

    let llm = &topology.llm;
    let generate_ms = llm.prefill_per_token_ms * PROMPT_TOKENS
        + llm.decode_base_ms * mean_tokens(&workload.output_tokens);
    let llm = place(Service::LLM, llm.instances, generate_ms, llm.max_num_seqs);

    let behind = [&store, &embedder, &coordinator, &reranker, &llm];
    let behind_ms: f64 = behind.iter().map(|place| place.call_ms + trip_ms).sum();
    let gateway_ms = mean_ms(&topology.gateway.service_time);
    let mut gateway = place(
        Service::GATEWAY,
        topology.gateway.instances,
        gateway_ms,
        topology.gateway.workers,
    );
    gateway.call_ms = gateway_ms + behind_ms;
    gateway.held_ms = gateway.call_ms;
    let request_ms = gateway.call_ms + trip_ms;
    let places = vec![gateway, store, embedder, coordinator, shard, reranker, llm];
    (places, request_ms)
}

fn mean_tokens(tokens: &TokenDist) -> f64 {
    match *tokens {
        TokenDist::Fixed { tokens } => f64::from(tokens),
        TokenDist::Uniform { min, max } => f64::from(min + max) / 2.0,
        TokenDist::Lognormal { median, sigma, .. } => median * libm::exp(sigma * sigma / 2.0),
    }
}

/// How `callee` is called.
pub(super) fn call_plans(topology: &Topology, callee: Service) -> Vec<&CallPlan> {
    let gateway = &topology.gateway;
    let plan = match callee {
        Service::METADATA => &gateway.metadata_call,
        Service::EMBEDDER => &gateway.embedder_call,
        Service::VECTOR_DB => &gateway.vector_db_call,
        Service::RERANKER => &gateway.reranker_call,
        Service::LLM => &gateway.llm_call,
        Service::SHARD => &topology.vector_db.shard_call,
        _ => return Vec::new(),
    };
    vec![plan]
}
