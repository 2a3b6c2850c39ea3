//! Calls that are no longer made. A process that gives up half way, without an error that anybody
//! recorded, leaves a hole in its traces and makes them faster rather than slower; the service at the
//! edge of the hole is the one that no longer calls.
//!
//! What a span led to is its shape: the set of operations directly below it. Shares of shapes are
//! compared with the baseline's by Fisher's exact test, corrected for the number of tests. A hole is a
//! shape that became more frequent and lacks operations that a shape that became less frequent has.

use std::collections::BTreeSet;

use crate::config::Window;
use crate::evidence::figure;
use crate::prepared::Prepared;
use crate::statistics::fisher_p;
use crate::steps::{Operation, Taken};
use crate::verdict::{Bottleneck, Cause, Figure, Question, StructureChange};

/// Spans of an operation in each window below which their shapes say nothing.
const SPANS_MIN: usize = 5;

/// Growth of a shape's share of its operation's spans from which it counts, 0 to 1.
const GROWTH_MIN: f64 = 0.02;

/// Probability of a wrong alarm, corrected for the number of tests.
const P_MAX: f64 = 1e-4;

/// Holes, least likely by chance first.
pub(crate) fn holes(
    prepared: &Prepared<'_>,
    window: &Window,
    baseline: &Window,
) -> Vec<StructureChange> {
    let mut tests = 0;
    let mut found: Vec<StructureChange> = Vec::new();
    for (operation, taken) in prepared.steps.iter() {
        let shares = Shares::new(taken, window, baseline);
        if shares.now < SPANS_MIN || shares.before < SPANS_MIN {
            continue;
        }
        tests += shares.of.len();
        found.extend(hole(prepared, operation, taken, &shares));
    }
    for change in &mut found {
        change.p_value = (change.p_value * tests as f64).min(1.0);
    }
    found.retain(|change| change.p_value <= P_MAX);
    found.sort_by(|a, b| {
        let lost = |change: &StructureChange| change.share - change.baseline_share;
        (a.p_value.max(f64::MIN_POSITIVE))
            .total_cmp(&b.p_value.max(f64::MIN_POSITIVE))
            .then(lost(b).total_cmp(&lost(a)))
    });
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
    fn new(taken: &Taken, window: &Window, baseline: &Window) -> Self {
        let (now, before) = (taken.within(window), taken.within(baseline));
        let mut of = vec![(0, 0); taken.shapes.len()];
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

/// The shape of an operation that most likely did not become more frequent by chance, where it lacks
/// what another one had that became less frequent.
fn hole(
    prepared: &Prepared<'_>,
    operation: Operation,
    taken: &Taken,
    shares: &Shares,
) -> Option<StructureChange> {
    let shapes = 0..taken.shapes.len();
    let shrank: Vec<usize> = shapes
        .clone()
        .filter(|&shape| shares.growth(shape) <= -GROWTH_MIN)
        .collect();
    let lacking = shapes.filter_map(|shape| {
        let most = shrank.iter().copied().filter(|&fuller| {
            let (fuller, shape) = (&taken.shapes[fuller], &taken.shapes[shape]);
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
    let (kept, had) = (&taken.shapes[shape], &taken.shapes[fuller]);
    let vanished: BTreeSet<&str> = had
        .iter()
        .filter(|step| !kept.contains(step))
        .map(|step| names.text(step.1))
        .collect();
    Some(StructureChange {
        service: prepared.parties.service_name(operation.0).to_owned(),
        operation: names.text(operation.1).to_owned(),
        vanished: vanished.into_iter().map(str::to_owned).collect(),
        share: shares.share(shape),
        baseline_share: shares.baseline_share(shape),
        spans: shares.now as u64,
        p_value,
    })
}

/// The answer that each hole gives.
pub(crate) fn calls(holes: &[StructureChange]) -> Vec<Bottleneck> {
    holes
        .iter()
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
