//! How busy instances are, and were, with what follows from it.

use ragdoll_analyser::{Load, Saturation};

use crate::document::{Block, Cell, Column, Cut, Heading, Ornament, Row, Section, Table, Tone};
use crate::figures::{ms, percent, rate, significant};
use crate::words::Judged;
use crate::{instances, load};

/// Use from which an instance is marked as full, and as well used.
const FULL: f64 = 0.9;
const WELL_USED: f64 = 0.7;
const ROWS_MAX: usize = 12;
const REMARKS_MAX: usize = 8;

/// The own time of a call is shown where there is room.
const COLUMNS: [Column; 9] = [
    Column::left("instance"),
    Column::meters("in use"),
    Column::right("was"),
    Column::right("arrivals"),
    Column::right("was"),
    Column::right("open, mean"),
    Column::right("was"),
    Column::right("own time of a call")
        .short("own time")
        .spare(1),
    Column::right("was").spare(1),
];

pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let mut all: Vec<&Saturation> = judged.analysis.saturation.iter().collect();
    if all.is_empty() {
        return None;
    }
    instances::busiest_first(&mut all);
    let is_inferred = all.iter().any(|one| one.now.is_inferred);
    let remark = match is_inferred {
        true => "busiest first; ~ is inferred from spans",
        false => "busiest first",
    };
    let mut table = Table::new(COLUMNS.to_vec());
    (table.cut, table.most) = (Cut::Top, Some(ROWS_MAX));
    for one in all {
        table.push(row(one));
    }
    let remarks = load::remarks(judged.analysis);
    let remarks = Block::sentences(remarks, Cut::Top, Some(REMARKS_MAX));
    let heading = Heading::new("How busy the instances are", remark);
    Some(Section::new(heading, vec![table.into(), remarks]))
}

fn row(one: &Saturation) -> Row {
    let (now, before) = (&one.now, one.before.as_ref());
    let was = |of: &dyn Fn(&Load) -> String| Cell::muted(before.map_or_else(|| "–".to_owned(), of));
    let cells = vec![
        Cell::strong(instances::party(&one.service, &one.instance)),
        busy(now),
        was(&|load| match load.utilization {
            Some(busy) => instances::in_use(load, busy),
            None => "–".to_owned(),
        }),
        Cell::plain(rate(now.arrival_rate_per_s)),
        was(&|load| rate(load.arrival_rate_per_s)),
        Cell::plain(significant(now.concurrency)),
        was(&|load| significant(load.concurrency)),
        Cell::plain(ms(now.own_time_ms)),
        was(&|load| ms(load.own_time_ms)),
    ];
    cells.into()
}

fn busy(now: &Load) -> Cell {
    let Some(busy) = now.utilization else {
        return Cell::muted("–");
    };
    let (tone, level) = match busy {
        busy if busy >= FULL => (Tone::Bad, "high"),
        busy if busy >= WELL_USED => (Tone::Plain, "middle"),
        _ => (Tone::Plain, "low"),
    };
    Cell::new(tone, instances::in_use(now, busy)).with(Ornament::Meter(percent(busy), level))
}
