//! How busy instances are, and were, with what follows from it.

use ragdoll_analyser::{Load, Saturation};

use super::super::record::AnalysisRecord;
use super::left_out;
use crate::figures::{ms, rate, significant};
use crate::terminal::page::{Page, Paint, Piece};
use crate::terminal::plain;
use crate::terminal::table::{Side, Table};
use crate::{instances, load};

/// Use from which an instance is marked.
const FULL: f64 = 0.9;

pub(super) fn saturation(page: &mut Page, record: &AnalysisRecord, top: usize) {
    let mut all: Vec<&Saturation> = record.analysis.saturation.iter().collect();
    if all.is_empty() {
        return;
    }
    instances::busiest_first(&mut all);
    let is_inferred = all.iter().any(|one| one.now.is_inferred);
    let remark = match is_inferred {
        true => "busiest first; ~ is inferred from spans",
        false => "busiest first",
    };
    page.heading("HOW BUSY THE INSTANCES ARE", remark);
    let shown = &all[..all.len().min(top)];
    let whole = table(shown, true);
    let table = match whole.natural_width() <= page.width() {
        true => whole,
        false => table(shown, false),
    };
    table.write(page, |_, _| {});
    left_out(page, all.len(), top);
    let remarks = load::remarks(&record.analysis);
    for text in remarks.iter().take(top) {
        page.paragraph(&[plain("  ")], Paint::Plain, text);
    }
    left_out(page, remarks.len(), top);
}

/// A row for each instance; the own time of a call only where there is room.
fn table(all: &[&Saturation], with_own_time: bool) -> Table {
    let mut head = vec![("instance", Side::Left)];
    let columns = ["in use", "arrivals", "open, mean", "own time"];
    let shown = if with_own_time {
        &columns[..]
    } else {
        &columns[..3]
    };
    for name in shown {
        head.extend([(*name, Side::Right), ("was", Side::Right)]);
    }
    let mut table = Table::new(&head);
    for one in all {
        table.row(row(one, with_own_time));
    }
    table
}

fn row(one: &Saturation, with_own_time: bool) -> Vec<Piece> {
    let (now, before) = (&one.now, one.before.as_ref());
    let was =
        |of: &dyn Fn(&Load) -> String| (Paint::Dim, before.map_or_else(|| "–".to_owned(), of));
    let busy = match now.utilization {
        Some(busy) if busy >= FULL => (Paint::Bad, instances::in_use(now, busy)),
        Some(busy) => plain(&instances::in_use(now, busy)),
        None => (Paint::Dim, "–".to_owned()),
    };
    let mut cells = vec![
        (Paint::Bold, instances::party(&one.service, &one.instance)),
        busy,
        was(&|load| match load.utilization {
            Some(busy) => instances::in_use(load, busy),
            None => "–".to_owned(),
        }),
        plain(&rate(now.arrival_rate_per_s)),
        was(&|load| rate(load.arrival_rate_per_s)),
        plain(&significant(now.concurrency)),
        was(&|load| significant(load.concurrency)),
    ];
    if with_own_time {
        cells.push(plain(&ms(now.own_time_ms)));
        cells.push(was(&|load| ms(load.own_time_ms)));
    }
    cells
}
