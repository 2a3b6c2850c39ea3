//! An instance that stands out among those that are called in parallel holds up all of them.

use crate::facts::cause::Cause;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};

pub(super) struct Straggler;

impl Rule for Straggler {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        let prepared = suspect.case.compared.prepared;
        if let Some(instance) = guess.instance
            && matches!(guess.cause, Cause::Compute | Cause::Network)
            && prepared.is_parallel(instance)
        {
            guess.cause = Cause::Straggler;
        }
        Effect::GoOn
    }
}
