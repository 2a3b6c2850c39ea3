//! The stages that a request passes in a service that says them one by one, as data.

mod batch;
mod codec;
mod device;
mod generate;
mod guard;
mod retrieval;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::batch::Batch;
pub use self::codec::Codec;
pub use self::device::Device;
pub use self::generate::Generate;
pub use self::guard::Guard;
pub use self::retrieval::{Embed, Rerank, Search, SearchBy};
use crate::distribution::Dist;
use crate::links::{GraphCall, GraphLock};
use crate::mitigation::Cache;

/// One stage of a request's way through a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Work of its own, on the processors that all requests share.
    Work(Dist),
    /// A lock.
    Lock(GraphLock),
    /// The disk of the instance.
    Disk(DiskUse),
    /// A limit on how many requests pass, which refuses the others.
    RateLimit(RateLimit),
    /// Calls of other services, all at once.
    Calls(Vec<GraphCall>),
    /// Work that is done for several requests together.
    Batch(Batch),
    /// Work on an accelerator, such as a GPU.
    Device(Device),
    /// Reading the request's message and writing its answer's.
    Codec(Codec),
    /// Answers that are kept by question: one that is there ends the request's way through the service.
    Cache(Cache),
    /// A look at the question that turns some of them down.
    Guard(Guard),
    /// Makes the question's vector.
    Embed(Embed),
    /// Finds documents.
    Search(Search),
    /// Puts the documents found in a better order, and keeps the first.
    Rerank(Rerank),
    /// An answer by an inference engine, from the question and the documents found.
    Generate(Box<Generate>),
    /// Stages that are passed again and again, as an agent goes from step to step.
    Repeat(Repeat),
}

impl Stage {
    /// The key that it has in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Work(_) => "work",
            Stage::Lock(_) => "lock",
            Stage::Disk(_) => "disk",
            Stage::RateLimit(_) => "rate_limit",
            Stage::Calls(_) => "calls",
            Stage::Batch(_) => "batch",
            Stage::Device(_) => "device",
            Stage::Codec(_) => "codec",
            Stage::Cache(_) => "cache",
            Stage::Guard(_) => "guard",
            Stage::Embed(_) => "embed",
            Stage::Search(_) => "search",
            Stage::Rerank(_) => "rerank",
            Stage::Generate(_) => "generate",
            Stage::Repeat(_) => "repeat",
        }
    }

    /// The stages within it; none but for those that are passed again and again.
    pub fn inner(&self) -> &[Stage] {
        match self {
            Stage::Repeat(repeat) => &repeat.stages,
            _ => &[],
        }
    }

    /// Whether it reads or writes what a request is about: its question, the documents found.
    pub fn is_about_content(&self) -> bool {
        matches!(
            self,
            Stage::Cache(_)
                | Stage::Guard(_)
                | Stage::Embed(_)
                | Stage::Search(_)
                | Stage::Rerank(_)
                | Stage::Generate(_)
        )
    }
}

/// An agent's loop: after each step it decides whether it needs another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// What a step passes, at most 50 stages; no loop is among them.
    #[schemars(length(min = 1, max = 50))]
    pub stages: Vec<Stage>,
    /// Probability that a further step follows, from 0 to 1.
    #[serde(default = "default_again")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub again: f64,
    /// Steps at most, from 1 to 100.
    #[serde(default = "default_max_steps")]
    #[schemars(range(min = 1, max = 100))]
    pub max_steps: u32,
    /// Tokens by which each step makes the prompt longer: what the tools said.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub tokens_per_step: u32,
}

/// The disk of one instance, with the page cache of its system before it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// Operations that it carries out at once, from 1 to 1,024; others wait.
    #[schemars(range(min = 1, max = 1024))]
    pub queue_depth: u32,
    /// Time of an operation by itself.
    pub operation: Dist,
    /// Bytes that one operation moves in a second, in megabytes of 10^6 bytes, above 0.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub mb_per_s: f64,
    /// Time until what was written is on the disk for good, beside moving it.
    pub fsync: Dist,
    /// Share of reads that the page cache answers at once, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub cached_share: f64,
}

impl Default for Disk {
    fn default() -> Self {
        Disk {
            // Assumption: one instance's share of a disk that several use.
            queue_depth: 4,
            // Amazon EBS gp3: "single-digit millisecond latency", 125 MiB/s ("Amazon EBS volume types").
            operation: Dist::lognormal(1.0, 0.3),
            mb_per_s: 131.0,
            // etcd asks for a 99th percentile below 10 ms ("Frequently Asked Questions"); this has one of 6 ms.
            fsync: Dist::lognormal(2.0, 0.5),
            // Assumption: a working set that mostly fits into memory.
            cached_share: 0.9,
        }
    }
}

/// What a request does with the disk. It reads, then writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiskUse {
    /// Bytes that it reads in one operation, at most 1 GiB; 0 for nothing.
    #[schemars(range(max = 1_073_741_824))]
    pub read_bytes: u32,
    /// Bytes that it writes, at most 1 GiB; 0 for nothing. Without `fsync` the page cache takes them at once.
    #[schemars(range(max = 1_073_741_824))]
    pub write_bytes: u32,
    /// Whether it waits until what it wrote is on the disk.
    pub fsync: bool,
}

/// A limit on requests: a bucket of tokens, one of which each request takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Tokens that come a second, above 0 and at most 1,000,000.
    #[schemars(range(max = 1_000_000), extend("exclusiveMinimum" = 0))]
    pub per_s: f64,
    /// Tokens that the bucket holds, from 1 to 1,000,000. It is full at the start.
    #[serde(default = "default_burst")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: u32,
}

/// Assumption: a burst of a second or more at usual rates.
fn default_burst() -> u32 {
    100
}

/// Assumption: two steps of three are followed by another, three in all on average.
fn default_again() -> f64 {
    0.67
}

/// Assumption: as LangChain's `AgentExecutor` stops after 15 (`max_iterations`).
fn default_max_steps() -> u32 {
    15
}
