//! The contestants: the analyser, and methods that a reader of traces might try first.

mod analyser;
mod call_growth;
mod error_growth;
mod exclusive_growth;
mod longest_span;
mod random;

use std::collections::BTreeMap;

use ragdoll_analyser::{Cause, Config};
use ragdoll_trace::Symbol;

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

/// All methods, in the order of [`METHOD_NAMES`]. The naive ones look for services and not for causes;
/// all of them guess `constant`. The most frequent cause of the cases that are scored is the best
/// constant that there is.
pub fn methods(config: Config, constant: Cause) -> Vec<Box<dyn Method>> {
    let naive = |name, about, score| -> Box<dyn Method> {
        Box::new(Naive {
            name,
            about,
            score,
            cause: constant,
        })
    };
    let [_, longest, exclusive, call, error, random] = METHOD_NAMES;
    vec![
        Box::new(analyser::Analyser { config }),
        naive(
            longest,
            "votes of the slowest requests, each for its longest span below the root",
            longest_span::votes,
        ),
        naive(
            exclusive,
            "growth of a service's exclusive time a request",
            exclusive_growth::growth,
        ),
        naive(
            call,
            "largest growth of client minus server time of a service's operations",
            call_growth::growth,
        ),
        naive(
            error,
            "growth of a service's failed spans a request",
            error_growth::growth,
        ),
        naive(random, "services in random order: the floor", random::order),
    ]
}

/// Score of each service by its symbol; what is not above zero is no answer.
type Scores = BTreeMap<Symbol, f64>;

/// A method that gives every service a score.
struct Naive {
    name: &'static str,
    about: &'static str,
    score: fn(&CaseData) -> Scores,
    cause: Cause,
}

impl Method for Naive {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn rank(&self, case: &CaseData) -> Ranking {
        let set = &case.observations.traces;
        let mut scores: Vec<(&str, f64)> = (self.score)(case)
            .into_iter()
            .filter(|&(_, score)| score > 0.0)
            .map(|(service, score)| (set.text(service), score))
            .collect();
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let guess = |(service, _): (&str, f64)| Guess {
            service: service.to_owned(),
            instance: None,
            cause: self.cause,
        };
        Ranking {
            alarm: !scores.is_empty(),
            guesses: scores.into_iter().map(guess).collect(),
        }
    }
}

/// What each service has more of with the faults than before them.
fn growth_of(sums: BTreeMap<Symbol, [f64; 2]>) -> Scores {
    let growth = |(service, [before, during]): (Symbol, [f64; 2])| (service, during - before);
    sums.into_iter().map(growth).collect()
}
