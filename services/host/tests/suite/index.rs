//! The index of the shards: what an approximate one misses, and what it leaves as it is.

use std::collections::BTreeSet;

use ragdoll_model::Topology;
use ragdoll_model::topology::{Hnsw, VectorIndex};
use ragdoll_telemetry::SpanKind;
use serde_json::json;

use crate::common::seen::Span;
use crate::common::{Seen, on, steady};

const SECOND: u64 = 1_000_000;
const QUERIES: u32 = 60;

/// Many documents in shards with this index, of which a search asks for few.
fn with(index: VectorIndex) -> Topology {
    let mut topology = steady();
    topology.corpus.documents = 4096;
    topology.vector_db.replicas = 1;
    topology.gateway.candidates = 4;
    topology.shard.index = index;
    topology
}

fn coarse(ef: u32) -> VectorIndex {
    VectorIndex::Approximate(Hnsw {
        m: 4,
        ef_construction: 8,
        ef,
    })
}

/// Share of the exact nearest documents that answers have.
fn recall(topology: Topology) -> (f64, Seen) {
    on(topology, |ground| async move {
        let mut found = 0;
        for number in 0..QUERIES {
            let query = ground.query(number, number % 32);
            let (status, answer) = ground.ask(&format!("q-{number}"), &query).await;
            assert_eq!(status, 200, "{answer}");
            let corpus = &ground.system.corpus;
            let exact = corpus.nearest(&corpus.embed(&query.query), 4);
            let contexts = answer["contexts"].as_array().expect("contexts");
            let is_exact = |context: &&serde_json::Value| {
                let document = context["document"].as_u64().expect("a number");
                exact.contains(&(document as u32))
            };
            found += contexts.iter().filter(is_exact).count();
        }
        found as f64 / f64::from(4 * QUERIES)
    })
}

fn searches(seen: &Seen) -> impl Iterator<Item = &Span> {
    let is_search = |span: &&Span| span.is(SpanKind::Server, "ragdoll.v1.Shard/Query");
    seen.spans.iter().filter(is_search)
}

#[test]
fn a_search_that_keeps_few_candidates_finds_less_and_takes_as_long() {
    let (exact, seen_exact) = recall(with(VectorIndex::Exact));
    let (many, seen_many) = recall(with(coarse(200)));
    let (few, seen_few) = recall(with(coarse(1)));
    assert!(few < many && many <= exact, "{few}, {many}, {exact}");
    assert!(few < 0.9 && many > 0.95 && exact == 1.0, "{few}, {many}");
    let mut compared = Vec::new();
    for (seen, ef) in [(&seen_exact, ""), (&seen_many, "200"), (&seen_few, "1")] {
        let durations: BTreeSet<u64> = searches(seen)
            .map(|span| span.end_us - span.start_us)
            .collect();
        assert_eq!(durations, BTreeSet::from([4_000]), "the model's time");
        assert!(searches(seen).all(|span| span.attribute("rag.index.ef") == ef));
        let counts = searches(seen).map(|span| span.attribute("rag.index.vectors_compared"));
        let counts: u64 = counts.filter_map(|count| count.parse::<u64>().ok()).sum();
        compared.push(counts);
    }
    assert!(
        compared[0] == 0 && compared[1] > compared[2],
        "{compared:?}"
    );
}

#[test]
fn the_same_seed_searches_the_same_graphs() {
    let (_, first) = recall(with(coarse(1)));
    let (_, second) = recall(with(coarse(1)));
    assert_eq!(first.text, second.text);
}

#[test]
fn a_document_that_is_written_is_found_by_an_approximate_index() {
    let index = VectorIndex::Approximate(Hnsw::default());
    on(with(index), |ground| async move {
        let query = ground.query(5, 9);
        let number = 5_000;
        ground.send("d-1", number, &query.query).await;
        ground.clock.sleep_us(SECOND).await;
        let (_, after) = ground.ask("after", &query).await;
        assert_eq!(after["contexts"][0]["document"], json!(number));
        // It changes, and is found no more for what it was.
        let other = ground.query(6, 3);
        ground.send("d-2", number, &other.query).await;
        ground.clock.sleep_us(SECOND).await;
        let (_, before) = ground.ask("again", &query).await;
        let (_, now) = ground.ask("other", &other).await;
        assert_ne!(before["contexts"][0]["document"], json!(number));
        assert_eq!(now["contexts"][0]["document"], json!(number));
    });
}
