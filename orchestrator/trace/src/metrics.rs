//! Samples of gauges.

use crate::resource::ResourceId;
use crate::symbol::Symbol;
use crate::value::Attribute;

/// One sample of one gauge.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPoint {
    /// When, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// The process that it describes.
    pub resource: ResourceId,
    /// Metric.
    pub name: Symbol,
    /// Value.
    pub value: f64,
    /// Unit in UCUM, such as `By`; empty where there is none.
    pub unit: Symbol,
    /// Which of several things of the process it describes; usually none.
    pub attributes: Box<[Attribute]>,
}
