//! The documents that a service of a graph holds, and how it finds them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Hit;
use ragdoll_model::retrieval::vector_from_bytes;
use ragdoll_model::stages::{Search, SearchBy};

use super::content::Carried;
use crate::corpus::Corpus;
use crate::index::{self, Exact, Index as _, best};
use crate::keywords::Keywords;

/// What was made for one search, for others that search the same: the copies of a service hold one index together.
#[derive(Debug, Default)]
pub struct Searchers {
    made: Mutex<BTreeMap<Search, Arc<Searcher>>>,
}

impl Searchers {
    /// The part of `corpus` that `spec` names. All calls are of one corpus.
    pub(super) fn of(&self, corpus: &Corpus, spec: Search) -> Arc<Searcher> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let searcher = made
            .entry(spec)
            .or_insert_with(|| Arc::new(Searcher::new(corpus, spec)));
        searcher.clone()
    }
}

/// A part of the corpus that can be searched.
#[derive(Debug)]
pub(super) struct Searcher {
    spec: Search,
    entries: Vec<Hit>,
    index: Index,
}

#[derive(Debug)]
enum Index {
    Vectors(Exact),
    Keywords(Keywords),
}

impl Searcher {
    fn new(corpus: &Corpus, spec: Search) -> Searcher {
        let (entries, vectors): (Vec<Hit>, Vec<&[f32]>) =
            corpus.part(spec.part, spec.parts).unzip();
        let index = match spec.by {
            SearchBy::Vectors => {
                let mut exact = Exact::new(corpus.dimensions());
                vectors.iter().for_each(|vector| exact.insert(vector));
                Index::Vectors(exact)
            }
            SearchBy::Keywords => {
                let texts = entries.iter().map(|entry| corpus.words(entry.document));
                Index::Keywords(Keywords::new(texts))
            }
        };
        Searcher {
            spec,
            entries,
            index,
        }
    }

    /// Finds documents for the question. By vectors it finds none for a question that has no vector.
    pub(super) fn search(&self, carried: &mut Carried) {
        let limit = self.spec.limit as usize;
        let (by, found) = match &self.index {
            Index::Vectors(_) if carried.vector().is_empty() => (1, Vec::new()),
            Index::Vectors(exact) => {
                let vector = &vector_from_bytes(carried.vector());
                (1, exact.search(&index::Search { vector, limit }).nearest)
            }
            Index::Keywords(keywords) => {
                let mut found = best(&keywords.scores(carried.query()), limit);
                found.retain(|(_, score)| *score > 0.0);
                (2, found)
            }
        };
        let hits = found.into_iter().map(|(position, score)| Hit {
            score,
            ..self.entries[position as usize]
        });
        carried.add_found(by, hits);
    }
}

/// Compares the documents found with the question anew, by their vectors, and keeps the best `limit`.
pub(super) fn rerank(corpus: &Corpus, limit: u32, carried: &mut Carried) {
    let question = match carried.vector() {
        [] => corpus.embed(carried.query()),
        vector => vector_from_bytes(vector),
    };
    let mut hits = carried.hits();
    corpus.rerank(&question, &mut hits);
    hits.truncate(limit as usize);
    carried.replace_hits(hits);
}
