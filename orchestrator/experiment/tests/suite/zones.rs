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
    insta::assert_snapshot!(refusals([parse(&network, r#"{ zones = ["b"] }"#)]), @"");
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
    insta::assert_snapshot!(refusals(zones), @"");
    let many: Vec<String> = (0..33)
        .map(|number| format!("{{ name = \"z{number}\", members = [\"shard\"] }}"))
        .collect();
    let many = format!("zones = [{}]", many.join(", "));
    insta::assert_snapshot!(refusals([parse(&many, ALL)]), @"");
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
    insta::assert_snapshot!(refusals(entries), @"");
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
    insta::assert_snapshot!(refusals(targets), @"");
}
