//! How long requests took in the two windows, and how many there were.

use crate::document::{Block, Cell, Column, Heading, Medium, Row, Section, Table, Tone};
use crate::figures::{count, ms, rate, seconds, share};
use crate::latencies::Requests;
use crate::pictures::distribution;
use crate::record::{AnalysisRecord, WindowRecord};

const COLUMNS: [Column; 11] = [
    Column::left(""),
    Column::left("from").spare(2),
    Column::left("to").only(Medium::Page),
    Column::right("length").spare(3),
    Column::right("requests"),
    Column::right("rate").spare(4),
    Column::right("p50"),
    Column::right("p95"),
    Column::right("p99"),
    Column::right("longest").only(Medium::Page),
    Column::right("errors"),
];

pub(super) fn section(record: &AnalysisRecord) -> Section {
    let (analysis, latencies) = (&record.analysis, &record.latencies);
    let mut table = Table::new(COLUMNS.to_vec());
    let now = (&record.window, analysis.traces, &latencies.now);
    let before = (
        &record.baseline,
        analysis.baseline_traces,
        &latencies.before,
    );
    for (window, traces, requests) in [now, before] {
        table.push(row(record, window, traces, requests));
    }
    let compared = Block::prose(2, Tone::Muted, record.compared()).only(Medium::Terminal);
    let mut blocks: Vec<Block> = distribution::chart(latencies)
        .into_iter()
        .map(Block::picture)
        .collect();
    blocks.extend([table.into(), compared]);
    Section::new(
        Heading::new("Latency", "before and now").short("Compared", ""),
        blocks,
    )
}

fn row(record: &AnalysisRecord, window: &WindowRecord, traces: u64, requests: &Requests) -> Row {
    let known = requests.looked_at > 0;
    let time = |value: f64| match known {
        true => ms(value),
        false => "–".to_owned(),
    };
    let failed = requests.failed as f64 / requests.looked_at.max(1) as f64;
    let errors = match (known, requests.failed) {
        (false, _) => Cell::plain("–"),
        (true, 0) => Cell::plain(share(failed)),
        (true, _) => Cell::new(Tone::Bad, share(failed)),
    };
    let per_second = record.read.scaled_up(traces) / window.seconds.max(f64::MIN_POSITIVE);
    let cells = vec![
        Cell::strong(&window.name),
        Cell::plain(&window.start),
        Cell::plain(&window.end),
        Cell::plain(seconds(window.seconds)),
        Cell::plain(count(traces)),
        Cell::plain(match traces {
            0 => "–".to_owned(),
            _ => rate(per_second),
        }),
        Cell::plain(time(requests.p50_ms)),
        Cell::strong(time(requests.p95_ms)),
        Cell::plain(time(requests.p99_ms)),
        Cell::plain(time(requests.longest_ms)),
        errors,
    ];
    cells.into()
}
