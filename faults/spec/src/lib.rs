//! Faults as data: what is done to which part of the system, how likely and when. What a kind of
//! fault means lives in `ragdoll-fault-layers`, which implements [`Catalog`].

mod catalog;
mod fault;
mod matching;
mod needs;
mod target;

pub use catalog::{Catalog, KindInfo, ParamError};
pub use fault::{FaultSpec, Per};
pub use matching::{HeaderMatch, Match};
pub use needs::{Needs, Unfit};
pub use target::{EDGES, Edge, Target, edge_exists, edges};
