//! Experiments: the file, its checks, the record of a run, and the comparison of what was expected
//! with what was found.

mod check;
mod counterfactual;
mod document;
mod expectation;
mod experiment;
mod fault_text;
mod file;
mod formula;
mod indicator;
mod indicators;
mod journal;
mod judge;
mod limits;
mod load;
mod measurements;
mod record;
mod schema;
mod shape;
mod spec_error;
mod stats;
mod stretch;
#[cfg(test)]
mod testing;
mod wording;

pub use counterfactual::{
    Counterfactual, FaultPlace, Finding, Named, Replayed, Variant, VerdictChange, WithoutAll,
    WithoutFault, judge_counterfactual, variants,
};
pub use experiment::{Expectation, Expected, Experiment, Phase};
pub use fault_text::{fault_schema, parse_fault, parse_fault_json};
pub use indicator::{Indicator, IndicatorChange};
pub use journal::{Journal, JournalEntry, JournalEvent, Touched};
pub use judge::judge;
pub use measurements::{Measurements, RequestOutcome, UtilizationSample};
pub use record::{
    Comparison, Exemplar, ExpectationOutcome, FaultWitness, MachineRecord, Outcome, OutputFile,
    PhaseRecord, PhaseStats, RunRecord, TimelinePoint, Wall, WaterfallRow,
};
pub use schema::schema;
pub use spec_error::{SpecError, SpecErrors, suggest};
pub use stats::quantile;
