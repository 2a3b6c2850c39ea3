//! What a section consists of.

use serde::Serialize;

use super::showing::{Cut, Medium, Piece, Tone};
use super::table::Table;

/// A block, and where it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Block {
    pub(crate) medium: Medium,
    pub(crate) content: Content,
}

/// The kinds of block that renderers know.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Content {
    /// A paragraph; what leads it is the terminal's.
    Prose {
        lead: Vec<Piece>,
        tone: Tone,
        text: String,
    },
    Sentences {
        sentences: Vec<String>,
        cut: Cut,
        /// How many the page shows, where not all.
        most: Option<usize>,
    },
    Figures(Figures),
    Names(Names),
    Table(Table),
    Bars(Bars),
    Checks {
        checks: Vec<Check>,
    },
    Card(Card),
    /// A drawing in SVG, which the page shows.
    Picture {
        svg: String,
    },
    /// A command to repeat, which the page shows.
    Command {
        text: String,
    },
}

impl Block {
    fn new(content: Content) -> Self {
        Block {
            medium: Medium::Both,
            content,
        }
    }

    /// Shown in this medium alone.
    #[must_use]
    pub(crate) fn only(self, medium: Medium) -> Self {
        Block { medium, ..self }
    }

    /// A paragraph, `indent` columns from a terminal's edge.
    pub(crate) fn prose(indent: usize, tone: Tone, text: impl Into<String>) -> Self {
        Block::led(vec![(Tone::Plain, " ".repeat(indent))], tone, text)
    }

    /// A paragraph that a terminal begins with `lead`.
    pub(crate) fn led(lead: Vec<Piece>, tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        Block::new(Content::Prose { lead, tone, text })
    }

    /// A list of sentences.
    pub(crate) fn sentences(sentences: Vec<String>, cut: Cut, most: Option<usize>) -> Self {
        Block::new(Content::Sentences {
            sentences,
            cut,
            most,
        })
    }

    pub(crate) fn checks(checks: Vec<Check>) -> Self {
        Block::new(Content::Checks { checks })
    }

    pub(crate) fn picture(svg: String) -> Self {
        Block::new(Content::Picture { svg }).only(Medium::Page)
    }

    pub(crate) fn command(text: String) -> Self {
        Block::new(Content::Command { text }).only(Medium::Page)
    }
}

macro_rules! blocks {
    ($($name:ident),*) => {
        $(impl From<$name> for Block {
            fn from(one: $name) -> Self {
                Block::new(Content::$name(one))
            }
        })*
    };
}

blocks!(Figures, Names, Table, Bars, Card);

/// Figures below each other, each with what it was.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) figures: Vec<Figure>,
    /// How many a terminal shows.
    pub(crate) most: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) value: String,
    pub(crate) before: Option<String>,
}

/// Names with a label, such as ids of traces.
#[derive(Debug, Serialize)]
pub(crate) struct Names {
    pub(crate) label: &'static str,
    pub(crate) names: Vec<String>,
}

/// Groups of bars that compare two times, for a terminal.
#[derive(Debug, Serialize)]
pub(crate) struct Bars {
    pub(crate) groups: Vec<BarGroup>,
    /// How many bars a group has besides the sum of the rest.
    pub(crate) most: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct BarGroup {
    /// Names of the two columns, each with its sum.
    pub(crate) now: (String, String),
    pub(crate) before: (String, String),
    /// The most important first.
    pub(crate) bars: Vec<Bar>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) now_ms: f64,
    pub(crate) before_ms: f64,
    /// Whether it is what the verdict is about.
    pub(crate) named: bool,
}

/// Something that was expected, and what was found.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) mark: Mark,
    pub(crate) text: String,
    pub(crate) found: String,
    /// Why it does not hold.
    pub(crate) reason: String,
    /// Why it was expected.
    pub(crate) because: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    Held,
    NotHeld,
    Unknown,
}

/// Blocks with a heading of their own on the page.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    pub(crate) class: &'static str,
    pub(crate) place: String,
    pub(crate) against: String,
    pub(crate) title: String,
    pub(crate) bar: Option<ShareBar>,
    pub(crate) blocks: Vec<Block>,
}

/// A share as a bar with words below it.
#[derive(Debug, Serialize)]
pub(crate) struct ShareBar {
    pub(crate) class: String,
    pub(crate) label: &'static str,
    pub(crate) share: String,
    pub(crate) width: String,
    pub(crate) before: String,
}
