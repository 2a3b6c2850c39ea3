//! Zones of the network, and faults between them: what is taken, and what is refused in which words.

use std::path::Path;

use ragdoll_experiment::{Experiment, SpecErrors};
use ragdoll_model::InstanceId;

use crate::common::TestCatalog;

/// A file with these lines for the network, and this target of a fault between zones.
fn parse(network: &str, target: &str) -> Result<Experiment, SpecErrors> {
    parse_fault(network, "zone_latency", target)
}

fn parse_fault(network: &str, kind: &str, target: &str) -> Result<Experiment, SpecErrors> {
    let text = format!(
        r#"title = "Zones"
phases = [
    {{ name = "calm", duration_s = 10 }},
    {{ name = "odd", duration_s = 10, faults = [{{ kind = "{kind}", target = {target}, params = {{ delay = {{ fixed = {{ ms = 1.0 }} }} }} }}] }},
]
expect = [{{ holds = "odd.requests > 0.0" }}]
workload = {{ arrivals = {{ constant_per_s = 10.0 }} }}
[topology.network]
{network}
"#
    );
    Experiment::parse(&text, Path::new("zones.toml"), &TestCatalog)
}

const TWO: &str = r#"zones = [{ name = "a", members = ["shard", "llm"] }, { name = "b", members = ["shard-0-1"] }]"#;
const ALL: &str = r#"{ zones = ["default"] }"#;

fn latency(entries: &str) -> String {
    format!("{TWO}\nzone_latency = [{entries}]")
}

