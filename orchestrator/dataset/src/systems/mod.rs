//! Systems that cases are about, and what is known of their services before anything runs.

mod call_plan;
mod graph;
pub(crate) mod graph_facts;
mod place;
mod rag;
mod rag_facts;
mod system;

use ragdoll_runtime::Rng;
use ragdoll_score::SystemKind;

pub(crate) use place::Place;
pub(crate) use system::Impatience;
pub use system::System;

/// A system of this kind.
pub(crate) fn draw(kind: SystemKind, rng: &mut Rng) -> System {
    match kind {
        SystemKind::Rag => rag::draw(rng),
        SystemKind::Graph => graph::draw(rng),
    }
}
