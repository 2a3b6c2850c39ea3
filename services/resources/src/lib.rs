//! Resources: what a service's time and failures come from. A stub is a pipeline of these; each
//! leaves the telemetry that its counterpart in production would.

mod average;
pub mod batcher;
pub mod call_plan;
pub mod cpu;
pub mod engine;
mod error;
mod gate;
mod instance;
mod interval;
pub mod lock;
mod machine;
pub mod memory;
pub mod pool;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod workers;

pub use batcher::Batcher;
pub use call_plan::{Attempt, call, fan_out};
pub use cpu::Cpu;
pub use engine::{Engine, Generation};
pub use error::ResourceError;
pub use instance::Instance;
pub use lock::Lock;
pub use machine::Machine;
pub use memory::Memory;
pub use pool::Pool;
pub use workers::Workers;
