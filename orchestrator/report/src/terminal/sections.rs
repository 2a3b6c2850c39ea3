//! The parts of the page, each a heading and what belongs to it.

use super::page::{Page, Paint, Piece};
use super::plain;
use super::table::{Side, Table};
use crate::figures::{count, ms, quality, rate, share, with_unit};
use crate::words::{self, Mark};
use ragdoll_analyser::Figure;
use ragdoll_experiment::{
    Counterfactual, ExpectationOutcome, FaultWitness, Outcome, PhaseRecord, RunRecord,
};

const EVIDENCE_MAX: usize = 3;
const NOTES_MAX: usize = 4;

pub(super) fn headline(page: &mut Page, record: &RunRecord) {
    let (paint, word) = match record.outcome {
        Outcome::Passed => (Paint::Good, "PASSED"),
        Outcome::Failed => (Paint::Bad, "FAILED"),
        Outcome::Inconclusive { .. } => (Paint::Unsure, "INCONCLUSIVE"),
    };
    let title = format!(
        "{} · seed {} · ragdoll {}",
        record.title, record.seed, record.version
    );
    page.paragraph(
        &[(paint, word.to_owned()), plain("  ")],
        Paint::Bold,
        &title,
    );
    page.paragraph(&[], Paint::Dim, &words::circumstances(record));
    if let Outcome::Inconclusive { reasons } = &record.outcome {
        for reason in reasons {
            page.paragraph(
                &[(Paint::Unsure, "  because ".to_owned())],
                Paint::Plain,
                reason,
            );
        }
    }
    let replayed = record.counterfactual.iter();
    for failure in replayed.flat_map(Counterfactual::failures) {
        let lead = [(Paint::Bad, "  because ".to_owned())];
        page.paragraph(&lead, Paint::Plain, &failure);
    }
}

pub(super) fn verdicts(page: &mut Page, record: &RunRecord) {
    let judged = words::judged(record);
    if judged.is_empty() {
        return;
    }
    page.heading("VERDICT", "");
    for one in judged {
        page.paragraph(&[plain("  ")], Paint::Bold, &words::sentence(one));
        figures(page, words::evidence(&one.analysis.verdict), EVIDENCE_MAX);
        for found in one.analysis.shared_traits.iter().take(2) {
            let text = words::shared(one.analysis, found);
            page.paragraph(&[plain("    ")], Paint::Plain, &text);
        }
        if let Some(aside) = words::aside(one.analysis) {
            page.paragraph(&[plain("    ")], Paint::Plain, &aside);
        }
    }
}

/// The first `most` figures of evidence below each other.
pub(crate) fn figures(page: &mut Page, evidence: &[Figure], most: usize) {
    let shown = &evidence[..evidence.len().min(most)];
    if shown.is_empty() {
        return;
    }
    let mut what = 0;
    let mut value = 0;
    for figure in shown {
        what = what.max(super::page::width_of(&figure.what));
        value = value.max(super::page::width_of(&with_unit(
            figure.value,
            &figure.unit,
        )));
    }
    let what = what.min(page.width() - 40);
    for figure in shown {
        let label = super::page::clipped(&figure.what, what);
        let before = figure.baseline.map_or_else(String::new, |baseline| {
            format!("   was {}", with_unit(baseline, &figure.unit))
        });
        page.line(&[
            plain(&format!("    {label:<what$}  ")),
            (
                Paint::Bold,
                format!("{:>value$}", with_unit(figure.value, &figure.unit)),
            ),
            (Paint::Dim, before),
        ]);
    }
}

pub(super) fn phases(page: &mut Page, record: &RunRecord) {
    page.heading("PHASES", "");
    let with_done = phase_table(record, true);
    let done_beside = with_done.natural_width() <= page.width();
    let table = if done_beside {
        with_done
    } else {
        phase_table(record, false)
    };
    table.write(page, |page, row| {
        let phase = &record.phases[row];
        if !done_beside && !phase.faults.is_empty() {
            let lead = [(Paint::Dim, "    with ".to_owned())];
            page.paragraph(&lead, Paint::Plain, &words::done(phase));
        }
        let errors = words::errors_by_type(phase);
        if !errors.is_empty() {
            page.paragraph(
                &[(Paint::Dim, "    failed with ".to_owned())],
                Paint::Plain,
                &errors,
            );
        }
    });
}

fn phase_table(record: &RunRecord, with_done: bool) -> Table {
    let mut head = vec![
        ("phase", Side::Left),
        ("offered", Side::Right),
        ("served", Side::Right),
        ("p50", Side::Right),
        ("p95", Side::Right),
        ("p99", Side::Right),
        ("errors", Side::Right),
        ("recall", Side::Right),
        ("prec.", Side::Right),
    ];
    if with_done {
        head.push(("what was done", Side::Left));
    }
    let mut table = Table::new(&head);
    for phase in &record.phases {
        let mut cells = phase_cells(phase);
        if with_done {
            cells.push(plain(&words::done(phase)));
        }
        table.row(cells);
    }
    table
}

