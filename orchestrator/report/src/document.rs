//! A report as data: an opening and sections of prose, tables, bars and pictures, made once from a
//! record. The renderers show it, and know nothing of what a section is about.

mod block;
mod showing;
mod table;

use serde::Serialize;

pub(crate) use block::{
    Bar, BarGroup, Bars, Block, Card, Check, Content, Figure, Figures, Mark, Names, ShareBar,
};
pub(crate) use showing::{Cut, Medium, Piece, Tone};
pub(crate) use table::{Cell, Column, Ornament, Remark, Row, Side, Table};

/// A whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) opening: Opening,
    pub(crate) sections: Vec<Section>,
}

/// How it ended, and what it is about.
#[derive(Debug, Serialize)]
pub(crate) struct Opening {
    /// How it ended: the page's class, which sets colours.
    pub(crate) class: &'static str,
    /// The outcome in a word or two.
    pub(crate) outcome: &'static str,
    /// What it is about.
    pub(crate) title: String,
    /// The name of the page's tab.
    pub(crate) tab: String,
    /// More about it, on the page.
    pub(crate) description: String,
    /// The terminal's first word.
    pub(crate) lead: Piece,
    /// The terminal's first line, after that word.
    pub(crate) line: String,
    /// The terminal's second line.
    pub(crate) circumstances: String,
    /// Why it did not simply pass.
    pub(crate) reasons: Vec<Reason>,
    /// Names and values, on the page.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// Why a report does not simply say that all is well.
#[derive(Debug, Serialize)]
pub(crate) struct Reason {
    pub(crate) tone: Tone,
    /// The end of "because …".
    pub(crate) because: String,
    /// The same as a sentence.
    pub(crate) sentence: String,
}

/// A heading and what belongs to it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Section {
    pub(crate) medium: Medium,
    /// A terminal leaves a line free where there is none.
    pub(crate) heading: Option<Heading>,
    /// Whether the page shows the blocks without a frame around them.
    pub(crate) bare: bool,
    pub(crate) blocks: Vec<Block>,
    /// Sections within this one, which have no parts themselves.
    pub(crate) parts: Vec<Section>,
}

impl Section {
    /// A section with these blocks.
    pub(crate) fn new(heading: Heading, blocks: Vec<Block>) -> Self {
        Section {
            heading: Some(heading),
            blocks,
            ..Section::default()
        }
    }

    /// Shown in this medium alone.
    #[must_use]
    pub(crate) fn only(self, medium: Medium) -> Self {
        Section { medium, ..self }
    }

    /// On the page without a frame.
    #[must_use]
    pub(crate) fn bare(self) -> Self {
        Section { bare: true, ..self }
    }
}

/// A title with a remark behind it; the terminal may have others, since it has less room.
#[derive(Debug, Serialize)]
pub(crate) struct Heading {
    pub(crate) medium: Medium,
    pub(crate) title: String,
    pub(crate) remark: String,
    pub(crate) short: Option<(String, String)>,
}

impl Heading {
    pub(crate) fn new(title: impl Into<String>, remark: impl Into<String>) -> Self {
        Heading {
            medium: Medium::Both,
            title: title.into(),
            remark: remark.into(),
            short: None,
        }
    }

    /// The terminal's title and remark.
    #[must_use]
    pub(crate) fn short(mut self, title: &str, remark: &str) -> Self {
        self.short = Some((title.to_owned(), remark.to_owned()));
        self
    }

    /// Shown on the page alone.
    #[must_use]
    pub(crate) fn on_page(self) -> Self {
        Heading {
            medium: Medium::Page,
            ..self
        }
    }
}
