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

#[cfg(test)]
mod tests {
    use opentelemetry::Key;
    use ragdoll_model::InstanceId;

    use super::*;

    #[test]
    fn a_zone_is_an_attribute_where_there_is_one() {
        let instance = ServiceInstance::from(InstanceId::shard(0, 1));
        let zone_of = |instance| resource(&instance).get(&Key::new(AVAILABILITY_ZONE));
        assert_eq!(zone_of(instance.clone()), None);
        let zoned = ServiceInstance {
            zone: Some("a".to_owned()),
            ..instance
        };
        assert_eq!(zone_of(zoned), Some("a".into()));
    }
}
