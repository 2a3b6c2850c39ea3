//! What the grades of all cases come to.

use std::collections::BTreeMap;

use ragdoll_analyser::Cause;
use serde::{Deserialize, Serialize};

use crate::cases::Found;
use crate::error::CaseError;
use crate::grade::{Level, all_in_top3, avg5, top};
use crate::interval::Share;
use crate::methods::Method;
use crate::ranked_case::Case;
use crate::run::Answered;
use crate::wrong::{Confusion, WrongAnswer, WrongCase, confusion, wrong_answers, wrong_cases};

/// Result of scoring, the same for the same cases whatever the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Cases that were scored.
    pub cases: Counts,
    /// Spans in them.
    pub spans: u64,
    /// Candidates that were left out while data sets were made, by reason.
    pub discarded: BTreeMap<String, u64>,
    /// What was not scored, and why.
    pub problems: Vec<String>,
    /// What was repaired or left out in telemetry that was scored, with the case.
    pub notes: Vec<String>,
    /// Whether methods saw no more than spans of calls.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub calls_alone: bool,
    /// The cause that every naive method guesses.
    pub naive_cause: Cause,
    /// Each method's grades, in the order in which they were asked for.
    pub methods: Vec<MethodReport>,
    /// Cases that the first method got wrong, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong_cases: Vec<WrongCase>,
}

/// Cases by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// With one fault.
    pub one_fault: u64,
    /// With several.
    pub several_faults: u64,
    /// With decoys and no fault.
    pub decoys: u64,
    /// With neither.
    pub healthy: u64,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.one_fault + self.several_faults + self.decoys + self.healthy
    }
}

/// Grades of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodReport {
    /// Its name.
    pub name: String,
    /// How it works.
    pub about: String,
    /// Cases with one fault.
    pub one_fault: Grades,
    /// The same, where only an answer given with an alarm counts.
    pub verdicts: Verdicts,
    /// The ranks by kind of fault.
    pub by_kind: BTreeMap<String, Grades>,
    /// Cases with several faults.
    pub several_faults: AllFound,
    /// Cases without a fault in which something was blamed.
    pub false_alarms: FalseAlarms,
    /// By true cause, what the first answer was, over cases with one fault.
    pub confusion: Vec<Confusion>,
    /// By kind of fault, the most frequent wrong first answers over cases with one fault.
    pub wrong_answers: BTreeMap<String, Vec<WrongAnswer>>,
}

/// Grades over some cases with one fault each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grades {
    /// The service is right.
    pub service: Ranks,
    /// The instance is right; over the cases that have a label for it.
    pub instance: Ranks,
    /// Service and cause are right; over the cases that have a label for it.
    pub cause: Ranks,
}

/// How far up the right answer is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    /// First.
    pub top1: Share,
    /// Among the first three.
    pub top3: Share,
    /// Mean of the shares of Top@1 to Top@5.
    pub avg5: Share,
}

/// Cases with one fault by what the method says of itself, without being told that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    /// It says that nothing is wrong.
    pub missed: Share,
    /// It says that something is wrong, and names the right service first.
    pub service: Share,
    /// It says that something is wrong, and names the right service and cause first.
    pub cause: Share,
}

/// Cases of which all faults are among the first three answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllFound {
    /// By service.
    pub service: Share,
    /// By service and cause.
    pub cause: Share,
}

/// Cases without a fault in which something was blamed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FalseAlarms {
    /// Of healthy systems.
    pub healthy: Share,
    /// Of systems with decoys.
    pub decoys: Share,
    /// Of both.
    pub all: Share,
}

impl Report {
    /// Adds everything up. `results` are those of [`answer`](crate::answer) for the cases found, in
    /// their order. Cases that the first method got wrong are listed where `list_wrong` says so.
    pub fn new(
        found: &Found,
        methods: &[Box<dyn Method>],
        naive_cause: Cause,
        results: &[Result<Answered, CaseError>],
        list_wrong: bool,
    ) -> Self {
        let answered: Vec<&Answered> = results.iter().flatten().collect();
        let failed = results.iter().filter_map(|result| result.as_ref().err());
        let problems = found.problems.iter().chain(failed);
        let method_report = |number: usize| {
            let answers: Vec<Case<'_>> = answered
                .iter()
                .map(|case| (&case.expected, &case.answers[number]))
                .collect();
            MethodReport::new(methods[number].as_ref(), &answers)
        };
        Report {
            cases: counts(&answered),
            spans: answered.iter().map(|case| case.spans).sum(),
            discarded: found.discarded.clone(),
            problems: problems.map(ToString::to_string).collect(),
            notes: answered.iter().flat_map(|case| notes(case)).collect(),
            calls_alone: found.calls_alone,
            naive_cause,
            methods: (0..methods.len()).map(method_report).collect(),
            wrong_cases: if list_wrong {
                wrong_cases(&answered)
            } else {
                Vec::new()
            },
        }
    }
}

