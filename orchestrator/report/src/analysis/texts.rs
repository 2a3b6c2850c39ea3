//! The sentences that the terminal and the page share.

use ragdoll_analyser::{
    Bottleneck, CallsChange, GivenUp, Independence, Question, SerialOpportunity, StructureChange,
    Verdict,
};

use super::record::{AnalysisRecord, SourceRecord};
use crate::figures::{count, ms, share, significant};
use crate::words::Judged;

/// The two windows with what was found.
pub(super) fn judged(record: &AnalysisRecord) -> Judged<'_> {
    Judged {
        phase: &record.window.name,
        against: &record.baseline.name,
        analysis: &record.analysis,
    }
}

/// Why fewer requests are answered, where that is not the verdict itself.
pub(super) fn throughput(record: &AnalysisRecord) -> Option<&Bottleneck> {
    let verdict = record.analysis.verdict.bottleneck();
    let is_verdict = verdict.is_some_and(|found| found.question == Question::Throughput);
    record.analysis.throughput.as_ref().filter(|_| !is_verdict)
}

/// What a source turned out to be, such as `OTLP JSON, gzip`.
pub(super) fn format(source: &SourceRecord) -> String {
    match (&source.format, &source.compression) {
        (Some(format), Some(compression)) => format!("{format}, {compression}"),
        (Some(format), None) => format.clone(),
        (None, _) if source.skipped.is_some() => "not read".to_owned(),
        (None, _) => "empty".to_owned(),
    }
}

/// How the list of ranked places is headed, and what a reader should make of it.
pub(super) fn ranked_heading(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Bottleneck(_) => ("What explains the change", "best first"),
        Verdict::NoBottleneck { .. } | Verdict::NotEnoughData { .. } => (
            "Likeliest suspects",
            "none is beyond noise: where something is wrong all the same, look here first",
        ),
    }
}

/// Which question a bottleneck answers, in a word or two.
pub(super) const fn question(question: Question) -> &'static str {
    match question {
        Question::Latency => "slow",
        Question::Errors => "failing",
        Question::Throughput => "fewer answered",
        Question::Calls => "calls missing",
    }
}

/// The instance that stands out, or a dash.
pub(super) fn instance(bottleneck: &Bottleneck) -> &str {
    bottleneck.instance.as_deref().unwrap_or("–")
}

/// What an operation no longer leads to.
pub(super) fn vanished(change: &StructureChange) -> String {
    change.vanished.join(", ")
}

/// Operations that stopped making calls.
pub(super) fn holes(record: &AnalysisRecord) -> Vec<&StructureChange> {
    let changes = record.analysis.structure.iter();
    changes
        .filter(|change| change.kind == CallsChange::Vanished)
        .collect()
}

/// Calls that are made more or less often, which is no fault by itself: a sentence each.
pub(super) fn other_calls(record: &AnalysisRecord) -> Vec<String> {
    let sentence = |change: &StructureChange| {
        let called = change.called.as_deref().unwrap_or_default();
        let what = match change.kind {
            CallsChange::Vanished => return None,
            CallsChange::Shifted => format!(
                "leaves out {} {} of the time, before {}",
                vanished(change),
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
    };
    record
        .analysis
        .structure
        .iter()
        .filter_map(sentence)
        .collect()
}

/// What would be saved if calls that come one after the other ran at once.
pub(super) fn serial(one: &SerialOpportunity) -> String {
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

/// Work that went on after its caller had gone.
pub(super) fn given_up(one: &GivenUp) -> String {
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

/// Which requests are compared, in one line.
pub(super) fn compared(record: &AnalysisRecord) -> String {
    let mut text = match &record.operation {
        Some(operation) => format!("Requests of `{operation}`. {}", record.how),
        None => record.how.clone(),
    };
    let (now, before) = (&record.latencies.now, &record.latencies.before);
    let traces = record.analysis.traces + record.analysis.baseline_traces;
    let looked_at = now.looked_at + before.looked_at;
    if looked_at > 0 && looked_at < traces {
        text.push_str(&format!(
            " Quantiles and errors are those of {} requests of {}, evenly spread.",
            count(looked_at),
            count(traces)
        ));
    }
    text
}

/// Every note: of the analyser, then of reading; none twice.
pub(super) fn notes(record: &AnalysisRecord) -> Vec<&str> {
    let mut notes: Vec<&str> = Vec::new();
    for note in record.analysis.notes.iter().chain(&record.read.notes) {
        if !notes.contains(&note.as_str()) {
            notes.push(note);
        }
    }
    notes
}
