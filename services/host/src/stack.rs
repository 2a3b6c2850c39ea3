//! The order of layers, on both sides of a call, in the one place that decides it.

use std::sync::Arc;

use ragdoll_fault_layers::FaultLayer;
use ragdoll_model::{InstanceId, Service};
use ragdoll_resources::Instance;
use ragdoll_runtime::{BoxService, Connection};
use tower::Layer as _;

use crate::alive::alive;
use crate::caller;
use crate::served::served;

/// What a request passes on its way in, outermost first:
/// 1. alive: a process that is down, or out of descriptors, refuses, one that dies cuts; no span,
///    for nobody is there. It is also here that health checks are answered, which have no span.
/// 2. served: the server span, and the request's context from its headers.
/// 3. faults, so that what they add is time of the service's own.
/// 4. the stub.
pub fn server_stack(instance: &Arc<Instance>, faults: &FaultLayer, stub: BoxService) -> BoxService {
    let stub = faults.layer(stub);
    alive(instance, served(instance, stub))
}

/// What a call passes on its way out, outermost first:
/// 1. caller: the client span, the headers, the deadline.
/// 2. faults of the edge, so that what they add is time between client span and server span.
/// 3. the wire.
pub fn client_stack(
    caller: &Arc<Instance>,
    callee: &InstanceId,
    faults: &FaultLayer,
    wire: Connection,
) -> BoxService {
    let wire = faults.layer(BoxService::new(wire));
    caller::caller(caller, callee, wire)
}

/// What a call passes that finds no instance of `callee` ready: 1. caller, as above.
pub(crate) fn nobody_stack(caller: &Arc<Instance>, callee: Service) -> BoxService {
    caller::caller_of_nobody(caller, callee, ragdoll_stubs::nobody())
}
