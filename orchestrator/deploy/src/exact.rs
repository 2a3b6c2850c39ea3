//! What the right answer would have been: the exact nearest documents, and the relevant ones.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_load::QueryPlan;
use ragdoll_model::api::Context;
use ragdoll_stubs::Corpus;

/// The exact answers of all queries that were asked, each worked out once.
#[derive(Debug)]
pub struct ExactAnswers {
    corpus: Arc<Corpus>,
    top_k: u32,
    answers: Mutex<Vec<Option<Arc<[u32]>>>>,
}

/// How good a retrieval was, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quality {
    /// Share of the exact answer that was returned.
    pub(crate) recall: f64,
    /// Share of the returned documents that are of the query's topic.
    pub(crate) precision: f64,
}

impl ExactAnswers {
    /// Answers of `queries` queries for the nearest `top_k` documents of `corpus`.
    pub fn new(corpus: Arc<Corpus>, queries: u32, top_k: u32) -> Self {
        ExactAnswers {
            corpus,
            top_k,
            answers: Mutex::new(vec![None; queries as usize]),
        }
    }

    /// Compares what was returned with the exact answer.
    pub(crate) fn judge(&self, plan: &QueryPlan, returned: &[Context]) -> Quality {
        let exact = self.answer(plan);
        let found = exact
            .iter()
            .filter(|number| returned.iter().any(|context| context.document == **number));
        let relevant = returned.iter().filter(|context| {
            let document = self.corpus.document(context.document);
            document.is_some_and(|document| document.topic == plan.topic)
        });
        Quality {
            recall: found.count() as f64 / exact.len().max(1) as f64,
            precision: relevant.count() as f64 / returned.len().max(1) as f64,
        }
    }

    fn answer(&self, plan: &QueryPlan) -> Arc<[u32]> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut answers[plan.query as usize];
        slot.get_or_insert_with(|| {
            let text = self.corpus.query_text(plan.query, plan.topic);
            let vector = self.corpus.embed(&text);
            self.corpus.nearest(&vector, self.top_k as usize).into()
        })
        .clone()
    }
}
