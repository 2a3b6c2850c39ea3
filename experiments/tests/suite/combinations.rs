//! Whatever is done to a system at the same time, a run of it ends, and every request that was due has
//! one outcome. Cases are made from their seeds: `RAGDOLL_CASES` says how many there are, and
//! `RAGDOLL_CASE` runs the one with this seed alone.

mod case;

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, Once};
use std::time::Duration;

use crate::common::{number, on_every_core};
use case::Case;
use ragdoll_deploy::{RunOptions, run};
use ragdoll_experiment::{Experiment, RunRecord};
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::FaultSpec;

/// Cases of a run of this test unless the environment says otherwise.
const CASES: u64 = 1_000;
/// Seed of the first of them.
const FIRST: u64 = 1;
/// Wall time after which a case hangs: it takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest time that a request may take, simulated: faults are over by the end of the phase, and
/// what waited for them is done soon after that.
const LONGEST_MS: f64 = 120_000.0;

/// What panicked, by the name of the thread: a panic may be swallowed on its way to us.
static PANICS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// Notes the panics of cases instead of printing them.
fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            match thread.name().filter(|name| name.starts_with("case ")) {
                Some(name) => {
                    let mut panics = PANICS.lock().expect("nobody panics with it");
                    panics.insert(name.to_owned(), panic.to_string());
                }
                None => print(panic),
            }
        }));
    });
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no text").to_owned()
}

/// What is wrong with a run of these faults; nothing where all is well.
fn problem(case: &Case, faults: &[FaultSpec]) -> Option<String> {
    let text = case.file(faults);
    let experiment = Experiment::parse(&text, Path::new("case.toml"), &Faults);
    let experiment = match experiment {
        Ok(experiment) => experiment,
        Err(errors) => return Some(format!("the case is not valid: {errors}")),
    };
    let name = format!("case {}", case.seed);
    let (done, ended) = channel();
    let thread = std::thread::Builder::new().name(name.clone());
    let thread = thread.spawn(move || {
        let record = run(&experiment, &RunOptions::default());
        // Nobody listens any more to a case that took too long.
        let _ = done.send(record.map_err(|error| error.to_string()));
    });
    let thread = thread.expect("a thread can be had");
    let ended = ended.recv_timeout(PATIENCE);
    if matches!(ended, Err(RecvTimeoutError::Timeout)) {
        return Some(format!("the run goes on after {PATIENCE:?}"));
    }
    let joined = thread.join();
    let panicked = PANICS.lock().expect("nobody panics with it").remove(&name);
    if let Some(panic) = panicked {
        return Some(panic);
    }
    if let Err(panic) = joined {
        return Some(words(&*panic));
    }
    match ended.expect("it was sent") {
        Ok(record) => complaint(case, faults, &record),
        Err(error) => Some(error),
    }
}

/// What is wrong with what a run came to.
fn complaint(case: &Case, faults: &[FaultSpec], record: &RunRecord) -> Option<String> {
    let sum = |part: fn(&ragdoll_experiment::PhaseRecord) -> u64| -> u64 {
        record.phases.iter().map(part).sum()
    };
    let due = sum(|phase| phase.stats.requests);
    let ended = sum(|phase| phase.stats.succeeded + phase.stats.failed);
    if due != ended {
        return Some(format!("{due} requests were due, and {ended} ended"));
    }
    let changes_load = faults.iter().any(|fault| case::changes_load(&fault.kind));
    if !changes_load && due != case.requests() {
        let expected = case.requests();
        return Some(format!(
            "{expected} requests were to be sent, and {due} were"
        ));
    }
    let longest_ms = record.phases.iter().map(|phase| phase.stats.max_ms);
    let longest_ms = longest_ms.fold(0.0, f64::max);
    (longest_ms > LONGEST_MS).then(|| format!("a request took {longest_ms} ms"))
}

/// The fewest of a case's faults with which it still fails, and how.
fn smallest(case: &Case, first: String) -> (Vec<FaultSpec>, String) {
    let mut faults = case.faults.clone();
    let mut found = first;
    let mut at = 0;
    while at < faults.len() {
        let mut fewer = faults.clone();
        fewer.remove(at);
        match problem(case, &fewer) {
            Some(problem) => (faults, found) = (fewer, problem),
            None => at += 1,
        }
    }
    (faults, found)
}

fn account(case: &Case, first: String) -> String {
    let (faults, found) = smallest(case, first);
    format!(
        "RAGDOLL_CASE={}: {found}\n{}",
        case.seed,
        case.file(&faults)
    )
}

#[test]
fn whatever_is_combined_a_run_ends_and_loses_no_request() {
    listen_for_panics();
    let seeds: Vec<u64> = match number("RAGDOLL_CASE") {
        Some(seed) => vec![seed],
        None => (FIRST..FIRST + number("RAGDOLL_CASES").unwrap_or(CASES)).collect(),
    };
    let failures = on_every_core(&seeds, |&seed| {
        let case = Case::new(seed);
        problem(&case, &case.faults).map(|first| (case, first))
    });
    let failures: Vec<_> = failures.into_iter().flatten().collect();
    let count = failures.len();
    let shown = failures.into_iter().take(5);
    let shown: Vec<String> = shown.map(|(case, first)| account(&case, first)).collect();
    assert!(
        count == 0,
        "{count} of {} cases fail:\n{}",
        seeds.len(),
        shown.join("\n\n")
    );
}

#[test]
fn the_cases_have_every_kind_and_all_that_a_fault_may_say() {
    let cases: Vec<Case> = (FIRST..FIRST + CASES).map(Case::new).collect();
    let faults: Vec<&FaultSpec> = cases.iter().flat_map(|case| &case.faults).collect();
    for kind in case::kinds() {
        let of_kind = faults.iter().filter(|fault| fault.kind == kind.name);
        assert!(of_kind.count() >= 10, "{} is rare", kind.name);
    }
    let has = |what: &str, is_so: &dyn Fn(&FaultSpec) -> bool| {
        let count = faults.iter().filter(|fault| is_so(fault)).count();
        assert!(count >= 50, "{what}: {count}");
    };
    has("edges", &|fault| fault.target.edge.is_some());
    has("instances", &|fault| fault.target.instance.is_some());
    has("only", &|fault| fault.only.is_some());
    has("every_s", &|fault| fault.every_s.is_some());
    has("ramps", &|fault| fault.ramp_up_s > 0.0);
    has("probabilities", &|fault| fault.probability < 1.0);
    let varied = |fault: &FaultSpec| fault.params != Faults.example(&fault.kind);
    has("variations", &varied);
}
