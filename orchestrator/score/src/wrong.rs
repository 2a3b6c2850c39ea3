//! What is said in place of the right answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::expected::{Expected, ExpectedFault};
use crate::grade::{Level, is_wrong};
use crate::methods::Guess;
use crate::ranked_case::Case;
use crate::run::Answered;

/// Wrong answers that are listed for each kind of fault.
const WRONG_ANSWERS_MAX: usize = 3;

/// First answers to the faults of one true cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The best of the fault's right causes.
    pub cause: String,
    /// Cases.
    pub cases: u64,
    /// Cases by what was said: a cause, where the service was right (any of the right causes counts as the
    /// best one); `another service`; or `nothing`.
    pub said: BTreeMap<String, u64>,
}

/// A wrong first answer to faults of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongAnswer {
    /// The answer by its relation to the fault, such as `queue at a caller of it`.
    pub answer: String,
    /// Cases in which it was given.
    pub cases: u64,
}

/// A case with what was wrongly said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongCase {
    /// Name of the case.
    pub case: String,
    /// What is true, a line for each fault: `kind: service (instance), cause or cause`.
    pub truth: Vec<String>,
    /// Whether the method said that something is wrong at all.
    pub alarm: bool,
    /// The first answers, best first: `service (instance), cause`.
    pub said: Vec<String>,
}