impl MethodReport {
    fn new(method: &dyn Method, cases: &[Case<'_>]) -> Self {
        let of_faults = |keep: fn(usize) -> bool| -> Vec<Case<'_>> {
            let cases = cases.iter().copied();
            cases.filter(|(case, _)| keep(case.faults.len())).collect()
        };
        let one = of_faults(|faults| faults == 1);
        let mut by_kind: BTreeMap<String, Vec<Case<'_>>> = BTreeMap::new();
        for &case in &one {
            let kind = case.0.faults[0].kind.clone();
            by_kind.entry(kind).or_default().push(case);
        }
        let grades_of_kind =
            |(kind, cases): (&String, &Vec<Case<'_>>)| (kind.clone(), grades(cases));
        MethodReport {
            name: method.name().to_owned(),
            about: method.about().to_owned(),
            one_fault: grades(&one),
            verdicts: verdicts(&one),
            by_kind: by_kind.iter().map(grades_of_kind).collect(),
            several_faults: all_found(&of_faults(|faults| faults > 1)),
            false_alarms: false_alarms(&of_faults(|faults| faults == 0)),
            confusion: confusion(&one),
            wrong_answers: by_kind
                .iter()
                .map(|(kind, cases)| (kind.clone(), wrong_answers(cases)))
                .filter(|(_, answers)| !answers.is_empty())
                .collect(),
        }
    }
}

fn notes(case: &Answered) -> impl Iterator<Item = String> {
    let name = &case.expected.case;
    case.notes.iter().map(move |note| format!("{name}: {note}"))
}

fn counts(answered: &[&Answered]) -> Counts {
    let mut counts = Counts::default();
    for case in answered {
        let expected = &case.expected;
        let number = match (expected.faults.len(), expected.decoys.len()) {
            (0, 0) => &mut counts.healthy,
            (0, _) => &mut counts.decoys,
            (1, _) => &mut counts.one_fault,
            _ => &mut counts.several_faults,
        };
        *number += 1;
    }
    counts
}

fn grades(cases: &[Case<'_>]) -> Grades {
    let ranks = |level: Level| {
        let ranks: Vec<Option<usize>> = cases
            .iter()
            .map(|(case, ranking)| (&case.faults[0], &ranking.guesses))
            .filter(|(fault, _)| level.is_graded(fault))
            .map(|(fault, guesses)| level.rank(guesses, fault))
            .collect();
        let share = |value: &dyn Fn(Option<usize>) -> f64| {
            Share::of(ranks.iter().map(|&rank| Some(value(rank))))
        };
        Ranks {
            top1: share(&|rank| top(rank, 1)),
            top3: share(&|rank| top(rank, 3)),
            avg5: share(&avg5),
        }
    };
    Grades {
        service: ranks(Level::Service),
        instance: ranks(Level::Instance),
        cause: ranks(Level::Cause),
    }
}

fn verdicts(cases: &[Case<'_>]) -> Verdicts {
    let right = |level: Level| {
        Share::of(cases.iter().map(|(case, ranking)| {
            let fault = &case.faults[0];
            let first = top(level.rank(&ranking.guesses, fault), 1);
            let counts = if ranking.alarm { first } else { 0.0 };
            level.is_graded(fault).then_some(counts)
        }))
    };
    let missed = |(_, ranking): &Case<'_>| Some(f64::from(u8::from(!ranking.alarm)));
    Verdicts {
        missed: Share::of(cases.iter().map(missed)),
        service: right(Level::Service),
        cause: right(Level::Cause),
    }
}

fn all_found(cases: &[Case<'_>]) -> AllFound {
    let share = |level| {
        Share::of(
            cases
                .iter()
                .map(|(case, ranking)| all_in_top3(level, &ranking.guesses, case)),
        )
    };
    AllFound {
        service: share(Level::Service),
        cause: share(Level::Cause),
    }
}

fn false_alarms(cases: &[Case<'_>]) -> FalseAlarms {
    let share = |keep: fn(bool) -> bool| {
        Share::of(cases.iter().map(|(case, ranking)| {
            let has_decoys = !case.decoys.is_empty();
            keep(has_decoys).then(|| f64::from(u8::from(ranking.alarm)))
        }))
    };
    FalseAlarms {
        healthy: share(|has_decoys| !has_decoys),
        decoys: share(|has_decoys| has_decoys),
        all: share(|_| true),
    }
}
