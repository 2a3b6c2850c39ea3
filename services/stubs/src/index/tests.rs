//! Both indices over the same vectors: what is near, who finds it, and at what expense.

use proptest::prelude::*;
use ragdoll_model::topology::{self, Hnsw, VectorIndex};
use ragdoll_runtime::{Streams, random};

use super::{Approximate, Index, Search, empty};
use crate::Corpus;

const DIMENSIONS: usize = 16;

/// Vectors of length 1 in all directions.
fn vectors(seed: u64, count: usize) -> Vec<Vec<f32>> {
    let mut rng = Streams::new(seed).stream("vectors").rng();
    let mut vector = || {
        let drawn: Vec<f64> = (0..DIMENSIONS)
            .map(|_| random::standard_normal(&mut rng))
            .collect();
        let length = drawn.iter().map(|value| value * value).sum::<f64>().sqrt();
        drawn.iter().map(|value| (value / length) as f32).collect()
    };
    (0..count).map(|_| vector()).collect()
}

fn filled(spec: &VectorIndex, seed: u64, vectors: &[Vec<f32>]) -> Box<dyn Index> {
    let dimensions = vectors.first().map_or(DIMENSIONS, Vec::len);
    let mut index = empty(spec, dimensions, Streams::new(seed).stream("shard"));
    vectors.iter().for_each(|vector| index.insert(vector));
    index
}

fn graph(hnsw: Hnsw, seed: u64, vectors: &[Vec<f32>]) -> Approximate {
    let mut index = Approximate::new(hnsw, DIMENSIONS, Streams::new(seed).stream("shard"));
    vectors.iter().for_each(|vector| index.insert(vector));
    index
}

fn nearest(index: &dyn Index, vector: &[f32], limit: usize) -> Vec<(u32, f32)> {
    index.search(&Search { vector, limit }).nearest
}

/// Share of the exact nearest `limit` that `index` finds, over all queries.
fn recall(index: &dyn Index, held: &[Vec<f32>], queries: &[Vec<f32>], limit: usize) -> f64 {
    let exact = filled(&VectorIndex::Exact, 1, held);
    let (mut found, mut wanted) = (0, 0);
    for query in queries {
        let truth = nearest(&*exact, query, limit);
        let answer = nearest(index, query, limit);
        found += truth.iter().filter(|hit| answer.contains(hit)).count();
        wanted += truth.len();
    }
    found as f64 / wanted as f64
}

