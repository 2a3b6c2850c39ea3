//! One case through every method.

use std::collections::BTreeMap;

use ragdoll_analyser::Cause;

use crate::case::CaseData;
use crate::cases::Case;
use crate::error::CaseError;
use crate::expected::Expected;
use crate::methods::{Method, Ranking};

/// Answers of a method that are kept, more than any grade looks at.
const ANSWERS_MAX: usize = 20;

/// What the methods said of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The right answers.
    pub expected: Expected,
    /// Spans of the case.
    pub spans: u64,
    /// What was repaired or left out while its telemetry was read.
    pub notes: Vec<String>,
    /// Answers of each method, in the order of the methods.
    pub answers: Vec<Ranking>,
}

/// Loads a case and asks every method. It depends on the case and the methods alone.
///
/// # Errors
/// Where the case cannot be read.
pub fn answer(case: &Case, methods: &[Box<dyn Method>]) -> Result<Answered, CaseError> {
    let data = case.load()?;
    let answers = methods.iter().map(|method| ask(method.as_ref(), &data));
    Ok(Answered {
        expected: case.expected.clone(),
        spans: data.observations.traces.spans().len() as u64,
        answers: answers.collect(),
        notes: data.notes.clone(),
    })
}

/// A method's answers. Where one names a service and no instance, and the service has only one, the
/// answer is that instance.
pub(crate) fn ask(method: &dyn Method, data: &CaseData) -> Ranking {
    let mut ranking = method.rank(data);
    let guesses = &mut ranking.guesses;
    guesses.truncate(ANSWERS_MAX);
    for guess in guesses {
        if guess.instance.is_none() {
            guess.instance = data.only_instance(&guess.service).map(str::to_owned);
        }
    }
    ranking
}

/// The cause that is right most often over cases with one fault: the best constant guess. Of equals it
/// is the first by order of [`Cause`].
pub fn most_frequent_cause<'a>(cases: impl IntoIterator<Item = &'a Expected>) -> Cause {
    let mut times: BTreeMap<Cause, u64> = BTreeMap::new();
    for case in cases {
        if let [fault] = &case.faults[..] {
            for &cause in &fault.causes {
                *times.entry(cause).or_default() += 1;
            }
        }
    }
    let most = times.into_iter().rev().max_by_key(|&(_, times)| times);
    most.map_or(Cause::Compute, |(cause, _)| cause)
}
