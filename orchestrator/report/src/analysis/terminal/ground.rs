//! What the verdict rests on: the sources, the windows, and what was not as it should be.

use super::super::record::{AnalysisRecord, SourceRecord, WindowRecord};
use super::super::{Requests, texts};
use super::left_out;
use crate::figures::{count, ms, rate, seconds, share};
use crate::terminal::page::{Page, Paint, Piece};
use crate::terminal::plain;
use crate::terminal::table::{Side, Table};

/// Notes that are shown; the page and the JSON have them all.
const NOTES_MAX: usize = 12;

/// Columns of a source's name.
const NAME_MAX: usize = 36;

pub(super) fn headline(page: &mut Page, record: &AnalysisRecord) {
    let title = format!("{} against {}", record.window.name, record.baseline.name);
    let lead = [(Paint::Accent, "ANALYSIS".to_owned()), plain("  ")];
    page.paragraph(&lead, Paint::Bold, &title);
    let text = format!(
        "{} and {} requests · {} spans · ragdoll {}",
        count(record.analysis.traces),
        count(record.analysis.baseline_traces),
        count(record.read.spans()),
        record.version
    );
    page.paragraph(&[], Paint::Dim, &text);
}

pub(super) fn read(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let sources = &record.read.sources;
    page.heading("READ", "");
    let mut table = Table::new(&[
        ("source", Side::Left),
        ("part", Side::Left),
        ("format", Side::Left),
        ("spans", Side::Right),
        ("logs", Side::Right),
        ("metrics", Side::Right),
        ("dropped", Side::Right),
        ("oddities", Side::Right),
    ]);
    // What was not read is told by a note as well.
    let mut shown: Vec<&SourceRecord> = sources.iter().collect();
    shown.sort_by_key(|source| source.skipped.is_some());
    for source in shown.iter().take(top) {
        table.row(source_cells(source));
    }
    table.write(page, |_, _| {});
    left_out(page, sources.len(), top);
}

/// The end of a path tells more than its beginning.
fn end_of(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_MAX {
        return name.to_owned();
    }
    let rest = name.chars().skip(length - NAME_MAX + 1);
    ['…'].into_iter().chain(rest).collect()
}

fn source_cells(source: &SourceRecord) -> Vec<Piece> {
    let number = |value: u64| match value {
        0 => (Paint::Dim, "–".to_owned()),
        value => plain(&count(value)),
    };
    let unsure = |value: u64| match value {
        0 => (Paint::Dim, "–".to_owned()),
        value => (Paint::Unsure, count(value)),
    };
    let paint = match source.format {
        Some(_) => Paint::Plain,
        None => Paint::Unsure,
    };
    vec![
        (Paint::Bold, end_of(&source.name)),
        plain(if source.baseline {
            "baseline"
        } else {
            "window"
        }),
        (paint, texts::format(source)),
        number(source.spans),
        number(source.log_events),
        number(source.metric_points),
        unsure(source.dropped.values().sum()),
        unsure(source.repaired.values().sum()),
    ]
}

pub(super) fn compared(page: &mut Page, record: &AnalysisRecord) {
    page.heading("COMPARED", "");
    let mut table = Table::new(&[
        ("", Side::Left),
        ("from", Side::Left),
        ("length", Side::Right),
        ("requests", Side::Right),
        ("rate", Side::Right),
        ("p50", Side::Right),
        ("p95", Side::Right),
        ("p99", Side::Right),
        ("errors", Side::Right),
    ]);
    let (analysis, latencies) = (&record.analysis, &record.latencies);
    table.row(window_cells(
        record,
        &record.window,
        analysis.traces,
        &latencies.now,
    ));
    table.row(window_cells(
        record,
        &record.baseline,
        analysis.baseline_traces,
        &latencies.before,
    ));
    table.write(page, |_, _| {});
    page.paragraph(&[plain("  ")], Paint::Dim, &texts::compared(record));
}

fn window_cells(
    record: &AnalysisRecord,
    window: &WindowRecord,
    traces: u64,
    requests: &Requests,
) -> Vec<Piece> {
    let time = |value: f64| match requests.looked_at {
        0 => "–".to_owned(),
        _ => ms(value),
    };
    let (errors, failed) = match requests.looked_at {
        0 => ("–".to_owned(), false),
        all => (
            share(requests.failed as f64 / all as f64),
            requests.failed > 0,
        ),
    };
    let per_second = record.read.scaled_up(traces) / window.seconds.max(f64::MIN_POSITIVE);
    vec![
        (Paint::Bold, window.name.clone()),
        plain(&window.start),
        plain(&seconds(window.seconds)),
        plain(&count(traces)),
        plain(&if traces == 0 {
            "–".to_owned()
        } else {
            rate(per_second)
        }),
        plain(&time(requests.p50_ms)),
        (Paint::Bold, time(requests.p95_ms)),
        plain(&time(requests.p99_ms)),
        (if failed { Paint::Bad } else { Paint::Plain }, errors),
    ]
}

pub(super) fn notes(page: &mut Page, record: &AnalysisRecord) {
    let notes = texts::notes(record);
    if notes.is_empty() {
        return;
    }
    page.heading("NOTES", "");
    for note in notes.iter().take(NOTES_MAX) {
        page.paragraph(&[plain("  ")], Paint::Plain, note);
    }
    if notes.len() > NOTES_MAX {
        let text = format!("and {} more in --json and --html", notes.len() - NOTES_MAX);
        page.paragraph(&[plain("  ")], Paint::Dim, &text);
    }
}
