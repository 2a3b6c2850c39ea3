//! Labelled failure cases for methods that name root causes.
//!
//! A case is a random system with a random load, in which something may be done to one or more of its
//! services in the second of two stretches of time. It is written with what the system said in both
//! and with the truth, once the same run without the faults has shown that they are what users felt.
//! Everything follows from a seed and the number of the case.
//!
//! The feature `parquet` brings the tables, and without them there are no cases: [`generate`] then says
//! how to get it.

mod draw;
mod error;
mod faults;
mod files;
mod generate;
mod make;
#[cfg(feature = "parquet")]
mod parquet;
mod parts;
mod plan;
mod systems;
#[cfg_attr(not(feature = "parquet"), path = "tables_left_out.rs")]
mod tables;
mod truth;
mod validate;
mod write;

pub use error::DatasetError;
pub use faults::{Injection, kinds};
pub use generate::{Options, Summary, generate};
pub use plan::{CasePlan, Class};
pub use ragdoll_score::Shard;
pub use systems::System;
