//! Columns that line up.

use super::page::{Page, Paint, Piece, clipped, width_of};

/// Which side of its column a cell leans on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A cell with its paint.
pub(crate) type Cell = Piece;

/// A table without rules: a dim head, then rows.
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

const INDENT: usize = 2;
const GAP: usize = 2;
const NARROW_GAP: usize = 1;

impl Table {
    pub(crate) fn new(head: &[(&str, Side)]) -> Self {
        let cells = head
            .iter()
            .map(|(name, _)| (Paint::Dim, (*name).to_owned()));
        Table {
            sides: head.iter().map(|(_, side)| *side).collect(),
            rows: vec![cells.collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        assert_eq!(
            cells.len(),
            self.sides.len(),
            "a row has as many cells as the head: {cells:?}"
        );
        self.rows.push(cells);
    }

    /// Columns that the table takes at its most comfortable.
    pub(crate) fn natural_width(&self) -> usize {
        let widths = self.widths();
        INDENT + widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.sides.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| width_of(&row[column].1));
                cells.max().unwrap_or(0)
            })
            .collect()
    }

    /// Writes the table. Where it is too wide the gaps narrow first, then the widest column that
    /// leans left gives way.
    pub(crate) fn write(&self, page: &mut Page, mut after_row: impl FnMut(&mut Page, usize)) {
        let mut widths = self.widths();
        let gap = if self.natural_width() <= page.width() {
            GAP
        } else {
            NARROW_GAP
        };
        let taken = INDENT + widths.iter().sum::<usize>() + gap * widths.len().saturating_sub(1);
        let excess = taken.saturating_sub(page.width());
        let widest = (0..widths.len())
            .filter(|&column| self.sides[column] == Side::Left)
            .max_by_key(|&column| widths[column]);
        if let Some(column) = widest {
            widths[column] = widths[column].saturating_sub(excess).max(4);
        }
        for (index, row) in self.rows.iter().enumerate() {
            page.line(&self.pieces(row, &widths, gap));
            if index > 0 {
                after_row(page, index - 1);
            }
        }
    }

    fn pieces(&self, row: &[Cell], widths: &[usize], gap: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (column, (paint, text)) in row.iter().enumerate() {
            let before = if column == 0 { INDENT } else { gap };
            let text = clipped(text, widths[column]);
            let padding = widths[column] - width_of(&text);
            let (left, right) = match self.sides[column] {
                Side::Left => (before, padding),
                Side::Right => (before + padding, 0),
            };
            pieces.push((Paint::Plain, " ".repeat(left)));
            pieces.push((*paint, text));
            pieces.push((Paint::Plain, " ".repeat(right)));
        }
        pieces
    }
}
