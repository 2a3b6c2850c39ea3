//! A picture of where the slow tail's time goes: a phase's bars beside its baseline's.

use super::page::{Page, Paint, clipped, width_of};
use crate::figures::ms;
use crate::words::{Judged, judged, parts};
use ragdoll_analyser::Attribution;
use ragdoll_experiment::RunRecord;

const LABEL_WIDTH_MAX: usize = 28;
const VALUE_WIDTH: usize = 8;
const INDENT: usize = 2;
const GAP: usize = 2;
const BAR_WIDTH_MAX: usize = 40;

struct Row {
    label: String,
    now_ms: f64,
    before_ms: f64,
    named: bool,
}

/// Draws the bars of every comparison of a run.
pub(super) fn write(page: &mut Page, record: &RunRecord) {
    let judged = judged(record);
    let shown = judged
        .iter()
        .filter(|one| !one.analysis.attribution.is_empty());
    let limit = if shown.count() > 1 { 3 } else { 4 };
    write_judged(page, &judged, limit);
}

/// Draws one group of bars for each comparison that says where time goes, of at most `limit` places
/// besides the rest.
pub(crate) fn write_judged(page: &mut Page, judged: &[Judged<'_>], limit: usize) {
    let shown: Vec<&Judged<'_>> = judged
        .iter()
        .filter(|one| !one.analysis.attribution.is_empty())
        .collect();
    if shown.is_empty() {
        return;
    }
    let groups: Vec<Vec<Row>> = shown.iter().map(|one| rows(one, limit)).collect();
    let labels = groups.iter().flatten().map(|row| width_of(&row.label));
    let label_width = labels.max().unwrap_or(0).min(LABEL_WIDTH_MAX);
    page.heading(
        "WHERE THE SLOWEST REQUESTS' TIME GOES",
        "mean of one request",
    );
    for (one, rows) in shown.iter().zip(&groups) {
        group(page, one, rows, label_width);
    }
}

fn rows(one: &Judged<'_>, limit: usize) -> Vec<Row> {
    let named = one.analysis.verdict.bottleneck();
    let chosen = parts(one.analysis, limit);
    let row = |part: &&Attribution| Row {
        label: format!("{} / {}", part.service, part.cause),
        now_ms: part.tail_ms,
        before_ms: part.baseline_tail_ms,
        named: named
            .is_some_and(|found| found.service == part.service && found.cause == part.cause),
    };
    let mut rows: Vec<Row> = chosen.shown.iter().map(row).collect();
    if chosen.rest_ms > 0.0 || chosen.rest_baseline_ms > 0.0 {
        rows.push(Row {
            label: "everything else".to_owned(),
            now_ms: chosen.rest_ms,
            before_ms: chosen.rest_baseline_ms,
            named: false,
        });
    }
    rows
}

fn group(page: &mut Page, one: &Judged<'_>, rows: &[Row], label_width: usize) {
    let fixed = INDENT + label_width + 2 * (GAP + 1 + VALUE_WIDTH);
    let bar_width = (page.width().saturating_sub(fixed) / 2).clamp(4, BAR_WIDTH_MAX);
    let most = rows
        .iter()
        .map(|row| row.now_ms.max(row.before_ms))
        .fold(0.0, f64::max);
    let total = |of: fn(&Attribution) -> f64| ms(one.analysis.attribution.iter().map(of).sum());
    let column = GAP + bar_width + 1 + VALUE_WIDTH;
    page.line(&[
        (Paint::Plain, " ".repeat(INDENT + label_width + GAP)),
        (
            Paint::Accent,
            padded(
                &format!("{} ({} in all)", one.phase, total(|part| part.tail_ms)),
                column,
            ),
        ),
        (
            Paint::Dim,
            format!(
                "{} ({} in all)",
                one.against,
                total(|part| part.baseline_tail_ms)
            ),
        ),
    ]);
    for row in rows {
        let strong = if row.named { Paint::Bad } else { Paint::Accent };
        let label_paint = if row.named { Paint::Bold } else { Paint::Plain };
        page.line(&[
            (Paint::Plain, " ".repeat(INDENT)),
            (label_paint, padded(&row.label, label_width)),
            (Paint::Plain, " ".repeat(GAP)),
            (strong, padded(&bar(row.now_ms, most, bar_width), bar_width)),
            (label_paint, format!(" {:>VALUE_WIDTH$}", ms(row.now_ms))),
            (Paint::Plain, " ".repeat(GAP)),
            (
                Paint::Dim,
                padded(&bar(row.before_ms, most, bar_width), bar_width),
            ),
            (Paint::Dim, format!(" {:>VALUE_WIDTH$}", ms(row.before_ms))),
        ]);
    }
}

fn padded(text: &str, width: usize) -> String {
    let mut text = clipped(text, width);
    let missing = width - width_of(&text);
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// A bar in eighths of a column. What is above zero shows as at least one of them.
fn bar(value: f64, most: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if value <= 0.0 || most <= 0.0 {
        return String::new();
    }
    let eighths = (value / most * width as f64 * 8.0).round().max(1.0) as usize;
    let eighths = eighths.min(width * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_never_vanish() {
        assert_eq!(bar(10.0, 10.0, 4), "████");
        assert_eq!(bar(5.0, 10.0, 4), "██");
        assert_eq!(bar(0.001, 10.0, 4), "▏");
        assert_eq!(bar(0.0, 10.0, 4), "");
        assert_eq!(bar(1.0, 0.0, 4), "");
    }
}
