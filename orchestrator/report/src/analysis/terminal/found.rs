//! What was found: the verdict, and the tables beside it.

use ragdoll_analyser::{Bottleneck, SharedTrait, Verdict};

use super::super::record::AnalysisRecord;
use super::super::texts;
use super::left_out;
use crate::figures::{count, share, significant};
use crate::terminal::page::{Page, Paint, Piece};
use crate::terminal::table::{Side, Table};
use crate::terminal::{plain, sections};
use crate::words;

const EVIDENCE_MAX: usize = 6;
const EXAMPLES_MAX: usize = 3;

/// The figures of throughput come before those of the place.
const THROUGHPUT_MAX: usize = 4;

pub(super) fn verdict(page: &mut Page, record: &AnalysisRecord) {
    let judged = texts::judged(record);
    let verdict = &record.analysis.verdict;
    page.heading("VERDICT", "");
    let paint = match verdict {
        Verdict::Bottleneck(_) => Paint::Bad,
        Verdict::NoBottleneck { .. } => Paint::Good,
        Verdict::NotEnoughData { .. } => Paint::Unsure,
    };
    page.paragraph(&[plain("  ")], paint, &words::sentence(judged));
    sections::figures(page, words::evidence(verdict), EVIDENCE_MAX);
    if let Some(aside) = words::aside(&record.analysis) {
        page.paragraph(&[plain("    ")], Paint::Plain, &aside);
    }
    let examples = verdict
        .bottleneck()
        .map_or(&[][..], |found| &found.example_traces);
    for (index, trace) in examples.iter().take(EXAMPLES_MAX).enumerate() {
        let label = if index == 0 { "traces to look at" } else { "" };
        page.line(&[
            (Paint::Dim, format!("    {label:<17}  ")),
            (Paint::Accent, trace.clone()),
        ]);
    }
}

/// Why fewer requests are answered, where that is not the verdict itself.
pub(super) fn throughput(page: &mut Page, record: &AnalysisRecord) {
    let Some(found) = texts::throughput(record) else {
        return;
    };
    page.heading("FEWER REQUESTS ARE ANSWERED", "");
    let text = words::because(texts::judged(record), found);
    page.paragraph(&[plain("  ")], Paint::Plain, &text);
    sections::figures(page, &found.evidence, THROUGHPUT_MAX);
}

pub(super) fn ranked(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let ranked = &record.analysis.ranked;
    if ranked.is_empty() {
        return;
    }
    let (heading, remark) = texts::ranked_heading(&record.analysis.verdict);
    page.heading(&heading.to_uppercase(), remark);
    let mut table = Table::new(&[
        ("", Side::Right),
        ("service", Side::Left),
        ("instance", Side::Left),
        ("cause", Side::Left),
        ("requests are", Side::Left),
        ("explains", Side::Right),
        ("confidence", Side::Right),
    ]);
    let is_named = record.analysis.verdict.bottleneck().is_some();
    for (index, one) in ranked.iter().take(top).enumerate() {
        table.row(ranked_cells(index, one, is_named && index == 0));
    }
    table.write(page, |_, _| {});
    left_out(page, ranked.len(), top);
}

fn ranked_cells(index: usize, one: &Bottleneck, named: bool) -> Vec<Piece> {
    let paint = if named { Paint::Bad } else { Paint::Plain };
    vec![
        (Paint::Dim, (index + 1).to_string()),
        (paint, one.service.clone()),
        plain(texts::instance(one)),
        (paint, one.cause.to_string()),
        plain(texts::question(one.question)),
        plain(&share(one.explains)),
        plain(&share(one.confidence)),
    ]
}

pub(super) fn origins(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let origins = &record.analysis.error_origins;
    if origins.is_empty() {
        return;
    }
    page.heading(
        "WHERE FAILING REQUESTS GO WRONG FIRST",
        "and who passed the error on",
    );
    let mut table = Table::new(&[
        ("service", Side::Left),
        ("error", Side::Left),
        ("requests", Side::Right),
        ("passed on by", Side::Left),
    ]);
    for origin in origins.iter().take(top) {
        table.row(vec![
            (Paint::Bold, origin.service.clone()),
            plain(&origin.error),
            plain(&count(origin.requests)),
            plain(&origin.path.join(" → ")),
        ]);
    }
    table.write(page, |page, row| {
        if let Some(trace) = origins[row].example_traces.first() {
            let lead = [(Paint::Dim, "    trace ".to_owned())];
            page.paragraph(&lead, Paint::Accent, trace);
        }
    });
    left_out(page, origins.len(), top);
}

pub(super) fn structure(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let changes = texts::holes(record);
    if changes.is_empty() {
        return;
    }
    page.heading(
        "WHAT IS NO LONGER DONE",
        "calls that operations stopped making",
    );
    let mut table = Table::new(&[
        ("service", Side::Left),
        ("operation", Side::Left),
        ("spans", Side::Right),
        ("without", Side::Right),
        ("before", Side::Right),
        ("by chance", Side::Right),
    ]);
    for change in changes.iter().take(top) {
        table.row(vec![
            (Paint::Bold, change.service.clone()),
            plain(&change.operation),
            plain(&count(change.spans)),
            plain(&share(change.share)),
            plain(&share(change.baseline_share)),
            plain(&chance(change.p_value)),
        ]);
    }
    table.write(page, |page, row| {
        let lead = [(Paint::Dim, "    without ".to_owned())];
        page.paragraph(&lead, Paint::Plain, &texts::vanished(changes[row]));
    });
    left_out(page, changes.len(), top);
}

/// Calls that could run at the same time, and work that nobody waits for.
pub(super) fn opportunities(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let serial = record
        .analysis
        .serial_calls
        .iter()
        .map(texts::serial)
        .collect();
    sentences(page, "CALLS THAT COULD RUN AT THE SAME TIME", serial, top);
    let calls = texts::other_calls(record);
    sentences(page, "CALLS MADE MORE OR LESS OFTEN", calls, top);
    let given_up = record
        .analysis
        .given_up
        .iter()
        .map(texts::given_up)
        .collect();
    sentences(page, "WORK FOR CALLERS THAT HAD GONE", given_up, top);
}

fn sentences(page: &mut Page, heading: &str, all: Vec<String>, top: usize) {
    if all.is_empty() {
        return;
    }
    page.heading(heading, "");
    for text in all.iter().take(top) {
        page.paragraph(&[plain("  ")], Paint::Plain, text);
    }
    left_out(page, all.len(), top);
}

pub(super) fn traits(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let traits = &record.analysis.shared_traits;
    if traits.is_empty() {
        return;
    }
    page.heading("WHAT THE AFFECTED REQUESTS SHARE", "");
    for one in traits.iter().take(top) {
        page.paragraph(&[plain("  ")], Paint::Plain, &trait_text(record, one));
    }
    left_out(page, traits.len(), top);
}

fn trait_text(record: &AnalysisRecord, one: &SharedTrait) -> String {
    let text = words::shared(&record.analysis, one);
    format!("{text} By chance: {}.", chance(one.p_value))
}

/// A probability, for a reader who only wants to know whether it is small.
fn chance(p_value: f64) -> String {
    match p_value {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p => format!("p = {}", significant(p)),
    }
}
