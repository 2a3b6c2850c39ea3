//! What all services of a graph have around them.

use std::sync::Arc;

use ragdoll_model::Graph;

use super::behaviour::Behaviours;
use super::search::Searchers;
use crate::corpus::Corpus;

/// What a service of a graph needs to know of its system.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The whole system.
    pub graph: &'a Graph,
    /// Functions that serve in place of stages.
    pub behaviours: &'a Behaviours,
    /// The documents that searches find.
    pub corpus: &'a Arc<Corpus>,
    /// Indexes that services with the same search hold together.
    pub searchers: &'a Searchers,
}
