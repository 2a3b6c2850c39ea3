//! What names mean: of spans, attributes, errors, metrics, log lines and addresses. Of all the floors
//! only this folder, and the names of spans in the table of causes, know what instrumentations write.

pub(crate) mod address;
pub(crate) mod error_attributes;
pub(crate) mod failures;
pub(crate) mod limits;
pub(crate) mod metrics;
pub(crate) mod peers;
pub(crate) mod spans;
