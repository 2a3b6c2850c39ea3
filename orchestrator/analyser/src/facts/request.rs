//! One request: how long it took, and what its critical path consists of.

use ragdoll_trace::Symbol;

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};

/// Time on one critical path that one (process, cause) owns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) instance: InstanceId,
    pub(crate) cause: Cause,
    /// The service that recorded it: of a call, the caller.
    pub(crate) recorder: ServiceId,
    pub(crate) ns: u64,
}

/// One trace.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) trace_id: u128,
    pub(crate) start_ns: u64,
    pub(crate) duration_ns: u64,
    /// The service that recorded the root span.
    pub(crate) service: ServiceId,
    pub(crate) operation: Symbol,
    pub(crate) failed: bool,
    pub(crate) parts: (u32, u32),
    pub(crate) origin: u32,
}
