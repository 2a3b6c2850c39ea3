//! Calls that could run at the same time, that are made more or less often, or that nobody waits for.

use ragdoll_analyser::{CallsChange, GivenUp, Independence, SerialOpportunity, StructureChange};

use crate::document::{Block, Cut, Heading, Section};
use crate::figures::{count, ms, share, significant};
use crate::words::Judged;

pub(super) fn sections(judged: Judged<'_>) -> Vec<Section> {
    let analysis = judged.analysis;
    let serial = analysis.serial_calls.iter().map(serial).collect();
    let changed = analysis.structure.iter().filter_map(changed).collect();
    let given_up = analysis.given_up.iter().map(given_up).collect();
    let sections = [
        section("Calls that could run at the same time", serial),
        section("Calls made more or less often", changed),
        section("Work for callers that had gone", given_up),
    ];
    sections.into_iter().flatten().collect()
}

fn section(title: &str, sentences: Vec<String>) -> Option<Section> {
    let all = !sentences.is_empty();
    all.then(|| {
        let block = Block::sentences(sentences, Cut::Top, None);
        Section::new(Heading::new(title, ""), vec![block])
    })
}

/// What would be saved if calls that come one after the other ran at once.
fn serial(one: &SerialOpportunity) -> String {
    let independent = match one.independence {
        Independence::Shown => "They do not wait for each other's answers.",
        Independence::NotRuledOut => {
            "Whether they need each other's answers does not show in spans."
        }
    };
    format!(
        "{} `{}` calls {} one after the other, {} in a row on average; at the same time they would \
         save {} a request ({}). {independent}",
        one.service,
        one.operation,
        one.calls.join(", "),
        significant(one.calls_in_a_row),
        ms(one.saved_ms),
        share(one.share)
    )
}

/// Calls that are made more or less often, which is no fault by itself.
fn changed(change: &StructureChange) -> Option<String> {
    let called = change.called.as_deref().unwrap_or_default();
    let what = match change.kind {
        CallsChange::Vanished => return None,
        CallsChange::Shifted => format!(
            "leaves out {} {} of the time, before {}",
            change.vanished.join(", "),
            share(change.share),
            share(change.baseline_share)
        ),
        CallsChange::Appeared => format!(
            "calls {called}, which it did not before: {} of its {} spans do",
            share(change.share),
            count(change.spans)
        ),
        CallsChange::Number => format!(
            "calls {called} {} times on average, before {} times",
            significant(change.calls),
            significant(change.baseline_calls)
        ),
    };
    Some(format!("{} `{}` {what}.", change.service, change.operation))
}

/// Work that went on after its caller had gone.
fn given_up(one: &GivenUp) -> String {
    let calls = match one.calls {
        1 => "1 call".to_owned(),
        calls => format!("{} calls", count(calls)),
    };
    format!(
        "{} gave up {calls} of {}, which went on: {} a request for nobody, {} of its work.",
        one.caller,
        one.callee,
        ms(one.wasted_ms),
        share(one.share)
    )
}
