//! Processes that record telemetry.

use crate::symbol::Symbol;
use crate::value::Attribute;

/// A process of one [`TraceSet`](crate::TraceSet), numbered from 0 in the order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

/// A process that records telemetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `service.name`.
    pub service: Symbol,
    /// `service.instance.id`; empty where the source does not say.
    pub instance: Symbol,
    /// Its other attributes.
    pub attributes: Box<[Attribute]>,
}
