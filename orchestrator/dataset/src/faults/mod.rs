//! Faults of cases: which kinds a system can have, with parameters that are likely to be felt, and
//! whom one would rightly blame for them.

mod busy;
mod decoys;
mod failing;
mod load;
mod noise;
mod scene;
mod slow;

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, FaultSpec, KindInfo};
use ragdoll_model::Service;
use ragdoll_runtime::Rng;
use ragdoll_score::{Cause, SystemKind};

use crate::systems::System;
use scene::Scene;

pub(crate) use decoys::draw as draw_decoy;
pub(crate) use noise::draw as draw_noise;

/// Kinds that harm nobody's latency and fail no request: wrong clocks, and answers that are worse
/// without being later. They are decoys.
const HARMLESS: [&str; 3] = ["clock_skew", "partial_gather", "stale_index"];

/// A fault as it is put into a run, and the right answer to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// The fault, and before it what it needs to show, such as the start that a cold start is about.
    pub specs: Vec<FaultSpec>,
    /// Name of the fault's kind.
    pub kind: &'static str,
    /// Where a reader of the telemetry would rightly look.
    pub service: Service,
    /// The one instance of several that it is about.
    pub instance: Option<String>,
    /// Right answers to the question for the cause, the best one first.
    pub causes: Vec<Cause>,
}

/// How strong a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Felt, slightly or much.
    Alone,
    /// Felt beside others, and not so much that these are not.
    OneOfSeveral,
}

/// Every kind of fault that a case can be about.
pub fn kinds() -> Vec<&'static str> {
    let all = Faults.kinds().into_iter().map(|kind| kind.name);
    all.filter(|kind| !HARMLESS.contains(kind)).collect()
}

/// Those of them that mean something in such a system.
pub(crate) fn kinds_in(system: SystemKind) -> Vec<&'static str> {
    let means_something = |kind: &&'static str| {
        let info = Faults.kind(kind);
        system == SystemKind::Rag || info.is_some_and(|info| info.graph.is_some())
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

/// Whether requests meet faults of this kind on a service of theirs.
fn is_about_services(info: &KindInfo) -> bool {
    !info.services.contains(&Service::Client)
}
