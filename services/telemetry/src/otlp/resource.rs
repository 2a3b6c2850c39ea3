//! Who speaks.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use ragdoll_model::InstanceId;

/// Name of the instrumentation scope.
pub(super) const SCOPE: &str = "ragdoll";

/// The instance, its process, and the host where that is known. Nothing is taken from the
/// environment: a variable set for another program would rename the services.
pub(super) fn resource(instance: &InstanceId) -> Resource {
    let mut attributes = vec![
        KeyValue::new("service.instance.id", instance.name().to_owned()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        attributes.push(KeyValue::new("host.name", host.trim().to_owned()));
    }
    Resource::builder_empty()
        .with_service_name(instance.service().name())
        .with_attributes(attributes)
        .build()
}
