//! Grades methods that name bottlenecks, on cases whose faults are known: the analyser, and naive
//! methods to compare it with.
//!
//! [`find_cases`] lists the cases of data sets in the layout of [`CaseFolder`], or of folders of labelled
//! incidents of other systems. [`answer`] gives the telemetry of one to every [`Method`], without its
//! truth; [`Report::new`] adds the grades up. The grades are those of the literature on root causes:
//! Top@k is the share of cases whose fault is among the first k answers, Avg@5 the mean of Top@1 to
//! Top@5.

mod case;
mod cases;
mod error;
mod expected;
mod folder;
mod forest;
mod grade;
mod incident;
mod interval;
mod manifest;
mod methods;
mod ranked_case;
mod report;
mod run;
mod table;
mod text;
mod truth;
mod wrong;

pub use case::CaseData;
pub use cases::{Case, Found, find_cases};
pub use error::CaseError;
pub use expected::{Expected, ExpectedFault};
pub use folder::{
    CASES_FOLDER, CaseFolder, MANIFEST_FILE, Part, Signal, read_manifest, write_manifest,
};
pub use interval::Share;
pub use manifest::{Manifest, Shard};
pub use methods::{Guess, METHOD_NAMES, Method, Ranking, methods};
pub use ragdoll_analyser::Cause;
pub use report::{AllFound, Counts, FalseAlarms, Grades, MethodReport, Ranks, Report, Verdicts};
pub use run::{Answered, answer, most_frequent_cause};
pub use text::text;
pub use truth::{Decoy, Indicators, Moved, Stretch, SystemKind, TrueFault, Truth};
pub use wrong::{Confusion, WrongAnswer, WrongCase};
