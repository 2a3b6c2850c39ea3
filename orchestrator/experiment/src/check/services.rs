//! Names of services that a file mentions: whether the system has them.

use ragdoll_model::{Service, Topology};

use crate::document::{KeyPath, Problems};
use crate::spec_error::suggest;

/// Whether the system has the service that stands at `path`. Adds the problem, with the nearest that there is,
/// where it has not.
pub(super) fn is_known(
    service: Service,
    topology: &Topology,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) -> bool {
    let services = topology.services();
    if services.contains(&service) {
        return true;
    }
    let message = format!("is {:?}, which the topology does not have", service.name());
    let names = services.iter().map(|known| known.name());
    problems.add(path, message, suggest(service.name(), names));
    false
}
