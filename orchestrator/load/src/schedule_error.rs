//! Why a schedule cannot be followed.

use thiserror::Error;

use crate::limits::{MAX_REQUESTS, MAX_RUN_US};
use crate::recording::RecordingError;

/// A schedule that cannot be followed.
#[derive(Debug, Error)]
#[error("phase `{phase}`: {problem}")]
pub struct ScheduleError {
    /// Name of the phase; of the last one where the run as a whole is the problem.
    pub phase: String,
    /// What is wrong.
    pub problem: ScheduleProblem,
}

/// What is wrong with the load of a phase.
#[derive(Debug, Error)]
pub enum ScheduleProblem {
    /// Phases overlap, have no length, or are not in the order of their times.
    #[error(
        "lasts from {start_us} to {end_us} us: an end after the start expected, and a start at or \
         after the end of the phase before, {earliest_us} us"
    )]
    Times {
        /// Start of the phase.
        start_us: u64,
        /// End of the phase.
        end_us: u64,
        /// End of the phase before.
        earliest_us: u64,
    },
    /// The phase ends too late.
    #[error("ends at {end_us} us of the run; the latest is {MAX_RUN_US} us")]
    TooLong {
        /// End of the phase.
        end_us: u64,
    },
    /// Not exactly one kind of arrivals.
    #[error(
        "`arrivals` has {given}: exactly one of poisson_per_s, constant_per_s, ramp_per_s, \
         steps_per_s, users and file expected"
    )]
    Kinds {
        /// What is given.
        given: String,
    },
    /// A key that does nothing without another.
    #[error("`arrivals.{key}` is given without `{needs}`: remove it, or add `{needs}`")]
    Misplaced {
        /// The key that does nothing.
        key: &'static str,
        /// The key that it belongs to.
        needs: &'static str,
    },
    /// A key has a value that it cannot have.
    #[error("`arrivals.{key}` is {found}: {expected} expected")]
    Value {
        /// The key.
        key: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The recording of the phase cannot be replayed.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// More requests than a run may have.
    #[error(
        "the run would have some {expected:.0} requests by the end of this phase; the most is \
         {MAX_REQUESTS}: lower the rate, or shorten the phase"
    )]
    TooMany {
        /// Expected number of requests.
        expected: f64,
    },
}
