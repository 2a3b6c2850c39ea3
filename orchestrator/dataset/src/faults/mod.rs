//! Faults of cases: which kinds a system can have, with parameters that are likely to be felt, and
//! whom one would rightly blame for them.

mod busy;
mod decoys;
mod failing;
mod injection;
mod load;
mod noise;
mod scene;
mod slow;

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, Needs};
use ragdoll_runtime::Rng;
use ragdoll_score::SystemKind;

use crate::systems::System;
use scene::Scene;

pub use injection::Injection;
pub(crate) use injection::Strength;

pub(crate) use decoys::draw as draw_decoy;
pub(crate) use noise::draw as draw_noise;

/// Kinds that harm nobody's latency and fail no request: wrong clocks, and answers that are worse
/// without being later. They are decoys.
const HARMLESS: [&str; 3] = ["clock_skew", "partial_gather", "stale_index"];

/// Every kind of fault that a case can be about.
pub fn kinds() -> Vec<&'static str> {
    // No system that is drawn has what the others need.
    let all = Faults.kinds().into_iter();
    let all = all.filter(|kind| kind.acts_on_rag() && !kind.acts_on_zones());
    let all = all.map(|kind| kind.name);
    all.filter(|kind| !HARMLESS.contains(kind)).collect()
}

/// What no service of a graph has that is drawn.
const NOT_DRAWN: [Needs; 7] = [
    Needs::Batch,
    Needs::Device,
    Needs::Codec,
    Needs::Cache,
    Needs::Engine,
    Needs::Loop,
    Needs::Tokens,
];

/// Those of them that mean something in such a system.
pub(crate) fn kinds_in(system: SystemKind) -> Vec<&'static str> {
    let means_something = |kind: &&'static str| {
        let info = Faults.kind(kind);
        let needs = info.and_then(|info| info.graph);
        system == SystemKind::Rag || needs.is_some_and(|needs| !NOT_DRAWN.contains(&needs))
    };
    kinds().into_iter().filter(means_something).collect()
}

/// A fault of this kind that is likely to be felt, which lasts for all of a phase of `phase_s`
/// seconds or comes again and again; nothing where the system cannot have one.
pub(crate) fn draw(
    kind: &'static str,
    system: &System,
    phase_s: f64,
    strength: Strength,
    rng: &mut Rng,
) -> Option<Injection> {
    let info = Faults.kind(kind)?;
    let mut scene = Scene {
        info: &info,
        system,
        phase_s,
        strength,
        rng,
    };
    let drafts = [slow::draw, busy::draw, failing::draw, load::draw];
    let mut drafted = drafts.into_iter().find_map(|draw| draw(&mut scene))?;
    for spec in &mut drafted.specs {
        // What is out of a kind's range would have to be so for the fault to be felt.
        spec.params = Faults.resolve(&spec.kind, &spec.params).ok()?;
    }
    Some(drafted)
}
