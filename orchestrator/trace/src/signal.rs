//! Kinds of telemetry.

/// What telemetry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Spans of traces.
    Spans,
    /// Points of metrics.
    Metrics,
    /// Events of logs.
    Logs,
}