pub(crate) fn confusion(one_fault: &[Case<'_>]) -> Vec<Confusion> {
    let mut rows: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    for (case, ranking) in one_fault {
        let fault = &case.faults[0];
        let Some(best) = fault.causes.first() else {
            continue;
        };
        let said = match ranking.guesses.first() {
            None => "nothing",
            Some(guess) if guess.service != fault.service => "another service",
            Some(guess) if fault.causes.contains(&guess.cause) => best.name(),
            Some(guess) => guess.cause.name(),
        };
        let row = rows.entry(best.name()).or_default();
        *row.entry(said.to_owned()).or_default() += 1;
    }
    let row = |(cause, said): (&str, BTreeMap<String, u64>)| Confusion {
        cause: cause.to_owned(),
        cases: said.values().sum(),
        said,
    };
    rows.into_iter().map(row).collect()
}

/// The most frequent wrong first answers, by number, then in the order of the alphabet.
pub(crate) fn wrong_answers(one_fault: &[Case<'_>]) -> Vec<WrongAnswer> {
    let mut times: BTreeMap<String, u64> = BTreeMap::new();
    for (case, ranking) in one_fault {
        if is_wrong(ranking, case) {
            let answer = relation(ranking.guesses.first(), case);
            *times.entry(answer).or_default() += 1;
        }
    }
    let mut answers: Vec<WrongAnswer> = times
        .into_iter()
        .map(|(answer, cases)| WrongAnswer { answer, cases })
        .collect();
    answers.sort_by_key(|answer| std::cmp::Reverse(answer.cases));
    answers.truncate(WRONG_ANSWERS_MAX);
    answers
}

/// Services of generated systems have names that mean nothing, so an answer is told by where it is.
fn relation(guess: Option<&Guess>, expected: &Expected) -> String {
    let Some(guess) = guess else {
        return "nothing".to_owned();
    };
    let fault = &expected.faults[0];
    let place = if guess.service == fault.service {
        "the right service"
    } else if fault.path.contains(&guess.service) {
        "a caller of it"
    } else if expected.decoys.contains(&guess.service) {
        "a decoy"
    } else {
        "another service"
    };
    format!("{} at {place}", guess.cause)
}

/// Cases in which the first method's answers are wrong, by name.
pub(crate) fn wrong_cases(answered: &[&Answered]) -> Vec<WrongCase> {
    let mut wrong: Vec<WrongCase> = answered
        .iter()
        .filter_map(|case| Some((&case.expected, case.answers.first()?)))
        .filter(|(expected, ranking)| is_wrong(ranking, expected))
        .map(|(expected, ranking)| WrongCase {
            case: expected.case.clone(),
            truth: truth_words(expected),
            alarm: ranking.alarm,
            said: ranking.guesses.iter().take(5).map(guess_words).collect(),
        })
        .collect();
    wrong.sort_by(|a, b| a.case.cmp(&b.case));
    wrong
}

fn truth_words(expected: &Expected) -> Vec<String> {
    let decoys = expected.decoys.iter();
    let decoys = decoys.map(|decoy| format!("decoy: {decoy}"));
    expected
        .faults
        .iter()
        .map(fault_words)
        .chain(decoys)
        .collect()
}

fn fault_words(fault: &ExpectedFault) -> String {
    let causes: Vec<&str> = fault.causes.iter().map(|cause| cause.name()).collect();
    let causes = if Level::Cause.is_graded(fault) {
        causes.join(" or ")
    } else {
        "any cause".to_owned()
    };
    let place = place_words(&fault.service, fault.instance.as_deref());
    format!("{}: {place}, {causes}", fault.kind)
}

fn guess_words(guess: &Guess) -> String {
    let place = place_words(&guess.service, guess.instance.as_deref());
    format!("{place}, {}", guess.cause)
}

fn place_words(service: &str, instance: Option<&str>) -> String {
    match instance {
        Some(instance) => format!("{service} ({instance})"),
        None => service.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use ragdoll_analyser::Cause;

    use super::*;
    use crate::methods::Ranking;

    fn expected() -> Expected {
        Expected {
            case: "case".to_owned(),
            faults: vec![ExpectedFault {
                service: "shard".to_owned(),
                instance: Some("shard-1".to_owned()),
                kind: "slow".to_owned(),
                causes: vec![Cause::Cpu, Cause::Compute],
                path: ["shard", "vector-db", "gateway"]
                    .map(str::to_owned)
                    .to_vec(),
            }],
            decoys: vec!["llm".to_owned()],
        }
    }

    fn first(service: &str, cause: Cause) -> Ranking {
        Ranking {
            guesses: vec![Guess {
                service: service.to_owned(),
                instance: None,
                cause,
            }],
            alarm: true,
        }
    }

    fn answers() -> Vec<Ranking> {
        vec![
            first("shard", Cause::Cpu),
            first("shard", Cause::Compute),
            first("shard", Cause::Queue),
            first("vector-db", Cause::Queue),
            first("gateway", Cause::Queue),
            first("llm", Cause::Queue),
            Ranking::default(),
        ]
    }

    #[test]
    fn answers_are_told_by_their_relation_to_the_fault() {
        let expected = expected();
        let words: Vec<String> = answers()
            .iter()
            .map(|answer| relation(answer.guesses.first(), &expected))
            .collect();
        assert_snapshot!(words.join("\n"), @r"
        cpu at the right service
        compute at the right service
        queue at the right service
        queue at a caller of it
        queue at a caller of it
        queue at a decoy
        nothing
        ");
    }

    #[test]
    fn any_right_cause_is_the_best_one() {
        let (expected, answers) = (expected(), answers());
        let cases: Vec<Case<'_>> = answers.iter().map(|answer| (&expected, answer)).collect();
        let rows = confusion(&cases);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].cause.as_str(), rows[0].cases), ("cpu", 7));
        let said: Vec<String> = rows[0]
            .said
            .iter()
            .map(|(said, times)| format!("{said} {times}"))
            .collect();
        assert_eq!(said, ["another service 3", "cpu 2", "nothing 1", "queue 1"]);
    }

    #[test]
    fn the_most_frequent_wrong_answers_come_first() {
        let (expected, answers) = (expected(), answers());
        let cases: Vec<Case<'_>> = answers.iter().map(|answer| (&expected, answer)).collect();
        let wrong = wrong_answers(&cases);
        assert_eq!(wrong.len(), WRONG_ANSWERS_MAX);
        assert_eq!(
            (wrong[0].answer.as_str(), wrong[0].cases),
            ("queue at a caller of it", 2)
        );
    }

    #[test]
    fn cases_are_told_in_words() {
        let expected = expected();
        assert_snapshot!(truth_words(&expected).join("; "), @"slow: shard (shard-1), cpu or compute; decoy: llm");
        let guess = &first("llm", Cause::KvCache).guesses[0];
        assert_snapshot!(guess_words(guess), @"llm, kv_cache");
    }
}
