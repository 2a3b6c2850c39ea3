//! Zones of the network, as a cloud's availability zones are: who is in which, and how far apart they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::Dist;
use crate::ids::InstanceId;

/// The zone of whoever is listed in none, where there are zones at all.
pub const DEFAULT_ZONE: &str = "default";

/// A named part of the network. Calls within it take the network's latency alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Its name, such as `eu-west-1a`: `cloud.availability_zone` of whoever is in it.
    pub name: String,
    /// Services, such as `shard`, and single instances, such as `shard-0-1`. An instance that is named by
    /// itself is where it is named, whatever is said of its service.
    pub members: Vec<String>,
}

/// How much longer messages from one zone to another are on their way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneLatency {
    /// Zone of whoever sends.
    pub from: String,
    /// Zone of whoever receives. Messages back take as long, unless that direction has an entry of its own.
    pub to: String,
    /// Time on the wire beside `latency`, one way.
    pub added: Dist,
}

/// The zone of an instance, as these say; `None` where there are no zones.
pub fn zone_of<'a>(zones: &'a [Zone], instance: &InstanceId) -> Option<&'a str> {
    let with = |member: &str| {
        let mut zones = zones.iter();
        zones.find(|zone| zone.members.iter().any(|name| name == member))
    };
    let found = with(instance.name()).or_else(|| with(instance.service().name()));
    let name = found.map_or(DEFAULT_ZONE, |zone| zone.name.as_str());
    (!zones.is_empty()).then_some(name)
}

/// What a message from one zone to another takes besides, one way: the entry of this direction, or else of the
/// other.
pub fn added_latency(latencies: &[ZoneLatency], from: &str, to: &str) -> Option<Dist> {
    let of = |from: &str, to: &str| {
        let mut entries = latencies.iter();
        entries.find(|entry| entry.from == from && entry.to == to)
    };
    let found = of(from, to).or_else(|| of(to, from));
    found.map(|entry| entry.added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Service;

    fn zone(name: &str, members: &[&str]) -> Zone {
        Zone {
            name: name.to_owned(),
            members: members.iter().map(|&member| member.to_owned()).collect(),
        }
    }

    #[test]
    fn an_instance_is_where_it_or_its_service_is_named() {
        let zones = [zone("a", &["shard"]), zone("b", &["shard-0-1"])];
        let of = |instance| zone_of(&zones, &instance);
        assert_eq!(of(InstanceId::shard(0, 0)), Some("a"));
        assert_eq!(of(InstanceId::shard(0, 1)), Some("b"));
        assert_eq!(of(InstanceId::new(Service::LLM, 0)), Some(DEFAULT_ZONE));
        assert_eq!(zone_of(&[], &InstanceId::shard(0, 1)), None);
    }

    #[test]
    fn a_latency_holds_both_ways_unless_both_are_given() {
        let entry = |from: &str, to: &str, ms| ZoneLatency {
            from: from.to_owned(),
            to: to.to_owned(),
            added: Dist::fixed(ms),
        };
        let one = [entry("a", "b", 2.0)];
        assert_eq!(added_latency(&one, "a", "b"), Some(Dist::fixed(2.0)));
        assert_eq!(added_latency(&one, "b", "a"), Some(Dist::fixed(2.0)));
        assert_eq!(added_latency(&one, "a", "c"), None);
        assert_eq!(added_latency(&one, "a", "a"), None);
        let both = [entry("a", "b", 2.0), entry("b", "a", 3.0)];
        assert_eq!(added_latency(&both, "a", "b"), Some(Dist::fixed(2.0)));
        assert_eq!(added_latency(&both, "b", "a"), Some(Dist::fixed(3.0)));
    }
}
