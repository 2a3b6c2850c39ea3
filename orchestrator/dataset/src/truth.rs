//! What is known of a valid case, as its `truth.json` has it.

use ragdoll_experiment::Phase;
use ragdoll_model::Service;
use ragdoll_score::{Decoy, Moved, Stretch as TruthStretch, TrueFault, Truth};

use crate::faults::Injection;
use crate::plan::CasePlan;
use crate::validate::Stretch;

/// Digits of a case's number in its name.
const DIGITS: usize = 6;

/// Name of the folder of a case.
pub(crate) fn case_name(number: u64) -> String {
    format!("case-{number:0DIGITS$}")
}

/// The truth of a case. `moved` says what each fault moved; `epoch_unix_us` is when the run began.
pub(crate) fn truth(
    plan: &CasePlan,
    moved: &[Vec<Moved>],
    (before, during): (&Stretch<'_>, &Stretch<'_>),
    epoch_unix_us: u64,
) -> Truth {
    let faults = plan.faults.iter().zip(moved).enumerate();
    let services = plan.system.topology.services();
    Truth {
        case: case_name(plan.number),
        seed: plan.experiment.seed,
        system: plan.system.kind,
        services: services.into_iter().map(name).collect(),
        faults: faults
            .map(|(index, (fault, moved))| TrueFault {
                service: name(fault.service),
                instance: fault.instance.clone(),
                kind: fault.kind.to_owned(),
                causes: fault.causes.clone(),
                moved: moved.clone(),
                path: path(plan, fault),
                active: active(plan, index, epoch_unix_us),
            })
            .collect(),
        decoys: plan.decoys.iter().map(decoy).collect(),
        before: window(plan.before(), epoch_unix_us),
        during: window(plan.during(), epoch_unix_us),
        indicators_before: before.indicators(),
        indicators_during: during.indicators(),
    }
}

fn name(service: Service) -> String {
    service.name().to_owned()
}

fn decoy(injection: &Injection) -> Decoy {
    Decoy {
        service: name(injection.service),
        instance: injection.instance.clone(),
        kind: injection.kind.to_owned(),
    }
}

/// The services by which the fault comes to the users.
pub(crate) fn path(plan: &CasePlan, fault: &Injection) -> Vec<String> {
    let path = plan.system.path_to_client(fault.service);
    path.into_iter().map(name).collect()
}

/// From its first start to its last stop.
fn active(plan: &CasePlan, fault: usize, epoch_unix_us: u64) -> TruthStretch {
    let during = plan.during();
    let last = plan.place(fault).end - 1;
    let (start_s, stop_s) = during.faults[last].window_s(during.duration_s);
    let at_ns = |offset_s: f64| {
        let offset_us = libm::round(offset_s * 1e6) as u64;
        (epoch_unix_us + during.start_us() + offset_us) * 1000
    };
    TruthStretch {
        start_ns: at_ns(start_s),
        end_ns: at_ns(stop_s),
    }
}

/// What counts of a phase.
pub(crate) fn window(phase: &Phase, epoch_unix_us: u64) -> TruthStretch {
    TruthStretch {
        start_ns: (epoch_unix_us + phase.counted_from_us()) * 1000,
        end_ns: (epoch_unix_us + phase.end_us()) * 1000,
    }
}
