//! A table as data.

use serde::Serialize;

use super::showing::{Cut, Medium, Tone};

/// Columns, and rows that each may have remarks below them.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// Class of the page's style sheet, where it has one of its own.
    pub(crate) class: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    pub(crate) cut: Cut,
    /// How many rows the page shows, where not all.
    pub(crate) most: Option<usize>,
}

impl Table {
    /// A table without rows, which is shown as a whole.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Table {
            class: "",
            columns,
            rows: Vec::new(),
            cut: Cut::Never,
            most: None,
        }
    }

    /// Adds a row, which has as many cells as there are columns.
    pub(crate) fn push(&mut self, row: Row) {
        let (cells, columns) = (row.cells.len(), self.columns.len());
        assert_eq!(cells, columns, "cells of a row: {row:?}");
        self.rows.push(row);
    }
}

/// Which side of its column a cell leans on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Left,
    Right,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// The terminal's name, where it is another.
    pub(crate) short: Option<&'static str>,
    pub(crate) side: Side,
    pub(crate) medium: Medium,
    /// When a terminal that has no room does without it: 1 is the first to go, 0 stays. Only a narrow one
    /// does without more than the first.
    pub(crate) spare: u8,
    /// Whether the end of a text tells more than its beginning, as of a path.
    pub(crate) ends: bool,
    /// Whether the page shows meters in it.
    pub(crate) meters: bool,
}

impl Column {
    /// A column of words.
    pub(crate) const fn left(name: &'static str) -> Self {
        Column {
            name,
            short: None,
            side: Side::Left,
            medium: Medium::Both,
            spare: 0,
            ends: false,
            meters: false,
        }
    }

    /// A column of numbers.
    pub(crate) const fn right(name: &'static str) -> Self {
        Column {
            side: Side::Right,
            ..Column::left(name)
        }
    }

    /// A column of numbers that the page shows as meters too.
    pub(crate) const fn meters(name: &'static str) -> Self {
        Column {
            meters: true,
            ..Column::right(name)
        }
    }

    #[must_use]
    pub(crate) const fn short(self, name: &'static str) -> Self {
        Column {
            short: Some(name),
            ..self
        }
    }

    #[must_use]
    pub(crate) const fn only(self, medium: Medium) -> Self {
        Column { medium, ..self }
    }

    #[must_use]
    pub(crate) const fn spare(self, spare: u8) -> Self {
        Column { spare, ..self }
    }

    #[must_use]
    pub(crate) const fn ends(self) -> Self {
        Column { ends: true, ..self }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    pub(crate) remarks: Vec<Remark>,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Row {
            cells,
            remarks: Vec::new(),
        }
    }
}

impl Row {
    /// With a remark below it, if there is anything to say.
    #[must_use]
    pub(crate) fn remark(mut self, remark: Remark) -> Self {
        if !remark.text.is_empty() {
            self.remarks.push(remark);
        }
        self
    }
}

/// What is said below a row.
#[derive(Debug, Serialize)]
pub(crate) struct Remark {
    pub(crate) medium: Medium,
    /// How a terminal begins it.
    pub(crate) lead: &'static str,
    pub(crate) tone: Tone,
    pub(crate) text: String,
    /// Whether it stands for the columns that are the first to go.
    pub(crate) for_spare: bool,
}

impl Remark {
    pub(crate) fn new(medium: Medium, lead: &'static str, text: impl Into<String>) -> Self {
        Remark {
            medium,
            lead,
            tone: Tone::Plain,
            text: text.into(),
            for_spare: false,
        }
    }

    #[must_use]
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Remark { tone, ..self }
    }
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    pub(crate) ornament: Option<Ornament>,
}

/// What the page shows beside a cell's text, or how.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ornament {
    /// A bar of this many per cent, with a class.
    Meter(String, &'static str),
    /// A colour by class, and whether it is hatched.
    Swatch(String, bool),
    Code,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Cell::new(Tone::Plain, text)
    }

    pub(crate) fn strong(text: impl Into<String>) -> Self {
        Cell::new(Tone::Strong, text)
    }

    pub(crate) fn muted(text: impl Into<String>) -> Self {
        Cell::new(Tone::Muted, text)
    }

    pub(crate) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            tone,
            ornament: None,
        }
    }

    /// What there is, or a muted dash.
    pub(crate) fn or_dash(text: Option<String>) -> Self {
        text.map_or_else(|| Cell::muted("–"), Cell::plain)
    }

    #[must_use]
    pub(crate) fn with(self, ornament: Ornament) -> Self {
        Cell {
            ornament: Some(ornament),
            ..self
        }
    }
}
