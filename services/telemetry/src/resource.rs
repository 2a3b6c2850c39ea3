//! Who speaks: what OpenTelemetry calls a resource.

use ragdoll_model::{InstanceId, Topology};

/// An instance as its telemetry describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInstance {
    /// The instance.
    pub id: InstanceId,
    /// Its `cloud.availability_zone`; `None` where the system has no zones.
    pub zone: Option<String>,
}

impl ServiceInstance {
    /// An instance of this system.
    pub fn of(topology: &Topology, id: &InstanceId) -> Self {
        ServiceInstance {
            id: id.clone(),
            zone: topology.network.zone_of(id).map(str::to_owned),
        }
    }
}

impl From<InstanceId> for ServiceInstance {
    /// An instance without a zone.
    fn from(id: InstanceId) -> Self {
        ServiceInstance { id, zone: None }
    }
}
