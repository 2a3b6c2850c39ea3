//! One method's answers to one case against the truth.

use crate::expected::{Expected, ExpectedFault};
use crate::methods::{Guess, Ranking};

/// How much of an answer has to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The service.
    Service,
    /// The service's instance.
    Instance,
    /// The service, and why.
    Cause,
}

impl Level {
    /// Whether a fault's label says enough.
    pub(crate) fn is_graded(self, fault: &ExpectedFault) -> bool {
        match self {
            Level::Service => true,
            Level::Instance => fault.instance.is_some(),
            Level::Cause => !fault.causes.is_empty(),
        }
    }

    pub(crate) fn is_right(self, guess: &Guess, fault: &ExpectedFault) -> bool {
        guess.service == fault.service
            && match self {
                Level::Service => true,
                Level::Instance => guess.instance == fault.instance,
                Level::Cause => fault.causes.contains(&guess.cause),
            }
    }

    fn is_same(self, a: &Guess, b: &Guess) -> bool {
        a.service == b.service
            && match self {
                Level::Service => true,
                Level::Instance => a.instance == b.instance,
                Level::Cause => a.cause == b.cause,
            }
    }

    /// Rank of the first right answer from 0, among the answers that differ at this level.
    pub(crate) fn rank(self, guesses: &[Guess], fault: &ExpectedFault) -> Option<usize> {
        let right = guesses
            .iter()
            .position(|guess| self.is_right(guess, fault))?;
        let distinct = (0..right).filter(|&at| {
            let earlier = &guesses[..at];
            !earlier
                .iter()
                .any(|guess| self.is_same(guess, &guesses[at]))
        });
        Some(distinct.count())
    }
}

/// Whether an answer is among the first `places`.
pub(crate) fn top(rank: Option<usize>, places: usize) -> f64 {
    f64::from(u8::from(rank.is_some_and(|rank| rank < places)))
}

/// Mean of Top@1 to Top@5.
pub(crate) fn avg5(rank: Option<usize>) -> f64 {
    let hits = rank.map_or(0, |rank| 5_usize.saturating_sub(rank));
    hits as f64 / 5.0
}

/// Whether all faults of a case are among the first three answers; none where one is not graded.
pub(crate) fn all_in_top3(level: Level, guesses: &[Guess], expected: &Expected) -> Option<f64> {
    let graded = expected.faults.iter().all(|fault| level.is_graded(fault));
    graded.then(|| {
        let found = |fault| level.rank(guesses, fault).is_some_and(|rank| rank < 3);
        f64::from(u8::from(expected.faults.iter().all(found)))
    })
}

/// Whether the answers are wrong: a single fault is not the first, not all of several are in the first
/// three, or something is blamed where nothing is to be.
pub(crate) fn is_wrong(ranking: &Ranking, expected: &Expected) -> bool {
    let guesses = &ranking.guesses;
    match &expected.faults[..] {
        [] => ranking.alarm,
        [fault] => {
            let level = strictest(fault);
            level.rank(guesses, fault) != Some(0)
        }
        faults => faults.iter().any(|fault| {
            let rank = strictest(fault).rank(guesses, fault);
            rank.is_none_or(|rank| rank >= 3)
        }),
    }
}

fn strictest(fault: &ExpectedFault) -> Level {
    if Level::Cause.is_graded(fault) {
        Level::Cause
    } else {
        Level::Service
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_analyser::Cause;

    use super::*;

    fn guess(service: &str, instance: Option<&str>, cause: Cause) -> Guess {
        Guess {
            service: service.to_owned(),
            instance: instance.map(str::to_owned),
            cause,
        }
    }

    fn fault(service: &str, instance: Option<&str>, causes: &[Cause]) -> ExpectedFault {
        ExpectedFault {
            service: service.to_owned(),
            instance: instance.map(str::to_owned),
            kind: "slow".to_owned(),
            causes: causes.to_vec(),
            path: Vec::new(),
        }
    }

    fn expected(faults: Vec<ExpectedFault>) -> Expected {
        Expected {
            case: "case".to_owned(),
            faults,
            decoys: Vec::new(),
        }
    }

    fn said(guesses: Vec<Guess>) -> Ranking {
        Ranking {
            alarm: !guesses.is_empty(),
            guesses,
        }
    }

    #[test]
    fn answers_that_do_not_differ_at_a_level_take_one_place() {
        let guesses = [
            guess("a", Some("a-0"), Cause::Queue),
            guess("a", Some("a-0"), Cause::Compute),
            guess("a", Some("a-1"), Cause::Queue),
            guess("b", Some("b-0"), Cause::Lock),
        ];
        let fault = fault("b", Some("b-0"), &[Cause::Cpu, Cause::Lock]);
        assert_eq!(Level::Service.rank(&guesses, &fault), Some(1));
        assert_eq!(Level::Instance.rank(&guesses, &fault), Some(2));
        assert_eq!(Level::Cause.rank(&guesses, &fault), Some(2));
    }

    #[test]
    fn the_service_alone_is_no_cause_and_no_instance() {
        let guesses = [guess("a", None, Cause::Queue)];
        let fault = fault("a", Some("a-0"), &[Cause::Compute]);
        assert_eq!(Level::Service.rank(&guesses, &fault), Some(0));
        assert_eq!(Level::Instance.rank(&guesses, &fault), None);
        assert_eq!(Level::Cause.rank(&guesses, &fault), None);
    }

    #[test]
    fn avg5_is_the_mean_of_five_tops() {
        for rank in [None, Some(0), Some(1), Some(4), Some(5), Some(19)] {
            let tops = (1..=5).map(|places| top(rank, places));
            assert_eq!(avg5(rank), tops.sum::<f64>() / 5.0, "{rank:?}");
        }
    }

    #[test]
    fn several_faults_have_to_be_found_all() {
        let [a, b] = ["a", "b"].map(|service| fault(service, None, &[Cause::Compute]));
        let right = |service| guess(service, None, Cause::Compute);
        let both = expected(vec![a, b]);
        let in_third = [right("a"), right("c"), right("b")];
        assert_eq!(all_in_top3(Level::Service, &in_third, &both), Some(1.0));
        let in_fourth = [right("a"), right("c"), right("d"), right("b")];
        assert_eq!(all_in_top3(Level::Service, &in_fourth, &both), Some(0.0));
        let other_cause = [right("a"), guess("b", None, Cause::Lock)];
        assert_eq!(all_in_top3(Level::Service, &other_cause, &both), Some(1.0));
        assert_eq!(all_in_top3(Level::Cause, &other_cause, &both), Some(0.0));
        assert!(is_wrong(&said(other_cause.to_vec()), &both));
        assert!(!is_wrong(&said(in_third.to_vec()), &both));
    }

    #[test]
    fn a_cause_that_no_label_gives_is_not_graded() {
        let unlabelled = fault("a", None, &[]);
        assert!(!Level::Cause.is_graded(&unlabelled));
        assert!(!Level::Instance.is_graded(&unlabelled));
        let answers = said(vec![guess("a", None, Cause::Lock)]);
        let one = expected(vec![unlabelled]);
        assert!(!is_wrong(&answers, &one));
        assert_eq!(all_in_top3(Level::Cause, &answers.guesses, &one), None);
    }

    #[test]
    fn where_there_is_no_fault_only_an_alarm_is_wrong() {
        let healthy = expected(Vec::new());
        let mut answers = said(vec![guess("a", None, Cause::Lock)]);
        assert!(is_wrong(&answers, &healthy));
        answers.alarm = false;
        assert!(!is_wrong(&answers, &healthy));
    }
}
