//! Whether several grounds say the same of one experiment.

use std::fmt::Write as _;

use ragdoll_experiment::{Outcome, PhaseRecord, PhaseStats, RunRecord};

use crate::columns::aligned;
use crate::figures::{count, ms, rate, share};
use crate::words::short_verdict;

/// How far a latency on loopback may be from the range in which the virtual one lies, or the other way
/// round. A range rather than the figure alone: where one request in twenty runs into a time-out, three
/// more or fewer of several hundred move the 95th percentile by seconds, and say nothing.
const TOLERANCE: f64 = 0.10;
/// Grounds whose latencies are compared: both run the services as they are, and nothing else.
const COMPARED: [&str; 2] = ["virtual", "loopback"];

/// Runs of one experiment on several grounds.
#[derive(Clone, Debug)]
pub struct Agreement {
    records: Vec<RunRecord>,
    differences: Vec<String>,
    doubts: Vec<String>,
}

impl Agreement {
    /// Compares runs of the same experiment. Panics where there are none.
    pub fn new(records: Vec<RunRecord>) -> Agreement {
        assert!(!records.is_empty(), "nothing to compare");
        let mut differences = Vec::new();
        for phase in &records[0].phases {
            differences.extend(verdicts_differ(&records, &phase.name));
            differences.extend(latencies_differ(&records, &phase.name));
        }
        for record in &records {
            if record.outcome == Outcome::Failed {
                let text = format!("{}: some expectation does not hold", record.ground);
                differences.push(text);
            }
        }
        Agreement {
            doubts: records.iter().flat_map(doubts).collect(),
            differences,
            records,
        }
    }

    /// Whether every run could tell.
    pub fn is_conclusive(&self) -> bool {
        self.doubts.is_empty()
    }

    /// Whether every run could tell, and all say the same.
    pub fn holds(&self) -> bool {
        self.is_conclusive() && self.differences.is_empty()
    }

    /// What differs, one sentence each.
    pub fn differences(&self) -> &[String] {
        &self.differences
    }

    /// Why a run could not tell, one sentence each.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// The phases side by side, and what comes of them.
    pub fn text(&self) -> String {
        let first = &self.records[0];
        let mut text = format!("{} (seed {})\n\n", first.title, first.seed);
        let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
        for phase in &first.phases {
            for record in &self.records {
                let phase = record.phase(&phase.name);
                rows.extend(phase.map(|phase| row(record, phase)));
            }
        }
        let numbers = 2..HEADINGS.len() - 1;
        for line in aligned(&rows, |column| numbers.contains(&column)) {
            text.push_str(&format!("  {line}\n"));
        }
        text.push('\n');
        for record in &self.records {
            let machine = record.machine.map_or_else(String::new, |machine| {
                format!(
                    "; timers late by {}, requests sent late by {} (p99), processors busy {}",
                    ms(machine.scheduling_delay_p99_ms),
                    ms(machine.lateness_p99_ms),
                    machine.busy_share.map_or_else(|| "?".to_owned(), share),
                )
            });
            let outcome = record.outcome.name();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}: {outcome}{machine}", record.ground);
        }
        let (verdict, reasons) = if !self.is_conclusive() {
            ("inconclusive", &self.doubts)
        } else if self.holds() {
            ("the grounds agree", &self.differences)
        } else {
            ("the grounds differ", &self.differences)
        };
        let _ = writeln!(text, "\n{verdict}");
        for reason in reasons {
            let _ = writeln!(text, "  {reason}");
        }
        text.push('\n');
        text
    }
}

const HEADINGS: [&str; 8] = [
    "phase",
    "ground",
    "requests",
    "p50",
    "p95",
    "errors",
    "answers/s",
    "verdict",
];

fn row(record: &RunRecord, phase: &PhaseRecord) -> Vec<String> {
    let stats = &phase.stats;
    vec![
        phase.name.clone(),
        record.ground.clone(),
        count(stats.requests),
        ms(stats.p50_ms),
        ms(stats.p95_ms),
        share(stats.error_rate),
        rate(stats.throughput_per_s),
        verdict(phase).unwrap_or_else(|| "-".to_owned()),
    ]
}

fn verdict(phase: &PhaseRecord) -> Option<String> {
    let analysis = phase.analysis.as_ref()?;
    Some(short_verdict(&analysis.verdict))
}

fn verdicts_differ(records: &[RunRecord], name: &str) -> Option<String> {
    let found: Vec<(&str, String)> = records
        .iter()
        .filter_map(|record| Some((record.ground.as_str(), verdict(record.phase(name)?)?)))
        .collect();
    let (_, first) = found.first()?;
    if found.iter().all(|(_, other)| other == first) {
        return None;
    }
    let words: Vec<String> = found
        .iter()
        .map(|(ground, verdict)| format!("{ground} says {verdict}"))
        .collect();
    Some(format!("phase `{name}`: {}", words.join(", ")))
}

fn latencies_differ(records: &[RunRecord], name: &str) -> Vec<String> {
    let of = |ground: &str| {
        let record = records.iter().find(|record| record.ground == ground)?;
        record.phase(name)
    };
    let (Some(simulated), Some(real)) = (of(COMPARED[0]), of(COMPARED[1])) else {
        return Vec::new();
    };
    let (expected, found) = (figures(&simulated.stats), figures(&real.stats));
    let mut differences = Vec::new();
    for ((figure, expected), found) in ["p50", "p95"].into_iter().zip(expected).zip(found) {
        if !is_near(expected.0, found.1) && !is_near(found.0, expected.1) {
            let apart = (found.0 - expected.0).abs() / expected.0.max(f64::MIN_POSITIVE);
            differences.push(format!(
                "phase `{name}`: {figure} is {} on loopback ({} to {}) and {} in virtual time ({} to {}), {} apart",
                ms(found.0),
                ms(found.1[0]),
                ms(found.1[1]),
                ms(expected.0),
                ms(expected.1[0]),
                ms(expected.1[1]),
                share(apart),
            ));
        }
    }
    differences
}

/// A quantile, and between which values as many requests allow it to be.
type Figure = (f64, [f64; 2]);

/// Median and 95th percentile.
fn figures(stats: &PhaseStats) -> [Figure; 2] {
    [
        (stats.p50_ms, stats.p50_range_ms),
        (stats.p95_ms, stats.p95_range_ms),
    ]
}

fn is_near(value_ms: f64, [low_ms, high_ms]: [f64; 2]) -> bool {
    (low_ms * (1.0 - TOLERANCE)..=high_ms * (1.0 + TOLERANCE)).contains(&value_ms)
}

fn doubts(record: &RunRecord) -> Vec<String> {
    match &record.outcome {
        Outcome::Inconclusive { reasons } => reasons
            .iter()
            .map(|reason| format!("{}: {reason}", record.ground))
            .collect(),
        _ => Vec::new(),
    }
}
