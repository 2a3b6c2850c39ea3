//! Corrections of the first guess, which is the place whose time grew most: one rule a file, and one
//! list of them all.

mod full_pool;
mod inferred_queue;
mod kv_cache;
mod leak;
mod lost_cache;
mod more_calls;
mod pauses;
mod pool_holder;
pub(crate) mod queue_or_slow;
pub(crate) mod rule;
mod serial_calls;
mod standout;
mod starved;
mod stolen;
mod straggler;
mod throttled;

use crate::questions::rules::full_pool::FULL_POOL;
use crate::questions::rules::inferred_queue::InferredQueue;
use crate::questions::rules::kv_cache::FullKvCache;
use crate::questions::rules::leak::MEMORY_LEAK;
use crate::questions::rules::lost_cache::LOST_CACHE;
use crate::questions::rules::more_calls::MoreCalls;
use crate::questions::rules::pauses::ProcessPauses;
use crate::questions::rules::pool_holder::PoolHolder;
use crate::questions::rules::queue_or_slow::QueueOrSlow;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::questions::rules::serial_calls::CallsBecameSerial;
use crate::questions::rules::standout::StandoutInstance;
use crate::questions::rules::starved::STARVED_PROCESS;
use crate::questions::rules::stolen::STOLEN_PROCESSORS;
use crate::questions::rules::straggler::Straggler;
use crate::questions::rules::throttled::THROTTLED_PROCESSORS;
use crate::questions::signs::figures::metric_figures;

/// All rules, in the order in which they look.
const RULES: [&dyn Rule; 15] = [
    // Whose doing it is.
    &CallsBecameSerial,
    &MoreCalls,
    &PoolHolder,
    // Whether a wait is one for its own sake.
    &QueueOrSlow,
    &FullKvCache,
    // Which instance.
    &StandoutInstance,
    // What the process was short of while it seemed to work.
    &ProcessPauses,
    &STOLEN_PROCESSORS,
    &STARVED_PROCESS,
    &Straggler,
    &MEMORY_LEAK,
    &THROTTLED_PROCESSORS,
    &LOST_CACHE,
    &FULL_POOL,
    &InferredQueue,
];

/// The guess at a place whose growth is to be explained; none where it is another service's doing.
pub(crate) fn examine(suspect: &Suspect<'_, '_>) -> Option<Guess> {
    let mut guess = Guess::of(suspect.place);
    for rule in RULES {
        match rule.examine(suspect, &mut guess) {
            Effect::GoOn => {}
            Effect::Settled => return Some(guess),
            Effect::NotToBlame => return None,
        }
    }
    for figure in metric_figures(&suspect.case.compared, guess.service, guess.instance) {
        if guess.figures.iter().all(|known| known.what != figure.what) {
            guess.figures.push(figure);
        }
    }
    Some(guess)
}
