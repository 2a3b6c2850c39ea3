//! What the telemetry says: who called whom, where time passed, where a failure began. The floor at
//! the bottom: it compares nothing and judges nothing.

pub(crate) mod batch;
pub(crate) mod cause;
pub(crate) mod critical_path;
pub(crate) mod directory;
pub(crate) mod error_origin;
pub(crate) mod fan_outs;
pub(crate) mod ids;
pub(crate) mod instances;
pub(crate) mod log_index;
pub(crate) mod metric_index;
pub(crate) mod names;
pub(crate) mod prepared;
pub(crate) mod repairs;
pub(crate) mod request;
pub(crate) mod server_spans;
pub(crate) mod steps;
pub(crate) mod time;
pub(crate) mod trace_details;
pub(crate) mod tree;
