//! Calls that are no longer made. A process that gives up half way, without an error that anybody
//! recorded, leaves a hole in its traces and makes them faster rather than slower; the service at the
//! edge of the hole is the one that no longer calls.
//!
//! What a span led to is its shape: the set of operations directly below it. Shares of shapes are
//! compared with the baseline's by Fisher's exact test, corrected for the number of tests. A change is a
//! shape that became more frequent and lacks operations that a shape that became less frequent has. It is
//! a hole where that shape was rare before and is frequent now, or where the fuller one is gone, by more
//! than blocks of the baseline differ; else it is a mix that shifted, as where a cache is hit more often.
//! Spans below one request are alike, so that whole blocks of time must show it too.
//!
//! Calls that appeared, or that changed in number, are in `structure::numbers`.

mod cuts;
mod numbers;

use std::collections::BTreeSet;

use crate::facts::cause::Cause;
use crate::facts::prepared::Prepared;
use crate::facts::steps::{Operation, OperationSteps, Step};
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::{Bottleneck, CallsChange, Figure, Question, StructureChange};
use crate::questions::structure::cuts::{Cuts, P_MAX, RARE_MAX, SPANS_MIN};
use crate::statistics::significance::fisher_p;

/// Growth of a shape's share of its operation's spans from which it counts, 0 to 1.
const GROWTH_MIN: f64 = 0.02;

/// Growth of the share of what was an exception from which it is none any more.
const LARGE_MIN: f64 = 0.10;

/// Share of what it was to which the fuller shape may have fallen where it is gone.
const GONE_MAX: f64 = 0.10;

/// How many times as much as blocks of the baseline differ from each other is far beyond the usual.
const BEYOND_USUAL: f64 = 3.0;

/// Changes that are no holes and are told at most.
const TOLD_MAX: usize = 20;

/// What changed in the calls of all operations: holes first, then by how unlikely chance is.
pub(crate) fn structure_changes(compared: &Comparison<'_>) -> Vec<StructureChange> {
    let prepared = compared.prepared;
    let cuts = Cuts::new(compared);
    let mut tests = 0;
    let mut candidates: Vec<(Candidate, &OperationSteps)> = Vec::new();
    for (operation, operation_steps) in prepared.steps.iter() {
        let shares = Shares::new(operation_steps, compared);
        if shares.now < SPANS_MIN || shares.before < SPANS_MIN {
            continue;
        }
        tests += shares.of.len();
        let candidate = candidate(prepared, operation, operation_steps, &shares);
        candidates.extend(candidate.map(|candidate| (candidate, operation_steps)));
    }
    let mut found: Vec<StructureChange> = candidates
        .into_iter()
        .filter_map(|(candidate, operation_steps)| candidate.judged(operation_steps, &cuts, tests))
        .collect();
    found.extend(numbers::changes(prepared, &cuts, &found));
    found.sort_by(|a, b| {
        let is_hole = |change: &StructureChange| change.kind == CallsChange::Vanished;
        let lost = |change: &StructureChange| change.share - change.baseline_share;
        (is_hole(b).cmp(&is_hole(a)))
            .then((a.p_value.max(f64::MIN_POSITIVE)).total_cmp(&b.p_value.max(f64::MIN_POSITIVE)))
            .then(lost(b).total_cmp(&lost(a)))
    });
    let holes = found.iter().filter(|one| one.kind == CallsChange::Vanished);
    found.truncate(holes.count() + TOLD_MAX);
    found
}

/// How many spans of an operation have each shape.
struct Shares {
    /// By number of the shape: in the window, and in the baseline.
    of: Vec<(usize, usize)>,
    now: usize,
    before: usize,
}

impl Shares {
    fn new(operation_steps: &OperationSteps, compared: &Comparison<'_>) -> Self {
        let now = operation_steps.within(compared.window);
        let before = operation_steps.within(compared.baseline);
        let mut of = vec![(0, 0); operation_steps.shapes.len()];
        for step in now {
            of[step.shape as usize].0 += 1;
        }
        for step in before {
            of[step.shape as usize].1 += 1;
        }
        Shares {
            of,
            now: now.len(),
            before: before.len(),
        }
    }

    fn share(&self, shape: usize) -> f64 {
        self.of[shape].0 as f64 / self.now as f64
    }

    fn baseline_share(&self, shape: usize) -> f64 {
        self.of[shape].1 as f64 / self.before as f64
    }

    fn growth(&self, shape: usize) -> f64 {
        self.share(shape) - self.baseline_share(shape)
    }
}

