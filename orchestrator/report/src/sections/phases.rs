//! What each phase of a run was like.

use ragdoll_experiment::{PhaseRecord, RunRecord};

use crate::document::{Cell, Column, Heading, Medium, Remark, Row, Section, Table, Tone};
use crate::figures::{count, ms, quality, rate, share, significant};
use crate::words;

const COLUMNS: [Column; 12] = [
    Column::left("phase"),
    Column::right("offered"),
    Column::right("served"),
    Column::right("mean").only(Medium::Page),
    Column::right("p50"),
    Column::right("p95"),
    Column::right("p99"),
    Column::right("longest").only(Medium::Page),
    Column::right("errors"),
    Column::right("recall").spare(3),
    Column::right("precision").short("prec.").spare(2),
    Column::left("what was done")
        .only(Medium::Terminal)
        .spare(1),
];

pub(super) fn section(record: &RunRecord) -> Section {
    let mut table = Table::new(COLUMNS.to_vec());
    for phase in &record.phases {
        let with = match phase.faults.is_empty() {
            true => String::new(),
            false => words::done(phase),
        };
        let with = Remark {
            for_spare: true,
            ..Remark::new(Medium::Terminal, "    with ", with)
        };
        let errors = errors_by_type(phase);
        let failed = Remark::new(Medium::Terminal, "    failed with ", errors);
        let all = Remark::new(Medium::Page, "", remark(phase));
        let row = Row::from(cells(phase));
        table.push(row.remark(with).remark(failed).remark(all));
    }
    let section = Section::new(Heading::new("Phases", ""), vec![table.into()]);
    match record.phases.is_empty() {
        true => section.only(Medium::Terminal),
        false => section,
    }
}

fn cells(phase: &PhaseRecord) -> Vec<Cell> {
    let stats = &phase.stats;
    let errors = match stats.failed {
        0 => Tone::Plain,
        _ => Tone::Bad,
    };
    vec![
        Cell::strong(&phase.name),
        Cell::plain(rate(stats.offered_per_s)),
        Cell::plain(rate(stats.throughput_per_s)),
        Cell::plain(ms(stats.mean_ms)),
        Cell::plain(ms(stats.p50_ms)),
        Cell::strong(ms(stats.p95_ms)),
        Cell::plain(ms(stats.p99_ms)),
        Cell::plain(ms(stats.max_ms)),
        Cell::new(errors, share(stats.error_rate)),
        Cell::plain(quality(stats.recall)),
        Cell::plain(quality(stats.precision)),
        Cell::plain(words::done(phase)),
    ]
}

/// Everything else that the page says of a phase.
fn remark(phase: &PhaseRecord) -> String {
    let mut text = format!(
        "{} to {} s, {} requests · done to the system: {}",
        significant(phase.start_s),
        significant(phase.start_s + phase.duration_s),
        count(phase.stats.requests),
        words::done(phase)
    );
    let changed = phase.indicators.iter().filter(|one| one.moved);
    let changed: Vec<String> = changed.map(words::change).collect();
    for (label, more) in [
        ("failed with", errors_by_type(phase)),
        ("moved", changed.join(", ")),
    ] {
        if !more.is_empty() {
            text.push_str(&format!(" · {label} {more}"));
        }
    }
    text
}

/// Failed requests by `error.type`, most frequent first.
fn errors_by_type(phase: &PhaseRecord) -> String {
    let mut errors: Vec<(&String, &u64)> = phase.stats.errors.iter().collect();
    errors.sort_by(|a, b| b.1.cmp(a.1));
    let named = errors
        .iter()
        .map(|(error, number)| format!("{error} × {}", count(**number)));
    named.collect::<Vec<_>>().join(", ")
}
