//! Columns that line up within the page's width.

use super::page::{Page, clipped, width_of};
use crate::document::{Column, Medium, Piece, Row, Side, Table, Tone};

const INDENT: usize = 2;
const GAP: usize = 2;
const NARROW_GAP: usize = 1;

/// Writes the table without rules: a muted head, then the first `shown` rows, each with its remarks.
/// Where it is too wide the spare columns go first, then the gaps narrow, then the widest column
/// that leans left gives way.
pub(super) fn write(page: &mut Page, table: &Table, shown: usize) {
    let rows = &table.rows[..shown];
    let mut layout = Layout::new(table, rows, true);
    let has_room = layout.natural_width() <= page.width();
    if !has_room {
        layout = Layout::new(table, rows, false);
    }
    layout.fit(page.width());
    page.line(&layout.pieces(&layout.head(table)));
    for row in rows {
        page.line(&layout.pieces(&layout.cells(row)));
        for remark in &row.remarks {
            let told = remark.medium.is_for(Medium::Terminal) && !(remark.for_spare && has_room);
            if told {
                let lead = [(Tone::Muted, remark.lead.to_owned())];
                page.paragraph(&lead, remark.tone, &remark.text);
            }
        }
    }
}

/// Which columns are shown, and how wide they are.
struct Layout {
    columns: Vec<usize>,
    sides: Vec<Side>,
    widths: Vec<usize>,
    gap: usize,
}

impl Layout {
    fn new(table: &Table, rows: &[Row], with_spare: bool) -> Self {
        let is_shown = |column: &Column| {
            column.medium.is_for(Medium::Terminal) && (with_spare || !column.spare)
        };
        let columns: Vec<usize> = (0..table.columns.len())
            .filter(|&at| is_shown(&table.columns[at]))
            .collect();
        let mut layout = Layout {
            sides: columns.iter().map(|&at| table.columns[at].side).collect(),
            columns,
            widths: Vec::new(),
            gap: GAP,
        };
        let head = layout.head(table);
        layout.widths = head.iter().map(|(_, name)| width_of(name)).collect();
        for row in rows {
            for (width, (_, text)) in layout.widths.iter_mut().zip(cells(&layout.columns, row)) {
                *width = (*width).max(width_of(&text));
            }
        }
        layout
    }

    fn head(&self, table: &Table) -> Vec<Piece> {
        let columns = self.columns.iter().map(|&at| &table.columns[at]);
        columns
            .map(|column| (Tone::Muted, column.short.unwrap_or(column.name).to_owned()))
            .collect()
    }

    fn cells(&self, row: &Row) -> Vec<Piece> {
        cells(&self.columns, row)
    }

    /// Columns that the table takes at its most comfortable.
    fn natural_width(&self) -> usize {
        self.width(GAP)
    }

    fn width(&self, gap: usize) -> usize {
        INDENT + self.widths.iter().sum::<usize>() + gap * self.widths.len().saturating_sub(1)
    }

    fn fit(&mut self, room: usize) {
        if self.natural_width() <= room {
            return;
        }
        self.gap = NARROW_GAP;
        let excess = self.width(NARROW_GAP).saturating_sub(room);
        let widest = (0..self.widths.len())
            .filter(|&column| self.sides[column] == Side::Left)
            .max_by_key(|&column| self.widths[column]);
        if let Some(column) = widest {
            self.widths[column] = self.widths[column].saturating_sub(excess).max(4);
        }
    }

    fn pieces(&self, cells: &[Piece]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (column, (tone, text)) in cells.iter().enumerate() {
            let before = if column == 0 { INDENT } else { self.gap };
            let text = clipped(text, self.widths[column]);
            let padding = self.widths[column] - width_of(&text);
            let (left, right) = match self.sides[column] {
                Side::Left => (before, padding),
                Side::Right => (before + padding, 0),
            };
            pieces.push((Tone::Plain, " ".repeat(left)));
            pieces.push((*tone, text));
            pieces.push((Tone::Plain, " ".repeat(right)));
        }
        pieces
    }
}

fn cells(columns: &[usize], row: &Row) -> Vec<Piece> {
    let cells = columns.iter().map(|&at| &row.cells[at]);
    cells.map(|cell| (cell.tone, cell.text.clone())).collect()
}
