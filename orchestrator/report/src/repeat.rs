use std::collections::BTreeMap;

use ragdoll_analyser::Verdict;
use ragdoll_experiment::{Outcome, RunRecord};

use crate::figures::ms;
use crate::words;

const REPLAYS_MAX: usize = 5;

/// What several seeds of an experiment gave: a table with a line for each run, then counts, with a
/// final newline. Runs of different files get a table each; plain text, no colour.
pub fn repeat_summary(records: &[RunRecord]) -> String {
    let mut files: Vec<&str> = Vec::new();
    for record in records {
        if !files.contains(&record.file.as_str()) {
            files.push(&record.file);
        }
    }
    let mut text = String::new();
    for file in files {
        let runs: Vec<&RunRecord> = records.iter().filter(|run| run.file == file).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&of_one_file(&runs));
    }
    text
}

fn of_one_file(runs: &[&RunRecord]) -> String {
    let first = runs[0];
    let title = words::printable(&first.title);
    let mut text = format!("{title} · {} · ragdoll {}\n\n", first.file, first.version);
    text.push_str(&table(runs));
    text.push('\n');
    text.push_str(&counts(runs));
    let not_passed = runs.iter().filter(|run| run.outcome != Outcome::Passed);
    for run in not_passed.take(REPLAYS_MAX) {
        text.push_str(&format!("replay: {}\n", words::replay(run)));
    }
    text
}

fn table(runs: &[&RunRecord]) -> String {
    let mut phases: Vec<&str> = Vec::new();
    for phase in runs.iter().flat_map(|run| &run.phases) {
        if !phases.contains(&phase.name.as_str()) {
            phases.push(&phase.name);
        }
    }
    let mut head = vec![
        "seed".to_owned(),
        "outcome".to_owned(),
        "verdict".to_owned(),
    ];
    head.extend(phases.iter().map(|phase| format!("p95 {phase}")));
    let mut rows = vec![head];
    for run in runs {
        let mut row = vec![
            run.seed.to_string(),
            run.outcome.name().to_owned(),
            verdict(run),
        ];
        row.extend(
            phases
                .iter()
                .map(|phase| p95(run, phase).map_or("–".to_owned(), ms)),
        );
        rows.push(row);
    }
    for (label, pick) in [("lowest", 0.0), ("median", 0.5), ("highest", 1.0)] {
        let mut row = vec![label.to_owned(), String::new(), String::new()];
        row.extend(phases.iter().map(|phase| {
            let mut values: Vec<f64> = runs.iter().filter_map(|run| p95(run, phase)).collect();
            values.sort_by(f64::total_cmp);
            let rank = ((values.len().saturating_sub(1)) as f64 * pick).floor() as usize;
            values.get(rank).map_or("–".to_owned(), |value| ms(*value))
        }));
        rows.push(row);
    }
    aligned(&rows, runs.len())
}

fn p95(run: &RunRecord, phase: &str) -> Option<f64> {
    run.phase(phase).map(|phase| phase.stats.p95_ms)
}

/// What the run names, without the instance, which may well differ from seed to seed.
fn verdict(run: &RunRecord) -> String {
    let verdicts: Vec<(&str, String)> = words::judged(run)
        .iter()
        .map(|one| {
            let text = match &one.analysis.verdict {
                Verdict::Bottleneck(found) => format!("{} / {}", found.service, found.cause),
                other => words::short_verdict(other),
            };
            (one.phase, text)
        })
        .collect();
    match verdicts.as_slice() {
        [] => "–".to_owned(),
        [(_, only), rest @ ..] if rest.iter().all(|(_, text)| text == only) => only.clone(),
        _ => {
            let named = verdicts
                .iter()
                .map(|(phase, text)| format!("{phase}: {text}"));
            named.collect::<Vec<_>>().join("; ")
        }
    }
}

fn counts(runs: &[&RunRecord]) -> String {
    let of = |name: &str| runs.iter().filter(|run| run.outcome.name() == name).count();
    let noun = if runs.len() == 1 { "run" } else { "runs" };
    let mut text = format!(
        "{} {noun}: {} passed, {} failed, {} inconclusive\n",
        runs.len(),
        of("passed"),
        of("failed"),
        of("inconclusive")
    );
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    for run in runs {
        *verdicts.entry(verdict(run)).or_default() += 1;
    }
    let mut verdicts: Vec<(String, usize)> = verdicts.into_iter().collect();
    verdicts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    for (verdict, times) in verdicts {
        text.push_str(&format!("{times} × {verdict}\n"));
    }
    text
}

/// Columns that line up: the first and the figures lean right, the words left. A rule parts the
/// runs from their summary.
fn aligned(rows: &[Vec<String>], runs: usize) -> String {
    let columns = rows[0].len();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let gap = if column == 0 { "" } else { "  " };
            line.push_str(gap);
            if (1..=2).contains(&column) {
                line.push_str(&format!("{cell:<width$}"));
            } else {
                line.push_str(&format!("{cell:>width$}"));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if index == 0 || index == runs {
            let full = widths.iter().sum::<usize>() + 2 * (columns - 1);
            text.push_str(&"─".repeat(full));
            text.push('\n');
        }
    }
    text
}
