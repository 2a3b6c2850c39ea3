//! The machine that an instance's process really runs on.

use std::fmt;

/// What a process has besides its models: memory of its own, and an end. An instance without one
/// lives in a simulation.
pub struct Machine {
    /// Bytes that are really allocated for each byte that the model of memory takes, from 0 to 1.
    pub memory_scale: f64,
    /// Ends the process, since its model ran out of memory.
    pub out_of_memory: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("memory_scale", &self.memory_scale)
            .finish_non_exhaustive()
    }
}

impl Machine {
    /// Memory that stands for `bytes` of the model's, all of it written to: the kernel gives a page
    /// only then.
    pub(crate) fn allocate(&self, bytes: u64) -> Block {
        let real_bytes = (bytes as f64 * self.memory_scale) as usize;
        Block(vec![1; real_bytes])
    }
}

/// Memory that is in use until it is dropped.
pub(crate) struct Block(Vec<u8>);

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