fn refusals(results: impl IntoIterator<Item = Result<Experiment, SpecErrors>>) -> String {
    let words = results.into_iter().map(|result| match result {
        Ok(_) => panic!("a mistake was accepted"),
        Err(errors) => errors.to_string(),
    });
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_instance_may_be_elsewhere_than_its_service() {
    let between = latency(r#"{ from = "a", to = "default", added = { fixed = { ms = 2.0 } } }"#);
    let experiment = parse(&between, r#"{ zones = ["a", "default"] }"#);
    let network = experiment.expect("a sound file").topology.network;
    assert_eq!(network.zone_of(&InstanceId::shard(0, 0)), Some("a"));
    assert_eq!(network.zone_of(&InstanceId::shard(0, 1)), Some("b"));
    assert_eq!(network.zone_latency.len(), 1);
}

#[test]
fn a_graph_has_zones_too() {
    let network = "zones = [{ name = \"a\", members = [\"cart-1\"] }]\n\
                   [[topology.graph.services]]\nname = \"cart\"\ninstances = 2";
    assert!(parse(network, r#"{ zones = ["a"] }"#).is_ok());
    let network = network.replace("cart-1", "card");
    insta::assert_snapshot!(refusals([parse(&network, r#"{ zones = ["b"] }"#)]), @r#"
    zones.toml:4:93: `phases[1].faults[0].target.zones[0]` is "b", which is no zone of the network; use one of `a`, `default`
    zones.toml:9:35: `topology.network.zones[0].members[0]` is "card", which is neither service nor instance of the topology; did you mean `cart`?
    "#);
}

#[test]
fn mistakes_in_zones() {
    let zones = [
        r#"zones = [{ name = "a", members = ["shrad"] }]"#,
        r#"zones = [{ name = "a", members = ["shard-0-9"] }]"#,
        r#"zones = [{ name = "a", members = ["shard"] }, { name = "b", members = ["llm", "shard"] }]"#,
        r#"zones = [{ name = "a", members = ["shard"] }, { name = "a", members = ["llm"] }]"#,
        r#"zones = [{ name = "default", members = ["shard"] }]"#,
        r#"zones = [{ name = "", members = [] }]"#,
        r#"zones = [{ name = "a", members = "shard" }]"#,
    ];
    let zones = zones.map(|network| parse(network, ALL));
    insta::assert_snapshot!(refusals(zones), @r#"
    zones.toml:9:35: `topology.network.zones[0].members[0]` is "shrad", which is neither service nor instance of the topology; did you mean `shard`?
    zones.toml:9:35: `topology.network.zones[0].members[0]` is "shard-0-9", which is neither service nor instance of the topology; did you mean `shard-0-1`?
    zones.toml:9:79: `topology.network.zones[1].members[1]` is "shard", which is in zone "a" already; leave it in one of them
    zones.toml:9:49: `topology.network.zones[1].name` is "a", as is that of `zones[0]`; give each zone a name of its own
    zones.toml:9:12: `topology.network.zones[0].name` is "default", as that of whoever is listed in none; choose another name
    zones.toml:9:12: `topology.network.zones[0].name` is empty; write something
    zones.toml:9:23: `topology.network.zones[0].members` has 0 elements; give at least 1
    zones.toml:9:24: `topology.network.zones[0].members` is the string "shard"; give an array of names in quotes
    "#);
    let many: Vec<String> = (0..33)
        .map(|number| format!("{{ name = \"z{number}\", members = [\"shard\"] }}"))
        .collect();
    let many = format!("zones = [{}]", many.join(", "));
    insta::assert_snapshot!(refusals([parse(&many, ALL)]), @"zones.toml:9:1: `topology.network.zones` has 33 elements; give at most 32");
}

#[test]
fn mistakes_in_what_lies_between_zones() {
    let entries = [
        r#"{ from = "a", to = "c", added = { fixed = { ms = 2.0 } } }"#,
        r#"{ from = "a", to = "a", added = { fixed = { ms = 2.0 } } }"#,
        r#"{ from = "a", to = "b", added = { fixed = { ms = -2.0 } } }"#,
        r#"{ from = "a", to = "b", added = { fixed = { ms = 2.0 } } }, { from = "a", to = "b", added = { fixed = { ms = 3.0 } } }"#,
    ];
    let entries = entries.map(|entries| parse(&latency(entries), ALL));
    insta::assert_snapshot!(refusals(entries), @r#"
    zones.toml:10:31: `topology.network.zone_latency[0].to` is "c", which is no zone of the network; use one of `a`, `b`, `default`
    zones.toml:10:31: `topology.network.zone_latency[0].to` is "a", as is `from`; name another zone: calls within one take `network.latency` alone
    zones.toml:10:61: `topology.network.zone_latency[0].added.fixed.ms` is the number -2.0; use a number of at least 0
    zones.toml:10:77: `topology.network.zone_latency[1]` says again how far "b" is from "a"; leave out one of the two
    "#);
    let both = r#"{ from = "a", to = "b", added = { fixed = { ms = 2.0 } } }, { from = "b", to = "a", added = { fixed = { ms = 3.0 } } }"#;
    assert!(parse(&latency(both), ALL).is_ok());
}

#[test]
fn faults_that_have_no_zones_to_act_on() {
    let targets = [
        parse("", ALL),
        parse(TWO, r#"{ zones = ["defualt"] }"#),
        parse(TWO, r#"{ zones = ["a", "a"] }"#),
        parse(TWO, r#"{ zones = ["a", "b"] }"#),
        parse(TWO, r#"{ zones = [] }"#),
        parse(TWO, r#"{ service = "llm" }"#),
        parse(TWO, r#"{ edge = { from = "gateway", to = "llm" } }"#),
        parse(TWO, "{}"),
        parse_fault(TWO, "latency", ALL),
    ];
    insta::assert_snapshot!(refusals(targets), @r#"
    zones.toml:4:93: `phases[1].faults[0].target.zones[0]` is "default", but the network has no zones; add `zones` to [topology.network]
    zones.toml:4:93: `phases[1].faults[0].target.zones[0]` is "defualt", which is no zone of the network; did you mean `default`?
    zones.toml:4:84: `phases[1].faults[0].target.zones` names "a" twice; name another zone, or this one alone for all calls that cross its border
    zones.toml:4:84: `phases[1].faults[0].target.zones` is zones a and b, and no call crosses there; name zones whose members call each other
    zones.toml:4:84: `phases[1].faults[0].target.zones` has 0 elements; give at least 1
    zones.toml:4:84: `phases[1].faults[0].target.service` is llm, on which `zone_latency` cannot act; give `zones` instead
    zones.toml:4:84: `phases[1].faults[0].target.edge` is given, but `zone_latency` acts on zones; give `zones` instead
    zones.toml:4:73: `phases[1].faults[0].target` names nothing; give `zones`
    zones.toml:4:79: `phases[1].faults[0].target.zones` is the calls between zones, on which `latency` cannot act; give `service`, `instance` or `edge` instead, or let `kind` be `zone_latency`
    "#);
}
