//! A line of a file, and what may be wrong with one.

use super::error::RecordingProblem;

/// A request as it stands in a file.
pub(super) struct Line {
    /// Microseconds since some moment that is the same for the whole file.
    pub(super) time_us: i64,
    pub(super) prompt_tokens: u32,
    pub(super) output_tokens: u32,
    pub(super) prefix_ids: Box<[u64]>,
}

/// What is wrong, and in which line where it is wrong in one.
pub(super) type LineProblem = (Option<u64>, RecordingProblem);
