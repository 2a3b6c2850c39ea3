//! What a format of telemetry is.

use super::head::{Head, Shape};
use crate::oddities::Dropped;
use crate::part::Part;
use crate::read_error::ReadProblem;

/// A format of telemetry: how its content is recognised, and how it is read into a [`Part`].
///
/// Most formats are JSON, and are done with the first three functions.
pub(crate) trait Format: Sync {
    /// What reports call it.
    fn name(&self) -> &'static str;

    /// What it is called among all formats, where what reports call it says too little.
    fn full_name(&self) -> &'static str {
        self.name()
    }

    /// How content is taken apart that begins like this, where it is of this format. What is looked at
    /// is the beginning of a source, or one record.
    fn detect(&self, head: &Head<'_>) -> Option<Shape>;

    /// Reads one JSON object.
    fn read(&self, part: &mut Part, object: &str) -> Outcome;

    /// Reads a line that is one object and as it should be, where that is faster than
    /// [`Format::read`]. Says whether it was; nothing is kept of one that is not.
    fn read_quickly(&self, _part: &mut Part, _line: &str) -> bool {
        false
    }

    /// Reads what is complete of an object that ends in the middle.
    fn read_cut(&self, part: &mut Part, _object: &str) {
        part.fault(Dropped::CutLine, ReadProblem::Cut);
    }

    /// Reads one message of a source of [`Shape::Messages`] or [`Shape::Frames`]. Of one that
    /// `is_cut` short, what is complete.
    fn read_message(&self, _part: &mut Part, _message: &[u8], _is_cut: bool) {
        unreachable!("{} is text", self.name());
    }

    /// What a message of such a source is called.
    fn message_name(&self) -> &'static str {
        "a message"
    }
}

/// What a format's reader says about a record that it was given whole.
pub(crate) enum Outcome {
    /// It is of the format, or was and is counted as broken.
    Read,
    /// It is not of the format.
    Foreign(ReadProblem),
}
