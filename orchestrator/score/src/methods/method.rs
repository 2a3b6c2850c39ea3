//! What a method is, and what it answers.

use ragdoll_analyser::Cause;

use crate::case::CaseData;

/// One answer: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`, where the method names one.
    pub instance: Option<String>,
    /// Why.
    pub cause: Cause,
}

/// What a method says of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Places and causes, the likeliest first.
    pub guesses: Vec<Guess>,
    /// Whether the method says that something is wrong at all. One that says so of nothing may still
    /// rank what is likeliest, for those who know better.
    pub alarm: bool,
}

/// Something that says from a case's telemetry where its faults are.
pub trait Method: Sync {
    /// The name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// How it works, in a few words.
    fn about(&self) -> &'static str;

    /// Its answers. The same case gives the same ones.
    fn rank(&self, case: &CaseData) -> Ranking;
}

/// Names of all methods, the analyser first.
pub const METHOD_NAMES: [&str; 6] = [
    "analyser",
    "longest_span",
    "exclusive_growth",
    "call_growth",
    "error_growth",
    "random",
];
