//! What the engine is asked for, and how each sequence went through it.

use ragdoll_telemetry::names::{DECODE, PREEMPTED, PREFILL, QUEUE_WAIT};
use tokio::sync::mpsc;

/// What a sequence did for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waited for a place in the batch.
    Queue,
    /// Had its prompt computed.
    Prefill,
    /// Yielded tokens.
    Decode,
    /// Waited after losing its KV-cache blocks.
    Preempted,
}

impl Stage {
    /// Name of the span of such a stage.
    pub fn span_name(self) -> &'static str {
        match self {
            Stage::Queue => QUEUE_WAIT,
            Stage::Prefill => PREFILL,
            Stage::Decode => DECODE,
            Stage::Preempted => PREEMPTED,
        }
    }
}

/// A stage of a sequence and when it was, in microseconds of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What happened.
    pub stage: Stage,
    /// From when.
    pub start_us: u64,
    /// Until when.
    pub end_us: u64,
}

/// How a sequence went through the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Every moment from arrival to last token, in order, without gaps.
    pub segments: Vec<Segment>,
    /// When the first token was there, in microseconds of the run.
    pub first_token_us: u64,
    /// Tokens generated.
    pub output_tokens: u32,
    /// Times that it lost its KV-cache blocks.
    pub preemptions: u32,
}

impl Generation {
    /// Microseconds in a stage.
    pub fn time_us(&self, stage: Stage) -> u64 {
        self.segments
            .iter()
            .filter(|segment| segment.stage == stage)
            .map(|segment| segment.end_us - segment.start_us)
            .sum()
    }

    /// When it arrived, in microseconds of the run.
    pub fn arrived_us(&self) -> u64 {
        self.segments[0].start_us
    }

    /// When its last token was there, in microseconds of the run.
    pub fn finished_us(&self) -> u64 {
        self.segments[self.segments.len() - 1].end_us
    }

    /// Mean microseconds between two tokens after the first; 0 for a single token.
    pub fn inter_token_latency_us(&self) -> f64 {
        let later_tokens = self.output_tokens.saturating_sub(1);
        if later_tokens == 0 {
            return 0.0;
        }
        (self.finished_us() - self.first_token_us) as f64 / f64::from(later_tokens)
    }
}

/// A request to the engine.
#[derive(Debug)]
pub struct Prompt {
    /// Tokens of the prompt, at least 1.
    pub prompt_tokens: u32,
    /// Tokens to generate, at least 1.
    pub output_tokens: u32,
    /// Gets the number of tokens generated so far, after every iteration that adds one.
    pub progress: Option<mpsc::UnboundedSender<u32>>,
}
