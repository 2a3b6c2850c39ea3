//! Who speaks.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::names::AVAILABILITY_ZONE;
use crate::resource::ServiceInstance;

/// Name of the instrumentation scope.
pub(super) const SCOPE: &str = "ragdoll";

/// The instance with its zone, its process, and the host where that is known. Nothing is taken from the
/// environment: a variable set for another program would rename the services.
pub(super) fn resource(instance: &ServiceInstance) -> Resource {
    let mut attributes = vec![
        KeyValue::new("service.instance.id", instance.id.name().to_owned()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        attributes.push(KeyValue::new("host.name", host.trim().to_owned()));
    }
    if let Some(zone) = &instance.zone {
        attributes.push(KeyValue::new(AVAILABILITY_ZONE, zone.clone()));
    }
    Resource::builder_empty()
        .with_service_name(instance.id.service().name())
        .with_attributes(attributes)
        .build()
}