fn hnsw(m: u32, ef_construction: u32, ef: u32) -> Hnsw {
    Hnsw {
        m,
        ef_construction,
        ef,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_search_that_keeps_as_many_as_there_are_finds_nearly_all(
        seed in any::<u64>(),
        count in 1_usize..400,
        m in 4_u32..32,
    ) {
        let held = vectors(seed, count);
        let index = graph(hnsw(m, 2 * m, count as u32), seed, &held);
        let recall = recall(&index, &held, &vectors(seed ^ 1, 20), 10);
        prop_assert!(recall > 0.99, "recall {recall}");
    }

    #[test]
    fn the_same_stream_and_vectors_give_the_same_graph(seed in any::<u64>(), m in 2_u32..16) {
        let held = vectors(seed, 200);
        let build = |seed| graph(hnsw(m, 40, 10), seed, &held);
        let (one, same, other) = (build(seed), build(seed), build(seed ^ 1));
        prop_assert_eq!(one.layers(), same.layers());
        prop_assert_ne!(one.layers(), other.layers());
    }

    #[test]
    fn whatever_is_replaced_is_found_where_it_is_and_not_where_it_was(
        seed in any::<u64>(),
        moved in prop::collection::vec(0_u32..100, 1..40),
        m in 4_u32..16,
    ) {
        let mut held = vectors(seed, 100);
        let mut index = graph(hnsw(m, 50, 100), seed, &held);
        for (position, vector) in moved.iter().zip(vectors(seed ^ 2, moved.len())) {
            index.replace(*position, &vector);
            held[*position as usize] = vector;
        }
        let added = vectors(seed ^ 3, 20);
        added.iter().for_each(|vector| index.insert(vector));
        held.extend(added);
        index.assert_sound();
        let recall = recall(&index, &held, &held, 5);
        prop_assert!(recall > 0.99, "recall {recall}");
    }
}

#[test]
fn a_search_that_keeps_more_finds_more_and_compares_more() {
    let held = vectors(7, 3_000);
    let queries = vectors(8, 100);
    let figures = [1, 4, 16, 64, 256].map(|ef| {
        let index = graph(hnsw(4, 16, ef), 7, &held);
        let compared = |vector: &Vec<f32>| index.search(&Search { vector, limit: 1 }).compared;
        let compared: usize = queries.iter().map(compared).sum();
        (recall(&index, &held, &queries, 1), compared / queries.len())
    });
    assert!(figures.is_sorted(), "recall and comparisons: {figures:?}");
    assert!(figures[0].0 < 0.5 && figures[4].0 > 0.95, "{figures:?}");
    assert!(figures[3].1 < held.len() / 2, "{figures:?}");
}

#[test]
fn the_defaults_find_nearly_all_of_a_corpus_of_topics() {
    let corpus = topology::Corpus {
        documents: 2_000,
        ..topology::Corpus::default()
    };
    let corpus = Corpus::new(&corpus, &Streams::new(1));
    let vector = |number| corpus.vector(number).expect("within the corpus").to_vec();
    let held: Vec<Vec<f32>> = (0..corpus.len()).map(vector).collect();
    let index = filled(&VectorIndex::Approximate(Hnsw::default()), 1, &held);
    let query = |query| corpus.embed(&corpus.query_text(query, query % corpus.topics()));
    let queries: Vec<Vec<f32>> = (0..100).map(query).collect();
    let recall = recall(&*index, &held, &queries, 10);
    assert!(recall > 0.97, "recall {recall}");
}

#[test]
fn equal_vectors_are_found_in_the_order_of_their_positions() {
    let one = vectors(3, 1).remove(0);
    let held = vec![one.clone(); 12];
    let approximate = VectorIndex::Approximate(Hnsw::default());
    for spec in [VectorIndex::Exact, approximate] {
        let index = filled(&spec, 3, &held);
        let found = nearest(&*index, &one, 5).into_iter();
        let positions: Vec<u32> = found.map(|(position, _)| position).collect();
        assert_eq!(positions, [0, 1, 2, 3, 4], "{spec:?}");
    }
}

#[test]
fn an_index_without_vectors_finds_none() {
    for spec in [
        VectorIndex::Exact,
        VectorIndex::Approximate(Hnsw::default()),
    ] {
        let index = filled(&spec, 1, &[]);
        let query = vectors(1, 1).remove(0);
        assert!(nearest(&*index, &query, 5).is_empty());
        let search = Search {
            vector: &query,
            limit: 5,
        };
        assert!(index.considered(&search).is_empty());
    }
}

#[test]
fn the_only_vector_can_be_replaced() {
    let held = vectors(5, 2);
    let mut index = graph(Hnsw::default(), 5, &held[..1]);
    index.replace(0, &held[1]);
    let found = nearest(&index, &held[1], 3);
    assert_eq!(found.len(), 1);
    assert!((found[0].1 - 1.0).abs() < 1e-5, "{found:?}");
}

#[test]
fn an_exact_index_considers_all_and_a_graph_what_it_keeps() {
    let held = vectors(6, 300);
    let query = vectors(9, 1).remove(0);
    let search = Search {
        vector: &query,
        limit: 3,
    };
    let exact = filled(&VectorIndex::Exact, 6, &held).considered(&search);
    let index = graph(hnsw(8, 50, 20), 6, &held);
    let scores = index.considered(&search);
    let met = (0..300).filter(|&number: &usize| scores[number] != f32::NEG_INFINITY);
    let met: Vec<usize> = met.collect();
    assert_eq!(met.len(), 20);
    assert!(met.iter().all(|&number| scores[number] == exact[number]));
    assert!(index.attributes(&index.search(&search)).len() == 2);
}
