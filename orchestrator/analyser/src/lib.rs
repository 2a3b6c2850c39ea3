//! Names the bottleneck of a distributed system from its traces, logs and metrics alone.
//!
//! [`Prepared`] does once what is done for every trace: it finds the critical path and where a
//! failing request went wrong first. [`analyse`] then compares the requests of one [`Window`] with
//! those of another, the baseline, and answers four questions: why are requests slower, why do they
//! fail, why are fewer answered, and which calls are no longer made? A bottleneck is what changed
//! beyond noise, not what is longest.
//!
//! The modules stand on four floors. A module names its own floor and those below it, never one above:
//!
//! 1. `facts`: what the telemetry says. Names and their meaning, instances, the tree of a trace, its
//!    critical path, its origin of failure, all put together in [`Prepared`]; and the table of causes.
//! 2. `statistics`: whether a difference is more than chance. It knows requests, and no cause.
//! 3. `questions`: each question by itself, with the `rules` that correct a first guess.
//! 4. `answer`: one verdict out of the answers to all of them.
//!
//! Words of this crate beside those of OpenTelemetry: an *instance* is a process of a service; a
//! *place* is a service with a [`Cause`], and owns time on critical paths; the *origin* of a failing
//! request is where it went wrong first; a *fan-out* is several calls that one server span makes; the
//! *slow tail* is the slowest requests of a window; a *guess* is what the rules have made of a place so
//! far; a *sign* is what metrics and logs say of it.

mod answer;
mod facts;
mod questions;
mod statistics;

pub use answer::analyse::analyse;
pub use answer::overview::{Overview, overview};
pub use answer::verdict::{Analysis, Verdict};
pub use answer::waterfall::{WaterfallRow, waterfall};
pub use facts::cause::Cause;
pub use facts::prepared::Prepared;
pub use facts::time::Window;
pub use questions::change_point::find_window;
pub use questions::findings::{
    Attribution, Bottleneck, CallsChange, ErrorOrigin, Figure, Question, SharedTrait,
    StructureChange,
};
pub use questions::given_up::{GivenUp, given_up};
pub use questions::load::{
    Balance, FirstSaturated, Load, LoadChange, Saturation, Series, SeriesPoint, ServiceLoad,
    SlowerInstance, Uneven,
};
pub use questions::root_operations::RootOperation;
pub use questions::serial_opportunities::independence::Independence;
pub use questions::serial_opportunities::{SerialOpportunity, serial_opportunities};
pub use statistics::config::Config;