/// A shape that became more frequent, and what shows of it so far.
struct Candidate {
    change: StructureChange,
    shape: u32,
    /// Whether the shape that has what this one lacks is gone.
    is_gone: bool,
}

impl Candidate {
    /// The change as what it is; none where it may be chance.
    fn judged(
        self,
        operation_steps: &OperationSteps,
        cuts: &Cuts<'_>,
        tests: usize,
    ) -> Option<StructureChange> {
        let mut change = self.change;
        change.p_value = (change.p_value * tests as f64).min(1.0);
        if change.p_value > P_MAX {
            return None;
        }
        let growth = change.share - change.baseline_share;
        let was_rare = change.baseline_share <= RARE_MAX;
        if was_rare && growth >= LARGE_MIN {
            return Some(change);
        }
        let has = |step: &Step| f64::from(u8::from(step.shape == self.shape));
        if !cuts.grew(operation_steps, has) {
            return None;
        }
        let is_unusual = growth >= BEYOND_USUAL * cuts.usual(operation_steps, has);
        // What was an exception before and is one now is only a hole where it is far more frequent.
        let is_new = was_rare && change.baseline_share <= growth / BEYOND_USUAL;
        if !(is_unusual && (is_new || self.is_gone)) {
            change.kind = CallsChange::Shifted;
        }
        Some(change)
    }
}

/// The shape of an operation that most likely did not become more frequent by chance, where it lacks
/// what another one had that became less frequent.
fn candidate(
    prepared: &Prepared<'_>,
    operation: Operation,
    operation_steps: &OperationSteps,
    shares: &Shares,
) -> Option<Candidate> {
    let shapes = 0..operation_steps.shapes.len();
    let shrank: Vec<usize> = shapes
        .clone()
        .filter(|&shape| shares.growth(shape) <= -GROWTH_MIN)
        .collect();
    let lacking = shapes.filter_map(|shape| {
        let most = shrank.iter().copied().filter(|&fuller| {
            let (fuller, shape) = (
                &operation_steps.shapes[fuller],
                &operation_steps.shapes[shape],
            );
            fuller.len() > shape.len() && shape.iter().all(|step| fuller.contains(step))
        });
        let fuller = most.min_by(|&a, &b| shares.growth(a).total_cmp(&shares.growth(b)))?;
        (shares.growth(shape) >= GROWTH_MIN).then_some((shape, fuller))
    });
    let p_value = |shape: usize| {
        let (now, before) = shares.of[shape];
        fisher_p(
            now as u64,
            shares.now as u64,
            (now + before) as u64,
            (shares.now + shares.before) as u64,
        )
    };
    let (p_value, shape, fuller) = lacking
        .map(|(shape, fuller)| (p_value(shape), shape, fuller))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    let names = &prepared.observations.traces;
    let (kept, had) = (
        &operation_steps.shapes[shape],
        &operation_steps.shapes[fuller],
    );
    let vanished: BTreeSet<&str> = had
        .iter()
        .filter(|step| !kept.contains(step))
        .map(|step| names.text(step.1))
        .collect();
    let change = StructureChange {
        kind: CallsChange::Vanished,
        service: prepared.instances.service_name(operation.0).to_owned(),
        operation: names.text(operation.1).to_owned(),
        vanished: vanished.into_iter().map(str::to_owned).collect(),
        share: shares.share(shape),
        baseline_share: shares.baseline_share(shape),
        spans: shares.now as u64,
        p_value,
        ..StructureChange::default()
    };
    Some(Candidate {
        change,
        shape: shape as u32,
        is_gone: shares.baseline_share(fuller) >= RARE_MAX
            && shares.share(fuller) <= GONE_MAX * shares.baseline_share(fuller),
    })
}

/// The answer that each hole gives.
pub(crate) fn calls(changes: &[StructureChange]) -> Vec<Bottleneck> {
    changes
        .iter()
        .filter(|change| change.kind == CallsChange::Vanished)
        .map(|change| Bottleneck {
            service: change.service.clone(),
            instance: None,
            cause: Cause::Errors,
            question: Question::Calls,
            share: change.share,
            baseline_share: change.baseline_share,
            explains: change.share - change.baseline_share,
            confidence: 1.0 - change.p_value,
            evidence: vec![hole_figure(change)],
            example_traces: Vec::new(),
        })
        .collect()
}

/// The figure that shows a hole.
fn hole_figure(change: &StructureChange) -> Figure {
    let what = format!(
        "{} of {} without {}",
        change.operation,
        change.service,
        change.vanished.join(", ")
    );
    figure(
        what,
        100.0 * change.share,
        100.0 * change.baseline_share,
        "%",
    )
}
