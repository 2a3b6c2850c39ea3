//! The contestants: the analyser, and methods that a reader of traces might try first.

mod analyser;
mod call_growth;
mod error_growth;
mod exclusive_growth;
mod longest_span;
mod method;
mod random;
mod scores;

use ragdoll_analyser::{Cause, Config};

pub use method::{Guess, METHOD_NAMES, Method, Ranking};
use scores::Scores;

use crate::case::CaseData;

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
