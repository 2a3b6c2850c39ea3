//! A run, and the same seed again without each of its faults.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ragdoll_experiment::{
    Experiment, Replayed, RequestOutcome, RunRecord, Variant, judge_counterfactual, variants,
};

use crate::ground::Ground;
use crate::run::{RunError, RunOptions, run_measured};

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
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, E>)>> = Mutex::new(Vec::new());
    let worker = || {
        while let Some((position, item)) = take(items, &next) {
            let result = work(item);
            if result.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            let mut done = done.lock().expect("whoever panicked has ended the program");
            done.push((position, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores.min(items.len()) {
            scope.spawn(worker);
        }
    });
    let mut done = done.into_inner().expect("the scope passes panics on");
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take<'i, I>(items: &'i [I], next: &AtomicUsize) -> Option<(usize, &'i I)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    items.get(position).map(|item| (position, item))
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
