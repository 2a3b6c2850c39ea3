use std::collections::BTreeMap;

use ragdoll_analyser::Verdict;
use ragdoll_experiment::{Outcome, RunRecord};

use crate::columns::aligned;
use crate::figures::ms;
use crate::words;

const REPLAYS_MAX: usize = 5;

/// What several seeds of an experiment gave, gathered run by run. It keeps a line of each run and
/// not its record, which is some 100 KB.
#[derive(Clone, Debug, Default)]
pub struct RepeatSummary {
    files: Vec<OfOneFile>,
}

impl RepeatSummary {
    /// Adds a run. Runs are listed in the order in which they are added.
    pub fn add(&mut self, record: &RunRecord) {
        let known = self.files.iter().position(|one| one.file == record.file);
        let place = known.unwrap_or_else(|| {
            self.files.push(OfOneFile::new(record));
            self.files.len() - 1
        });
        self.files[place].add(record);
    }

    /// A table with a line for each run, then counts, with a final newline. Runs of different files
    /// get a table each; plain text, no colour; empty without runs.
    pub fn text(&self) -> String {
        let texts: Vec<String> = self.files.iter().map(OfOneFile::text).collect();
        texts.join("\n")
    }
}

/// [`RepeatSummary::text`] of these runs.
pub fn repeat_summary(records: &[RunRecord]) -> String {
    let mut summary = RepeatSummary::default();
    for record in records {
        summary.add(record);
    }
    summary.text()
}

#[derive(Clone, Debug)]
struct OfOneFile {
    file: String,
    head: String,
    /// Names of all phases, in the order in which the runs have them.
    phases: Vec<String>,
    runs: Vec<Run>,
    /// How to see the first runs again that did not pass.
    replays: Vec<String>,
}

#[derive(Clone, Debug)]
struct Run {
    seed: u64,
    outcome: &'static str,
    verdict: String,
    /// In milliseconds, at the phase's place among the names of all phases.
    p95: BTreeMap<usize, f64>,
}

impl OfOneFile {
    fn new(first: &RunRecord) -> Self {
        let title = words::printable(&first.title);
        OfOneFile {
            file: first.file.clone(),
            head: format!("{title} · {} · ragdoll {}\n\n", first.file, first.version),
            phases: Vec::new(),
            runs: Vec::new(),
            replays: Vec::new(),
        }
    }

    fn add(&mut self, record: &RunRecord) {
        let mut p95 = BTreeMap::new();
        for phase in &record.phases {
            let known = self.phases.iter().position(|name| *name == phase.name);
            let place = known.unwrap_or_else(|| {
                self.phases.push(phase.name.clone());
                self.phases.len() - 1
            });
            p95.insert(place, phase.stats.p95_ms);
        }
        if record.outcome != Outcome::Passed && self.replays.len() < REPLAYS_MAX {
            self.replays.push(words::replay(record));
        }
        self.runs.push(Run {
            seed: record.seed,
            outcome: record.outcome.name(),
            verdict: verdict(record),
            p95,
        });
    }

    fn text(&self) -> String {
        let mut text = self.head.clone();
        text.push_str(&self.table());
        text.push('\n');
        text.push_str(&self.counts());
        for replay in &self.replays {
            text.push_str(&format!("replay: {replay}\n"));
        }
        text
    }

    fn table(&self) -> String {
        let mut head = vec![
            "seed".to_owned(),
            "outcome".to_owned(),
            "verdict".to_owned(),
        ];
        head.extend(self.phases.iter().map(|phase| format!("p95 {phase}")));
        let mut rows = vec![head];
        let figure = |value: Option<&f64>| value.map_or("–".to_owned(), |value| ms(*value));
        let places = 0..self.phases.len();
        for run in &self.runs {
            let (outcome, verdict) = (run.outcome.to_owned(), run.verdict.clone());
            let mut row = vec![run.seed.to_string(), outcome, verdict];
            row.extend(places.clone().map(|place| figure(run.p95.get(&place))));
            rows.push(row);
        }
        for (label, pick) in [("lowest", 0.0), ("median", 0.5), ("highest", 1.0)] {
            let mut row = vec![label.to_owned(), String::new(), String::new()];
            row.extend(places.clone().map(|place| {
                let values = self.runs.iter().filter_map(|run| run.p95.get(&place));
                let mut values: Vec<f64> = values.copied().collect();
                values.sort_by(f64::total_cmp);
                let rank = ((values.len().saturating_sub(1)) as f64 * pick).floor() as usize;
                figure(values.get(rank))
            }));
            rows.push(row);
        }
        ruled(&rows, self.runs.len())
    }

    fn counts(&self) -> String {
        let of = |name: &str| self.runs.iter().filter(|run| run.outcome == name).count();
        let noun = if self.runs.len() == 1 { "run" } else { "runs" };
        let mut text = format!(
            "{} {noun}: {} passed, {} failed, {} inconclusive\n",
            self.runs.len(),
            of("passed"),
            of("failed"),
            of("inconclusive")
        );
        let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
        for run in &self.runs {
            *verdicts.entry(&run.verdict).or_default() += 1;
        }
        let mut verdicts: Vec<(&str, usize)> = verdicts.into_iter().collect();
        verdicts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        for (verdict, times) in verdicts {
            text.push_str(&format!("{times} × {verdict}\n"));
        }
        text
    }
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

/// Lines of the table. A rule parts the runs from their summary.
fn ruled(rows: &[Vec<String>], runs: usize) -> String {
    let lines = aligned(rows, |column| !(1..=2).contains(&column));
    let widths = (0..rows[0].len()).map(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let full = widths.sum::<usize>() + 2 * (rows[0].len() - 1);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text.push_str(line);
        text.push('\n');
        if index == 0 || index == runs {
            text.push_str(&"─".repeat(full));
            text.push('\n');
        }
    }
    text
}
