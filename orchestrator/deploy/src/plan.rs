//! From an experiment to what a ground carries out.

use ragdoll_experiment::{Experiment, Journal, JournalEntry, Touched};
use ragdoll_fault_layers::{Injector, Planned, WitnessReport};
use ragdoll_load::{PhaseLoad, Shift};
use ragdoll_model::Arrivals;
use ragdoll_runtime::random::s_to_us;

/// Every stretch of the run with its arrivals; gaps between phases get the workload's own.
pub(crate) fn phase_loads(experiment: &Experiment) -> Vec<PhaseLoad> {
    let mut loads: Vec<PhaseLoad> = Vec::new();
    for phase in &experiment.phases {
        let before_us = loads.last().map_or(0, |load| load.end_us);
        if phase.start_us() > before_us {
            loads.push(PhaseLoad {
                name: format!("before {}", phase.name),
                start_us: before_us,
                end_us: phase.start_us(),
                arrivals: resolved(&experiment.workload.arrivals, phase.recording.as_deref()),
            });
        }
        loads.push(PhaseLoad {
            name: phase.name.clone(),
            start_us: phase.start_us(),
            end_us: phase.end_us(),
            arrivals: resolved(&phase.arrivals, phase.recording.as_deref()),
        });
    }
    loads
}

/// Arrivals whose recording is named as it is seen from the working directory.
fn resolved(arrivals: &Arrivals, recording: Option<&std::path::Path>) -> Arrivals {
    let mut arrivals = arrivals.clone();
    if let (Some(_), Some(path)) = (&arrivals.file, recording) {
        arrivals.file = Some(path.to_string_lossy().into_owned());
    }
    arrivals
}

/// Every fault with its absolute times, in the order of phases and of the faults within them.
pub(crate) fn faults(experiment: &Experiment) -> Vec<Planned> {
    let faults = experiment.phases.iter().flat_map(|phase| {
        phase.faults.iter().map(|spec| {
            let (start_s, stop_s) = spec.window_s(phase.duration_s);
            let at_us = |offset_s: f64| phase.start_us() + (offset_s * 1e6).round() as u64;
            Planned {
                spec: spec.clone(),
                start_us: at_us(start_s),
                stop_us: at_us(stop_s),
            }
        })
    });
    faults.collect()
}

/// What faults do to the load, each time that they are in force.
pub(crate) fn load_shifts(injector: &Injector) -> Vec<Shift> {
    let changes = injector.load_changes().into_iter();
    let shifts = changes.flat_map(|timed| {
        let change = timed.change;
        timed
            .windows
            .into_iter()
            .map(move |(start_us, end_us)| Shift {
                start_us,
                end_us,
                rate_factor: change.rate_factor,
                ramp_us: s_to_us(change.ramp_s),
                prompt_tokens_factor: change.prompt_tokens_factor,
                output_tokens_factor: change.output_tokens_factor,
            })
    });
    shifts.collect()
}

/// The ground truth. `witnesses` are in the order of [`faults`].
pub(crate) fn journal(experiment: &Experiment, witnesses: &[WitnessReport]) -> Journal {
    let planned = faults(experiment);
    let places = experiment
        .phases
        .iter()
        .flat_map(|phase| (0..phase.faults.len()).map(move |index| (phase.name.clone(), index)));
    let entries = places.zip(planned).zip(witnesses);
    let entries =
        entries.map(|(((phase, index), planned), witness)| entry(phase, index, &planned, witness));
    Journal {
        seed: experiment.seed,
        faults: entries.collect(),
        ..Journal::default()
    }
}

/// What one fault did.
pub(crate) fn entry(
    phase: String,
    index: usize,
    planned: &Planned,
    witness: &WitnessReport,
) -> JournalEntry {
    JournalEntry {
        phase,
        index,
        fault: planned.spec.clone(),
        start_s: planned.start_us as f64 / 1e6,
        stop_s: planned.stop_us as f64 / 1e6,
        opportunities: witness.opportunities,
        firings: witness.firings,
        injected_ms: witness.injected_us as f64 / 1e3,
        requests_touched: witness.requests_touched,
        touched: touched(witness),
    }
}

/// The load generator numbers its requests; others, such as documents, are not listed.
fn touched(witness: &WitnessReport) -> Vec<Touched> {
    let numbered = witness.touched.iter().filter_map(|touched| {
        Some(Touched {
            request_id: touched.request_id.parse().ok()?,
            trace_id: touched.trace_id.clone(),
        })
    });
    numbered.take(Journal::TOUCHED_MAX).collect()
}
