//! Zones of the network: everybody is in one, and every name is known.

use std::collections::BTreeMap;

use ragdoll_model::topology::Network;
use ragdoll_model::{DEFAULT_ZONE, Topology};

use crate::document::{KeyPath, Problems};
use crate::spec_error::suggest;

/// What the ranges of single keys do not say about zones.
pub(super) fn check_zones(topology: &Topology, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let network = &topology.network;
    check_names(network, &path.key("zones"), problems);
    check_members(topology, &path.key("zones"), problems);
    check_latencies(network, &path.key("zone_latency"), problems);
}

/// Adds that there is no such zone, with the nearest that there is. Returns whether there is one.
pub(super) fn is_zone(
    given: &str,
    network: &Network,
    path: &KeyPath,
    problems: &mut Problems<'_, '_>,
) -> bool {
    if network.zones.is_empty() {
        let message = format!("is {given:?}, but the network has no zones");
        problems.add(path, message, "add `zones` to [topology.network]");
        return false;
    }
    let names = network.zones.iter().map(|zone| zone.name.as_str());
    let names: Vec<&str> = names.chain([DEFAULT_ZONE]).collect();
    let is_known = names.contains(&given);
    if !is_known {
        let message = format!("is {given:?}, which is no zone of the network");
        problems.add(path, message, suggest(given, names));
    }
    is_known
}

/// Whether every zone has a name of its own and members that there are, so that what crosses between zones
/// is known.
pub(super) fn are_sound(topology: &Topology) -> bool {
    let zones = &topology.network.zones;
    let known = names(topology);
    let is_member = |member: &String| known.contains(member);
    let mut with_index = zones.iter().enumerate();
    with_index.all(|(index, zone)| {
        let mut earlier = zones[..index].iter();
        zone.name != DEFAULT_ZONE
            && zone.members.iter().all(is_member)
            && !earlier.any(|other| other.name == zone.name)
    })
}

/// Names of all services and instances.
fn names(topology: &Topology) -> Vec<String> {
    let (services, instances) = (topology.services(), topology.instances());
    let services = services.iter().map(|service| service.name().to_owned());
    let instances = instances.iter().map(|instance| instance.name().to_owned());
    services.chain(instances).collect()
}

fn check_names(network: &Network, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (index, zone) in network.zones.iter().enumerate() {
        let path = path.index(index).key("name");
        if zone.name == DEFAULT_ZONE {
            let message = format!("is {DEFAULT_ZONE:?}, as that of whoever is listed in none");
            problems.add(&path, message, "choose another name");
        }
        let earlier = &network.zones[..index];
        if let Some(first) = earlier.iter().position(|other| other.name == zone.name) {
            let message = format!("is {:?}, as is that of `zones[{first}]`", zone.name);
            problems.add(&path, message, "give each zone a name of its own");
        }
    }
}

fn check_members(topology: &Topology, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let known = names(topology);
    let mut zone_by_member = BTreeMap::new();
    for (index, zone) in topology.network.zones.iter().enumerate() {
        for (number, member) in zone.members.iter().enumerate() {
            let path = path.index(index).key("members").index(number);
            if !known.contains(member) {
                let message =
                    format!("is {member:?}, which is neither service nor instance of the topology");
                problems.add(
                    &path,
                    message,
                    suggest(member, known.iter().map(String::as_str)),
                );
            } else if let Some(first) = zone_by_member.insert(member, &zone.name) {
                let message = format!("is {member:?}, which is in zone {first:?} already");
                problems.add(&path, message, "leave it in one of them");
            }
        }
    }
}

fn check_latencies(network: &Network, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (index, entry) in network.zone_latency.iter().enumerate() {
        let path = path.index(index);
        let ends = [("from", &entry.from), ("to", &entry.to)];
        let known = ends.map(|(key, zone)| is_zone(zone, network, &path.key(key), problems));
        if known == [true, true] && entry.from == entry.to {
            let message = format!("is {:?}, as is `from`", entry.to);
            let fix = "name another zone: calls within one take `network.latency` alone";
            problems.add(&path.key("to"), message, fix);
        }
        let mut earlier = network.zone_latency[..index].iter();
        if earlier.any(|other| other.from == entry.from && other.to == entry.to) {
            let message = format!("says again how far {:?} is from {:?}", entry.to, entry.from);
            problems.add(&path, message, "leave out one of the two");
        }
    }
}