fn phase_cells(phase: &PhaseRecord) -> Vec<Piece> {
    let stats = &phase.stats;
    let errors = if stats.failed > 0 {
        Paint::Bad
    } else {
        Paint::Plain
    };
    vec![
        (Paint::Bold, phase.name.clone()),
        plain(&rate(stats.offered_per_s)),
        plain(&rate(stats.throughput_per_s)),
        plain(&ms(stats.p50_ms)),
        (Paint::Bold, ms(stats.p95_ms)),
        plain(&ms(stats.p99_ms)),
        (errors, share(stats.error_rate)),
        plain(&quality(stats.recall)),
        plain(&quality(stats.precision)),
    ]
}

pub(super) fn expectations(page: &mut Page, record: &RunRecord) {
    let all = record.expectations.len();
    let held = record.expectations.iter().filter(|one| one.held).count();
    page.heading("EXPECTATIONS", &format!("{held} of {all} hold"));
    for one in &record.expectations {
        expectation(page, &record.outcome, one);
    }
}

fn expectation(page: &mut Page, outcome: &Outcome, one: &ExpectationOutcome) {
    let mark = words::mark(outcome, one.held);
    let (paint, sign) = match mark {
        Mark::Held => (Paint::Good, "✓"),
        Mark::NotHeld => (Paint::Bad, "✗"),
        Mark::Unknown => (Paint::Unsure, "?"),
    };
    page.paragraph(
        &[plain("  "), (paint, sign.to_owned()), plain(" ")],
        Paint::Plain,
        &one.text,
    );
    let mut detail = |label: &str, text: &str| {
        if !text.is_empty() {
            page.paragraph(
                &[(Paint::Dim, format!("    {label}: "))],
                Paint::Plain,
                text,
            );
        }
    };
    detail("found", &one.found);
    if mark != Mark::Held {
        detail("reason", &one.reason);
        detail("because", &one.because);
    }
}

pub(super) fn faults(page: &mut Page, record: &RunRecord) {
    if record.faults.is_empty() {
        return;
    }
    page.heading("FAULTS", "what was injected, and whether anybody felt it");
    for witness in &record.faults {
        fault(page, record, witness);
    }
}

fn fault(page: &mut Page, record: &RunRecord, witness: &FaultWitness) {
    let mut text = format!(
        "{} on {} in `{}`: fired {} of {} times",
        witness.kind,
        witness.target,
        witness.phase,
        count(witness.firings),
        count(witness.opportunities)
    );
    if witness.probability < 1.0 {
        text.push_str(&format!(" (probability {})", share(witness.probability)));
    }
    if witness.requests_touched > 0 {
        text.push_str(&format!(
            ", touched {} requests",
            count(witness.requests_touched)
        ));
    }
    if witness.injected_ms > 0.0 {
        text.push_str(&format!(", added {}", ms(witness.injected_ms)));
    }
    text.push_str(&format!("; {}.", words::felt(record, witness)));
    let unfelt = witness.moved().next().is_none() && !words::is_decoy(record, witness);
    let paint = if witness.firings == 0 || unfelt {
        Paint::Unsure
    } else {
        Paint::Plain
    };
    page.paragraph(&[plain("  ")], paint, &text);
}

/// What comes last is a line or two each, so it goes without headings.
pub(super) fn closing(page: &mut Page, record: &RunRecord, folder: Option<&str>) {
    page.blank();
    let mut labelled = |label: &str, paint: Paint, text: &str| {
        page.paragraph(&[(Paint::Bold, format!("{label:<8}"))], paint, text);
    };
    let notes = words::notes(record);
    for (index, note) in notes.iter().take(NOTES_MAX).enumerate() {
        labelled(if index == 0 { "NOTES" } else { "" }, Paint::Plain, note);
    }
    if notes.len() > NOTES_MAX {
        let text = format!("and {} more in run.json", notes.len() - NOTES_MAX);
        labelled("", Paint::Dim, &text);
    }
    if !record.files.is_empty() {
        let names: Vec<&str> = record.files.iter().map(|file| file.name.as_str()).collect();
        let names = names.join(", ");
        let text = folder.map_or(names.clone(), |folder| format!("in {folder}: {names}"));
        labelled("FILES", Paint::Plain, &text);
    }
    if record.outcome != Outcome::Passed {
        labelled("REPLAY", Paint::Accent, &words::replay(record));
    }
}
