//! What the affected requests have in common.

use ragdoll_analyser::{Analysis, SharedTrait};

use crate::document::{Block, Cell, Column, Cut, Heading, Medium, Ornament, Row, Section, Table};
use crate::figures::{chance, percent, share};
use crate::words::{self, Judged};

const ROWS_MAX: usize = 5;

/// Sentences on a terminal, a table with meters on the page.
pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let analysis = judged.analysis;
    let traits = &analysis.shared_traits;
    if traits.is_empty() {
        return None;
    }
    let sentences = traits.iter().map(|one| sentence(analysis, one)).collect();
    let sentences = Block::sentences(sentences, Cut::Top, Some(0)).only(Medium::Terminal);
    let mut table = Table::new(vec![
        Column::left("property"),
        Column::meters("affected requests"),
        Column::meters("others"),
        Column::right("by chance"),
    ]);
    table.most = Some(ROWS_MAX);
    for one in traits {
        table.push(row(one));
    }
    let table = Block::from(table).only(Medium::Page);
    let heading = Heading::new("What the affected requests share", "");
    Some(Section::new(heading, vec![sentences, table]))
}

fn sentence(analysis: &Analysis, one: &SharedTrait) -> String {
    let text = words::shared(analysis, one);
    format!("{text} By chance: {}.", chance(one.p_value))
}

fn row(one: &SharedTrait) -> Row {
    let meter =
        |part: f64, class| Cell::plain(share(part)).with(Ornament::Meter(percent(part), class));
    let cells = vec![
        Cell::plain(format!("{} {}", one.attribute, one.condition)).with(Ornament::Code),
        meter(one.share_affected, "bad"),
        meter(one.share_others, ""),
        Cell::plain(chance(one.p_value)),
    ];
    cells.into()
}
