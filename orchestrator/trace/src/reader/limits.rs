//! How much is read at once.

/// How much a chunk holds, except where one record alone is longer.
const CHUNK_BYTES: usize = 1 << 20;

/// How long things may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Chunk of lines or records.
    pub(super) chunk: usize,
    /// One line, JSON object or message.
    pub(super) record: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            chunk: CHUNK_BYTES,
            record: 256 << 20,
        }
    }
}
