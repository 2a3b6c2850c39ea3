//! Faults as data: what is done to which part of the system, how likely and when. What a kind of
//! fault means lives in `ragdoll-fault-layers`, which implements [`Catalog`].

mod catalog;
mod fault;
mod fits;
mod matching;
mod needs;
mod target;

pub use catalog::{Catalog, KindInfo, ParamError};
pub use fault::{FaultSpec, Per};
pub use fits::Unfit;
pub use matching::{HeaderMatch, Match};
pub use needs::Needs;
pub use target::{EDGES, Edge, Target, edge_exists, edges};
