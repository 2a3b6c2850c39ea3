//! Puts stubs behind their servers and wires a whole system together. The order of all layers is in
//! one file, [`mod@stack`].

mod alive;
mod caller;
mod operation;
mod served;
pub mod stack;
mod system;

pub use system::System;
