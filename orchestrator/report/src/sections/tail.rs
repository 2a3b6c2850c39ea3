//! Where the slowest requests' time goes, by service and cause.

use ragdoll_analyser::{Analysis, Attribution};

use crate::causes;
use crate::document::{
    Bar, BarGroup, Bars, Block, Cell, Column, Heading, Medium, Ornament, Section, Table,
};
use crate::figures::ms;
use crate::pictures::tail;
use crate::words::Judged;

const TITLE: &str = "Where the slowest requests' time goes";
const REMARK: &str = "mean of one request";
/// Places of an analysis on a terminal, besides the rest.
const BARS_MAX: usize = 6;
/// Places in the page's table, besides the rest.
const ROWS_MAX: usize = 8;

/// A run's bars on a terminal, a group for each comparison.
pub(super) fn bars_of(judged: &[Judged<'_>]) -> Option<Section> {
    let groups: Vec<BarGroup> = judged.iter().filter_map(|one| group(*one)).collect();
    let most = if groups.len() > 1 { 3 } else { 4 };
    let bars = Bars { groups, most };
    let shown = !bars.groups.is_empty();
    shown.then(|| {
        Section::new(Heading::new(TITLE, REMARK), vec![bars.into()]).only(Medium::Terminal)
    })
}

/// One comparison's picture and table, which only the page has room for.
pub(super) fn on_page(judged: Judged<'_>) -> Option<Section> {
    section(judged).map(|section| section.only(Medium::Page))
}

/// One comparison: bars on a terminal, picture and table on the page.
pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let bars = Bars {
        groups: vec![group(judged)?],
        most: BARS_MAX,
    };
    let mut blocks = vec![Block::from(bars).only(Medium::Terminal)];
    blocks.extend(tail::chart(judged).map(Block::picture));
    blocks.push(Block::from(table(judged.analysis)).only(Medium::Page));
    let remark = format!("{REMARK}, by service and cause; hatched is waiting");
    let heading = Heading::new(TITLE, remark).short(TITLE, REMARK);
    Some(Section::new(heading, blocks))
}

/// Parts that there are at all; that of the verdict first, then the largest.
fn by_importance(analysis: &Analysis) -> Vec<&Attribution> {
    let largest = |part: &Attribution| part.tail_ms.max(part.baseline_tail_ms);
    let named = analysis.latency.as_ref().or(analysis.verdict.bottleneck());
    let is_named = |part: &Attribution| {
        named.is_some_and(|found| found.service == part.service && found.cause == part.cause)
    };
    let mut order: Vec<&Attribution> = analysis
        .attribution
        .iter()
        .filter(|part| largest(part) > 0.0)
        .collect();
    order.sort_by(|a, b| {
        is_named(b)
            .cmp(&is_named(a))
            .then(largest(b).total_cmp(&largest(a)))
    });
    order
}

fn group(judged: Judged<'_>) -> Option<BarGroup> {
    let analysis = judged.analysis;
    if analysis.attribution.is_empty() {
        return None;
    }
    let named = analysis.verdict.bottleneck();
    let bar = |part: &Attribution| Bar {
        label: format!("{} / {}", part.service, part.cause),
        now_ms: part.tail_ms,
        before_ms: part.baseline_tail_ms,
        named: named
            .is_some_and(|found| found.service == part.service && found.cause == part.cause),
    };
    let head = |name: &str, of: fn(&Attribution) -> f64| {
        let total = analysis.attribution.iter().map(of).sum();
        (name.to_owned(), ms(total))
    };
    Some(BarGroup {
        now: head(judged.phase, |part| part.tail_ms),
        before: head(judged.against, |part| part.baseline_tail_ms),
        bars: by_importance(analysis).into_iter().map(bar).collect(),
    })
}

fn table(analysis: &Analysis) -> Table {
    let mut table = Table::new(vec![
        Column::left("service / cause"),
        Column::left(""),
        Column::right("slowest, now"),
        Column::right("before"),
        Column::right("change"),
        Column::right("all, now"),
        Column::right("before"),
    ]);
    table.class = "parts";
    let mut parts = by_importance(analysis);
    let rest = parts.split_off(parts.len().min(ROWS_MAX));
    parts.sort_by(|a, b| b.tail_ms.total_cmp(&a.tail_ms));
    for part in parts {
        let swatch = Ornament::Swatch(causes::class(part.cause), causes::is_wait(part.cause));
        let mut cells = vec![
            Cell::plain(format!("{} / {}", part.service, part.cause)).with(swatch),
            Cell::muted(part.cause.meaning()),
        ];
        cells.extend(times(part.tail_ms, part.baseline_tail_ms));
        cells.push(Cell::muted(ms(part.mean_ms)));
        cells.push(Cell::muted(ms(part.baseline_mean_ms)));
        table.push(cells.into());
    }
    let sum = |of: fn(&Attribution) -> f64| rest.iter().map(|part| of(part)).sum::<f64>();
    let (now, before) = (sum(|part| part.tail_ms), sum(|part| part.baseline_tail_ms));
    if now > 0.0 || before > 0.0 {
        let none = Ornament::Swatch("none".to_owned(), false);
        let mut cells = vec![Cell::plain("everything else").with(none), Cell::plain("")];
        cells.extend(times(now, before));
        cells.extend([Cell::plain(""), Cell::plain("")]);
        table.push(cells.into());
    }
    table
}

fn times(now_ms: f64, before_ms: f64) -> [Cell; 3] {
    let difference_ms = now_ms - before_ms;
    let sign = if difference_ms < 0.0 { "−" } else { "+" };
    [
        Cell::strong(ms(now_ms)),
        Cell::plain(ms(before_ms)),
        Cell::plain(format!("{sign}{}", ms(difference_ms.abs()))),
    ]
}
