//! The section on what the run shows without each of its faults.

use minijinja::{Value, context};
use ragdoll_experiment::{Finding, RunRecord, WithoutAll, WithoutFault};

use crate::counterfactual::{effect, sentence, verdict};

/// What the template is given; nothing where the run was not replayed.
pub(super) fn section(record: &RunRecord) -> Value {
    let Some(counterfactual) = &record.counterfactual else {
        return Value::from(());
    };
    let faults: Vec<Value> = counterfactual.faults.iter().map(fault).collect();
    let together: Vec<Value> = counterfactual.together.iter().map(all).collect();
    context! { faults, together, failures => counterfactual.failures() }
}

fn fault(one: &WithoutFault) -> Value {
    context! {
        phase => one.phase.as_str(),
        fault => one.fault.as_str(),
        with => verdict(one.with.as_ref()),
        without => verdict(one.without.as_ref()),
        finding => one.finding.name(),
        failed => one.finding.is_failure(),
        unknown => one.finding == Finding::Unknown,
        sentence => sentence(one),
        effect => effect(one),
    }
}

fn all(one: &WithoutAll) -> Value {
    context! {
        phase => one.phase.as_str(),
        with => one.with.to_string(),
        without => one.without.to_string(),
        remains => one.remains,
    }
}
