//! Names the bottleneck of a distributed system from its traces, logs and metrics alone.
//!
//! [`Prepared`] does once what is done for every trace: it finds the critical path and where a
//! failing request went wrong first. [`analyse`] then compares the requests of one [`Window`] with
//! those of another, the baseline, and answers two questions: why are requests slower, and why do
//! they fail? A bottleneck is what changed beyond noise, not what is longest.
//!
//! One file maps names of spans and errors to causes (`names`); one file each holds a rule that
//! corrects the first guess, in `rules`.

mod address;
mod analyse;
mod basis;
mod blocks;
mod breakers;
mod change_point;
mod comparison;
mod confidence;
mod config;
mod criticality;
mod directory;
mod error_cause;
mod error_words;
mod errors;
mod evidence;
mod examine;
mod failure;
mod gatherings;
mod given_up;
mod latency;
mod load;
mod names;
mod noise;
mod operations;
mod origin;
mod overview;
mod parties;
mod path;
mod peers;
mod population;
mod prepared;
mod ranking;
mod repairs;
mod roots;
mod rules;
mod saturation;
mod scaled;
mod serial;
mod series;
mod share;
mod sides;
mod signs;
mod statistics;
mod steps;
mod strays;
mod structure;
mod throughput;
mod traits;
mod tree;
mod verdict;
mod visits;
mod waterfall;

pub use analyse::analyse;
pub use change_point::find_window;
pub use config::{Config, Window};
pub use given_up::{GivenUp, given_up};
pub use load::{
    Balance, FirstSaturated, Load, LoadChange, Saturation, Series, SeriesPoint, ServiceLoad,
    SlowerInstance, Uneven,
};
pub use overview::{Overview, overview};
pub use prepared::Prepared;
pub use roots::RootOperation;
pub use serial::{Independence, SerialOpportunity, serial_opportunities};
pub use verdict::{
    Analysis, Attribution, Bottleneck, CallsChange, Cause, ErrorOrigin, Figure, Question,
    SharedTrait, StructureChange, Verdict,
};
pub use waterfall::{WaterfallRow, waterfall};
