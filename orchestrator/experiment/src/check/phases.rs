//! Phases: when each of them is, and which one the others are compared with.

use std::path::Path;

use ragdoll_fault_spec::Catalog;
use ragdoll_model::Topology;

use super::arrivals::check_arrivals;
use super::faults::check_fault;
use crate::document::{KeyPath, Problems};
use crate::experiment::Phase;
use crate::file::{ExperimentFile, PhaseFile};

/// Words that CEL keeps for itself or may one day.
const RESERVED: [&str; 31] = [
    "as",
    "bool",
    "break",
    "bytes",
    "const",
    "continue",
    "double",
    "duration",
    "dyn",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "int",
    "let",
    "list",
    "loop",
    "map",
    "namespace",
    "null",
    "package",
    "return",
    "string",
    "timestamp",
    "true",
    "type",
    "uint",
    "while",
];

/// Phases overlap only if they do so by more than a microsecond, the resolution of the run.
const RESOLUTION_S: f64 = 1e-6;

/// Resolves times, loads, faults and the baseline. Phases with mistakes are returned too, so that
/// the expectations can be checked against their names.
pub(crate) fn check_phases(
    file: &ExperimentFile,
    topology: &Topology,
    folder: &Path,
    catalog: &dyn Catalog,
    problems: &mut Problems<'_, '_>,
) -> Vec<Phase> {
    let root = KeyPath::default().key("phases");
    let baseline = baseline_index(&file.phases, &root, problems);
    let mut phases: Vec<Phase> = Vec::new();
    for (index, given) in file.phases.iter().enumerate() {
        let path = root.index(index);
        check_name(given, &phases, &path, problems);
        let start_s = check_start(given, phases.last(), &path, problems);
        check_settle(given, &path, problems);
        if let Some(arrivals) = &given.arrivals {
            check_arrivals(arrivals, &path.key("arrivals"), problems);
        }
        let faults = given.faults.iter().enumerate().map(|(number, fault)| {
            let path = path.key("faults").index(number);
            check_fault(fault, given.duration_s, topology, catalog, &path, problems)
        });
        let faults = faults.collect();
        let arrivals = given
            .arrivals
            .clone()
            .unwrap_or_else(|| file.workload.arrivals.clone());
        phases.push(Phase {
            name: given.name.clone(),
            start_s,
            duration_s: given.duration_s,
            settle_s: given.settle_s,
            recording: arrivals.file.as_ref().map(|name| folder.join(name)),
            arrivals,
            baseline: index == baseline,
            faults,
        });
    }
    phases
}

fn check_name(
    given: &PhaseFile,
    earlier: &[Phase],
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) {
    let name = &given.name;
    let path = path.key("name");
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let continues_well = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !starts_well || !name.chars().all(continues_well) {
        problems.add(
            &path,
            format!("is {name:?}, which expressions cannot use"),
            "use lower-case letters, digits and `_`, and no digit first",
        );
    } else if RESERVED.contains(&name.as_str()) {
        let message = format!("is {name:?}, a word that CEL keeps for itself");
        problems.add(&path, message, "choose another name");
    } else if let Some(number) = earlier.iter().position(|phase| phase.name == *name) {
        let message = format!("is {name:?}, as is that of `phases[{number}]`");
        problems.add(&path, message, "give each phase a name of its own");
    }
}

fn check_start(
    given: &PhaseFile,
    before: Option<&Phase>,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) -> f64 {
    let earliest = before.map_or(0.0, |phase| phase.start_s + phase.duration_s);
    let start_s = given.start_s.unwrap_or(earliest);
    if let Some(before) = before
        && start_s < earliest - RESOLUTION_S
    {
        problems.add(
            &path.key("start_s"),
            format!(
                "is {start_s}, before phase `{}` ends at {earliest} s",
                before.name
            ),
            format!("start at {earliest} or later, or leave `start_s` out"),
        );
    }
    start_s
}

fn check_settle(given: &PhaseFile, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    if given.settle_s >= given.duration_s {
        problems.add(
            &path.key("settle_s"),
            format!(
                "is {}, all of the phase's {} s",
                given.settle_s, given.duration_s
            ),
            "leave time in which requests count",
        );
    }
}

/// Index of the phase that the others are compared with.
fn baseline_index(phases: &[PhaseFile], root: &KeyPath, problems: &mut Problems<'_, '_>) -> usize {
    let mut chosen = (0..phases.len()).filter(|&index| phases[index].baseline == Some(true));
    match (chosen.next(), chosen.next()) {
        (Some(first), Some(second)) => {
            problems.add(
                &root.index(second).key("baseline"),
                format!("is true, as is that of phase `{}`", phases[first].name),
                "choose one; an expectation may name another in `against`",
            );
            first
        }
        (Some(only), None) => only,
        (None, _) => {
            let open = phases.iter().position(|phase| phase.baseline.is_none());
            open.unwrap_or_else(|| {
                let path = root.index(0).key("baseline");
                problems.add(&path, "is false in every phase", "set one of them to true");
                0
            })
        }
    }
}
