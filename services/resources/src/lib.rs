//! Resources: what a service's time and failures come from. A stub is a pipeline of these; each
//! leaves the telemetry that its counterpart in production would.

mod average;
pub mod batcher;
pub mod cache;
pub mod call_plan;
pub mod coalescing;
pub mod codec;
pub mod cpu;
pub mod descriptors;
pub mod device;
pub mod disk;
pub mod engine;
mod error;
mod gate;
mod instance;
mod interval;
pub mod lock;
mod machine;
pub mod memory;
mod per_life;
pub mod pool;
pub mod rate_limit;
pub mod shedding;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod workers;

pub use batcher::Batcher;
pub use cache::Cache;
pub use call_plan::{Attempt, Callee, fan_out};
pub use coalescing::Coalescing;
pub use codec::Codec;
pub use cpu::Cpu;
pub use descriptors::Descriptors;
pub use device::Device;
pub use disk::Disk;
pub use engine::{Engine, Generation};
pub use error::ResourceError;
pub use instance::Instance;
pub use lock::Lock;
pub use machine::Machine;
pub use memory::Memory;
pub use pool::{Pool, Pools};
pub use rate_limit::RateLimit;
pub use shedding::InFlight;
pub use workers::Workers;
