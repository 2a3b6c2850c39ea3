//! What a process is asked to do, and what it leaves behind.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::plan::Begin;

/// What a drain left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Spans that could not be delivered since the run began.
    pub lost_spans: u64,
    /// Log lines that could not be delivered since the run began.
    pub lost_logs: u64,
}

/// What the process's main task is asked to do.
pub(super) enum Command {
    /// To begin a run.
    Begin(Box<Begin>, oneshot::Sender<Result<(), String>>),
    /// To end, since the model ran out of memory.
    OutOfMemory,
}
