//! How the process ends.

use ragdoll_experiment::Outcome;

/// What the exit code says, worst last: of several runs the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Success,
    Inconclusive,
    Failed,
    Environment,
    Usage,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Environment => 3,
            Exit::Inconclusive => 4,
        }
    }

    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Exit::Success,
            Outcome::Failed => Exit::Failed,
            Outcome::Inconclusive { .. } => Exit::Inconclusive,
        }
    }
}
