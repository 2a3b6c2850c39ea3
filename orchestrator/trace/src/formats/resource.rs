//! Which process telemetry is from.

use crate::resource::ResourceId;
use crate::set::TraceSet;
use crate::value::{Attribute, Value};

/// OpenTelemetry's name for a service that does not say its own.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Attributes that name an instance, the best first: OpenTelemetry's own, and what it is named
/// after where that is missing. The last two are Jaeger's clients'.
const INSTANCE_KEYS: [&str; 6] = [
    "service.instance.id",
    "k8s.pod.name",
    "host.name",
    "container.id",
    "hostname",
    "ip",
];

/// How good a key is as the name of an instance; lower is better.
pub(super) fn instance_rank(key: &str) -> Option<usize> {
    INSTANCE_KEYS.iter().position(|&name| name == key)
}

/// The resource with these attributes. A service that is not among them is `service`, or unknown;
/// an instance that is not is `instance`.
pub(super) fn resource(
    set: &mut TraceSet,
    attributes: Vec<Attribute>,
    service: Option<&str>,
    instance: &str,
) -> ResourceId {
    let mut service = service.filter(|name| !name.is_empty()).map(str::to_owned);
    let mut best: Option<(usize, String)> = None;
    let mut others = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        let key = set.text(attribute.key);
        let text = match attribute.value {
            Value::Str(symbol) => set.text(symbol),
            _ => "",
        };
        if text.is_empty() {
            others.push(attribute);
            continue;
        }
        if key == "service.name" {
            service = Some(text.to_owned());
            continue;
        }
        let rank = instance_rank(key);
        if let Some(rank) = rank
            && best.as_ref().is_none_or(|(found, _)| rank < *found)
        {
            best = Some((rank, text.to_owned()));
        }
        if rank != Some(0) {
            others.push(attribute);
        }
    }
    let service = service.as_deref().unwrap_or(UNKNOWN_SERVICE);
    let instance = best.as_ref().map_or(instance, |(_, name)| name.as_str());
    set.resource_with(service, instance, others)
}
