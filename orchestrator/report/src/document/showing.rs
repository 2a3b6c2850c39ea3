//! Where a part of a report is shown, in which tone, and how much of it.

use serde::Serialize;

/// Where a part of a report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Medium {
    #[default]
    Both,
    Terminal,
    Page,
}

impl Medium {
    pub(crate) fn is_for(self, medium: Medium) -> bool {
        self == Medium::Both || self == medium
    }
}

/// What a text is to a reader, whatever colours there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Muted,
    Good,
    Bad,
    Unsure,
    Accent,
}

/// A piece of text with its tone.
pub(crate) type Piece = (Tone, String);

/// How much of a list a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Cut {
    /// All of it.
    Never,
    /// As much as the reader asked for.
    Top,
    /// So many, and where the others are.
    At(usize, &'static str),
}
