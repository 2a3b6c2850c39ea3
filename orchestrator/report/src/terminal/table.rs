//! Columns that line up within the page's width.

use super::page::{Page, clipped, width_of};
use crate::document::{Column, Medium, Piece, Row, Side, Table, Tone};
use crate::words::end_of;

const INDENT: usize = 2;
const GAP: usize = 2;
const NARROW_GAP: usize = 1;
/// Columns that a text keeps on a narrow terminal while there are others to do without.
const TEXT_MIN: usize = 12;

/// Writes the table without rules: a muted head, then the first `shown` rows, each with its remarks.
/// Where it is too wide the first spare columns go, then the gaps narrow, then the widest column
/// that leans left gives way. A narrow terminal does without more columns before that one tells
/// nothing any more.
pub(super) fn write(page: &mut Page, table: &Table, shown: usize) {
    let rows = &table.rows[..shown];
    let mut layout = Layout::new(table, rows, 0);
    let has_room = layout.natural_width() <= page.width();
    if !has_room {
        layout = Layout::new(table, rows, 1);
    }
    let last = table.columns.iter().map(|column| column.spare).max();
    for gone in 2..=last.unwrap_or(0) {
        if page.is_narrow() && layout.is_crammed(page.width()) {
            layout = Layout::new(table, rows, gone);
        }
    }
    layout.fit(page.width());
    let is_narrow = page.is_narrow();
    page.line(&layout.pieces(&layout.head(table), is_narrow));
    for row in rows {
        page.line(&layout.pieces(&layout.cells(row), is_narrow));
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
    /// Whose texts lose their beginnings where they are too long.
    ends: Vec<bool>,
    widths: Vec<usize>,
    gap: usize,
}

impl Layout {
    /// Without the columns of which the last that goes is `gone`.
    fn new(table: &Table, rows: &[Row], gone: u8) -> Self {
        let is_shown = |column: &Column| {
            column.medium.is_for(Medium::Terminal) && (column.spare == 0 || column.spare > gone)
        };
        let columns: Vec<usize> = (0..table.columns.len())
            .filter(|&at| is_shown(&table.columns[at]))
            .collect();
        let mut layout = Layout {
            sides: columns.iter().map(|&at| table.columns[at].side).collect(),
            ends: columns.iter().map(|&at| table.columns[at].ends).collect(),
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

    /// The widest column that leans left.
    fn widest(&self) -> Option<usize> {
        (0..self.widths.len())
            .filter(|&column| self.sides[column] == Side::Left)
            .max_by_key(|&column| self.widths[column])
    }

    /// Whether the widest column would have to give way until it tells nothing.
    fn is_crammed(&self, room: usize) -> bool {
        let excess = self.width(NARROW_GAP).saturating_sub(room);
        let widest = self.widest().map_or(0, |column| self.widths[column]);
        excess > widest.saturating_sub(TEXT_MIN)
    }

    fn fit(&mut self, room: usize) {
        if self.natural_width() <= room {
            return;
        }
        self.gap = NARROW_GAP;
        let excess = self.width(NARROW_GAP).saturating_sub(room);
        if let Some(column) = self.widest() {
            self.widths[column] = self.widths[column].saturating_sub(excess).max(4);
        }
    }

    fn pieces(&self, cells: &[Piece], is_narrow: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (column, (tone, text)) in cells.iter().enumerate() {
            let before = if column == 0 { INDENT } else { self.gap };
            let text = match is_narrow && self.ends[column] {
                true => end_of(text, self.widths[column]),
                false => clipped(text, self.widths[column]),
            };
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
