//! The load: when requests arrive, what they ask, and how long the answers took. What a request is
//! sent to, and over what, is the caller's business.
//!
//! A [`Schedule`] says when, a [`QuerySource`] says what; [`drive`] brings both together on a clock
//! and calls the caller's function for every [`Ask`]. All of it follows from named random streams:
//! the same seed asks the same questions at the same microseconds.

mod arrivals;
mod closed_loop;
mod drive;
mod limits;
mod phase;
mod process;
mod queries;
mod recording;
mod schedule;
mod schedule_error;
mod shift;
mod zipf;

pub use closed_loop::ClosedLoop;
pub use drive::{Ask, TooManyRequests, drive};
pub use limits::{MAX_REQUESTS, MAX_RUN_US, MAX_USERS};
pub use phase::PhaseLoad;
pub use queries::{QueryPlan, QuerySource};
pub use recording::{Recorded, Recording, RecordingError, RecordingProblem};
pub use schedule::{Arrival, ArrivalTimes, Schedule};
pub use schedule_error::{ScheduleError, ScheduleProblem};
pub use shift::Shift;
pub use zipf::Zipf;
