//! What a run says of each pair of phases, as far as replays are compared by it.

use ragdoll_analyser::{Analysis, Cause};

use super::outcome::Named;
use crate::record::RunRecord;

/// What a run says of one pair of phases.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    pub(super) phase: String,
    pub(super) against: String,
    pub(super) verdict: Named,
    /// Service and cause of whatever is named, be it for latency, for errors or as the verdict.
    pub(super) places: Vec<(String, Cause)>,
}

/// What a run says of each pair of phases.
pub(super) fn compared(record: &RunRecord) -> Vec<Compared> {
    let with_baseline = record.phases.iter().filter_map(|phase| {
        Some((
            &phase.name,
            phase.against.as_ref()?,
            phase.analysis.as_ref()?,
        ))
    });
    let others = record.comparisons.iter();
    let others = others.map(|pair| (&pair.phase, &pair.against, &pair.analysis));
    with_baseline
        .chain(others)
        .map(|(phase, against, analysis)| Compared {
            phase: phase.clone(),
            against: against.clone(),
            verdict: Named::from(&analysis.verdict),
            places: places(analysis),
        })
        .collect()
}

fn places(analysis: &Analysis) -> Vec<(String, Cause)> {
    let named = [
        analysis.verdict.bottleneck(),
        analysis.latency.as_ref(),
        analysis.errors.as_ref(),
    ];
    let named = named.into_iter().flatten();
    named
        .map(|found| (found.service.clone(), found.cause))
        .collect()
}
