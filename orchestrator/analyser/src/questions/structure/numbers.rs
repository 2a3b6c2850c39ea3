//! Calls that operations did not make before, and calls that they make more or less often.

use std::collections::BTreeMap;

use crate::facts::prepared::Prepared;
use crate::facts::steps::{Operation, OperationSteps, Step};
use crate::questions::findings::{CallsChange, StructureChange};
use crate::questions::structure::cuts::{Cuts, P_MAX, RARE_MAX, SPANS_MIN};
use crate::statistics::significance::{Sample, fisher_p, welch_p};

/// Share of an operation's spans with a call up to which it was not made before.
const NEVER_MAX: f64 = 0.005;

/// Change of the mean number of calls from which it counts, as a share of what it was.
const CHANGE_MIN: f64 = 0.2;

/// Change of the mean number of calls from which it counts.
const CALLS_MIN: f64 = 0.05;

/// Calls of one operation by the spans of another in one window.
#[derive(Clone, Copy, Default)]
struct Calls {
    spans_with: u64,
    sum: f64,
    squares: f64,
}

/// What the spans of an operation call, now and before.
struct Caller<'t> {
    operation: Operation,
    operation_steps: &'t OperationSteps,
    spans: [u64; 2],
    by_callee: BTreeMap<Operation, [Calls; 2]>,
}

/// What appeared or changed in number, but for what is told already.
pub(super) fn changes(
    prepared: &Prepared<'_>,
    cuts: &Cuts<'_>,
    told: &[StructureChange],
) -> Vec<StructureChange> {
    let callers: Vec<Caller<'_>> = prepared
        .steps
        .iter()
        .filter_map(|(operation, operation_steps)| Caller::new(operation, operation_steps, cuts))
        .collect();
    let tests: usize = callers.iter().map(|caller| caller.by_callee.len()).sum();
    let pairs = callers.iter().flat_map(|caller| {
        let callees = caller.by_callee.iter();
        callees.map(move |(&callee, calls)| (caller, callee, calls))
    });
    let is_told = |change: &StructureChange| {
        told.iter().any(|one| {
            let vanished = change
                .called
                .as_ref()
                .is_some_and(|name| one.vanished.contains(name));
            (&one.service, &one.operation) == (&change.service, &change.operation) && vanished
        })
    };
    pairs
        .filter_map(|(caller, callee, calls)| {
            let change = caller.change(prepared, callee, calls, tests)?;
            let is_certain = !is_told(&change) && caller.is_beyond_noise(callee, &change, cuts);
            is_certain.then_some(change)
        })
        .collect()
}

impl<'t> Caller<'t> {
    /// None with too few spans.
    fn new(
        operation: Operation,
        operation_steps: &'t OperationSteps,
        cuts: &Cuts<'_>,
    ) -> Option<Self> {
        let steps = cuts.windows.map(|window| operation_steps.within(window));
        if steps.iter().any(|steps| steps.len() < SPANS_MIN) {
            return None;
        }
        let mut by_callee: BTreeMap<Operation, [Calls; 2]> = BTreeMap::new();
        for (side, steps) in steps.into_iter().enumerate() {
            let mut add = |callee, count: f64, spans: u64| {
                let calls = &mut by_callee.entry(callee).or_default()[side];
                calls.spans_with += spans;
                calls.sum += count * spans as f64;
                calls.squares += count * count * spans as f64;
            };
            // Most spans call each operation once: those are counted by shape.
            let mut once = vec![0; operation_steps.shapes.len()];
            for step in steps {
                if step.calls_each_once() {
                    once[step.shape as usize] += 1;
                } else {
                    operation_steps
                        .calls(step)
                        .for_each(|(callee, count)| add(callee, f64::from(count), 1));
                }
            }
            for (shape, spans) in operation_steps.shapes.iter().zip(once) {
                shape.iter().for_each(|&callee| add(callee, 1.0, spans));
            }
        }
        Some(Caller {
            operation,
            operation_steps,
            spans: steps.map(|steps| steps.len() as u64),
            by_callee,
        })
    }

    /// The change of calls of one operation, where it is large and unrelated spans would hardly show it.
    fn change(
        &self,
        prepared: &Prepared<'_>,
        callee: Operation,
        [now, before]: &[Calls; 2],
        tests: usize,
    ) -> Option<StructureChange> {
        let [spans, spans_before] = self.spans;
        let share = now.spans_with as f64 / spans as f64;
        let baseline_share = before.spans_with as f64 / spans_before as f64;
        let calls = now.sum / spans as f64;
        let baseline_calls = before.sum / spans_before as f64;
        let appeared = baseline_share <= NEVER_MAX && share >= RARE_MAX;
        let changed = (calls - baseline_calls).abs() >= CALLS_MIN.max(CHANGE_MIN * baseline_calls);
        let (kind, p_value) = if appeared {
            let with = now.spans_with + before.spans_with;
            let p_value = fisher_p(now.spans_with, spans, with, spans + spans_before);
            (CallsChange::Appeared, p_value)
        } else if changed {
            let all = Sample::of_sums(
                (spans + spans_before) as f64,
                now.sum + before.sum,
                now.squares + before.squares,
            );
            let of = |calls: &Calls, spans: u64| {
                Sample::of_sums(spans as f64, calls.sum, calls.squares).as_unsure_as(all)
            };
            let more = welch_p(of(now, spans), of(before, spans_before));
            (CallsChange::Number, 2.0 * more.min(1.0 - more))
        } else {
            return None;
        };
        let p_value = (p_value * tests as f64).min(1.0);
        let names = &prepared.observations.traces;
        (p_value <= P_MAX).then(|| StructureChange {
            kind,
            service: prepared.instances.service_name(self.operation.0).to_owned(),
            operation: names.text(self.operation.1).to_owned(),
            called: Some(names.text(callee.1).to_owned()),
            calls,
            baseline_calls,
            share,
            baseline_share,
            spans,
            p_value,
            ..StructureChange::default()
        })
    }

    /// Whether blocks of spans show the change too.
    fn is_beyond_noise(
        &self,
        callee: Operation,
        change: &StructureChange,
        cuts: &Cuts<'_>,
    ) -> bool {
        let sign = (change.calls - change.baseline_calls).signum();
        cuts.grew(self.operation_steps, |step: &Step| {
            let calls = self.operation_steps.calls(step);
            let of_callee = calls.filter(|&(operation, _)| operation == callee);
            sign * of_callee.map(|(_, count)| f64::from(count)).sum::<f64>()
        })
    }
}
