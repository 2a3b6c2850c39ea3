//! The words for what a run shows without each of its faults.

use ragdoll_experiment::{Finding, Named, WithoutFault};

use crate::words;

/// A verdict in a table; a dash where there is none.
pub(crate) fn verdict(named: Option<&Named>) -> String {
    named.map_or("–".to_owned(), Named::to_string)
}

/// What follows from leaving the fault out, in one sentence.
pub(crate) fn sentence(one: &WithoutFault) -> String {
    let named = verdict(one.with.as_ref());
    let text = match one.finding {
        Finding::Responsible => format!("{named} is gone without it."),
        Finding::NoPart if one.standing => {
            format!("{named} is there without it too: the baseline has this fault as well.")
        }
        Finding::NoPart => {
            format!("{named} is there without it too, and gone without another fault of the phase.")
        }
        Finding::Shared => format!(
            "{named} is there without any single fault, and gone without all of them: several are \
             enough by themselves."
        ),
        Finding::Remains => format!("{named} is there without it too."),
        Finding::Harmless => "Every verdict is the same without it, as with a decoy.".to_owned(),
        Finding::Felt => "A verdict is another without it, which a decoy must not do.".to_owned(),
        Finding::NothingNamed => "There is no bottleneck that could vanish.".to_owned(),
        Finding::InBaseline => "The baseline has no verdict.".to_owned(),
        Finding::Unknown => "There is too little data for a verdict.".to_owned(),
    };
    let elsewhere = one.elsewhere.iter().map(|change| {
        format!(
            " In `{}` against `{}`, {} becomes {}.",
            change.phase, change.against, change.with, change.without
        )
    });
    text + &elsewhere.collect::<String>()
}

/// How the indicators differ with the fault from those without it: those that do, else all.
pub(crate) fn effect(one: &WithoutFault) -> String {
    let shown = |only_moved: bool| {
        let chosen = one.indicators.iter();
        let chosen = chosen.filter(|change| change.moved || !only_moved);
        chosen.map(words::change).collect::<Vec<_>>().join(", ")
    };
    if one.indicators.is_empty() {
        "Too few requests to tell what it moves.".to_owned()
    } else if one.indicators.iter().any(|change| change.moved) {
        format!("From without to with it: {}.", shown(true))
    } else {
        format!("It moves no indicator: {}.", shown(false))
    }
}

/// What a test case about the fault is called.
pub(crate) fn case(one: &WithoutFault) -> String {
    let WithoutFault { phase, fault, .. } = one;
    match one.finding {
        _ if one.decoy => format!("{phase} without the decoy {fault}: every verdict is the same"),
        Finding::NothingNamed | Finding::InBaseline => format!("{phase} without {fault}"),
        _ => {
            let named = verdict(one.with.as_ref());
            format!("{phase} without {fault}: what caused {named} is accounted for")
        }
    }
}
