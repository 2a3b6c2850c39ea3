//! A run, and the same seed again without each of its faults.

use std::sync::atomic::{AtomicBool, Ordering};

use ragdoll_experiment::{
    Experiment, Replayed, RequestOutcome, RunRecord, Variant, judge_counterfactual, variants,
};

use crate::error::RunError;
use crate::ground::Ground;
use crate::options::RunOptions;
use crate::parallel::{cores, side_by_side};
use crate::run::run_measured;

/// Runs an experiment as [`crate::run`] does, then the same seed without each declared fault in turn
/// ([`variants`]), as many of these at a time as there are processors. The record's section
/// [`RunRecord::counterfactual`] says what each fault is responsible for; its outcome is failed
/// where the faults did not do what the verdict names. Only the run as it is leaves files.
///
/// # Errors
/// Those of [`crate::run`], and a real ground: only in virtual time does the same seed give the same
/// run but for the fault.
pub fn run_counterfactual(
    experiment: &Experiment,
    options: &RunOptions,
) -> Result<RunRecord, RunError> {
    if options.ground != Ground::Virtual {
        let ground = options.ground.name();
        return Err(RunError::Counterfactual { ground });
    }
    let (record, requests) = run_measured(experiment, options)?;
    let variants = variants(experiment);
    let replays: Result<Vec<Replayed>, RunError> =
        in_parallel(&variants, |variant| replay(experiment, &requests, variant));
    Ok(judge_counterfactual(record, &replays?))
}

fn replay(
    experiment: &Experiment,
    requests: &[RequestOutcome],
    variant: &Variant,
) -> Result<Replayed, RunError> {
    let (record, without) = run_measured(&variant.experiment, &RunOptions::default())?;
    Ok(Replayed::new(
        experiment, requests, variant, &record, &without,
    ))
}

/// Does the work for each of the items, on every processor, and keeps their order. After an error no
/// further item is begun.
fn in_parallel<I: Sync, T: Send, E: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let failed = AtomicBool::new(false);
    let begun = side_by_side(cores(), items, |item| {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        let result = work(item);
        failed.fetch_or(result.is_err(), Ordering::Relaxed);
        Some(result)
    });
    begun.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        let doubled = in_parallel(&items, |item| Ok::<u64, ()>(item * 2));
        assert_eq!(doubled, Ok((0..100).map(|item| item * 2).collect()));
        let none = in_parallel(&[] as &[u64], |item| Ok::<u64, ()>(*item));
        assert_eq!(none, Ok(Vec::new()));
    }

    #[test]
    fn the_first_error_is_handed_on() {
        let items: Vec<u64> = (0..100).collect();
        let result = in_parallel(
            &items,
            |item| if *item == 7 { Err(*item) } else { Ok(*item) },
        );
        assert_eq!(result, Err(7));
    }
}
