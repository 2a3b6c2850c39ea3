//! Zones of the network: what their borders cost, and what happens there.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Topology, Zone, ZoneLatency};
use ragdoll_telemetry::SpanKind;
use serde_json::json;

use super::{MS, Outcome, Shown, Stage, Subject, conform, fault, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        each_way_between_zones_takes_its_own_time,
        &[Subject::Protocol("network")],
    ),
    (
        what_lengthens_the_way_between_zones_is_felt_there_alone,
        &[Subject::on_zones("zone_latency")],
    ),
];

/// One partition in a zone, the model in another, and all else in none.
fn zoned() -> Topology {
    let mut topology = small();
    let zone = |name: &str, member: &str| Zone {
        name: name.to_owned(),
        members: vec![member.to_owned()],
    };
    topology.network.zones = vec![zone("b", "shard-1-0"), zone("c", "llm")];
    topology
}

/// Time to the server and back of every call, by who is called.
fn ways(outcome: &Outcome<u16>) -> Vec<(&str, u64, u64)> {
    assert_eq!(outcome.answer, 200);
    outcome.assert_whole();
    let spans = outcome.seen.spans.iter();
    let calls = spans.filter(|span| span.kind == SpanKind::Client);
    let ways = calls.map(|call| {
        let server = outcome.server_of(call).expect("somebody served it");
        let (there_us, back_us) = (server.start_us - call.start_us, call.end_us - server.end_us);
        (call.attribute("server.instance"), there_us, back_us)
    });
    let ways: Vec<_> = ways.collect();
    assert_eq!(ways.len(), 8);
    ways
}

async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

fn assert_ways(outcome: &Outcome<u16>, expected_ms: fn(&str) -> (u64, u64)) {
    for (callee, there_us, back_us) in ways(outcome) {
        let (there_ms, back_ms) = expected_ms(callee);
        outcome.assert_took(&format!("the way to {callee}"), there_us, there_ms * MS);
        outcome.assert_took(
            &format!("the way back from {callee}"),
            back_us,
            back_ms * MS,
        );
    }
}

#[test]
fn each_way_between_zones_takes_its_own_time() {
    let mut topology = zoned();
    let entry = |from: &str, to: &str, ms| ZoneLatency {
        from: from.to_owned(),
        to: to.to_owned(),
        added: Dist::fixed(ms),
    };
    topology.network.zone_latency = vec![
        entry("default", "b", 30.0),
        entry("b", "default", 50.0),
        entry("c", "default", 20.0),
    ];
    conform(&topology, &[], once, |outcome| {
        assert_ways(outcome, |callee| match callee {
            "shard-1-0" => (30, 50),
            "llm-0" => (20, 20),
            _ => (0, 0),
        });
    });
}

#[test]
fn what_lengthens_the_way_between_zones_is_felt_there_alone() {
    let on = |zones: &[&str]| -> [Planned; 1] {
        let params = json!({ "added": { "fixed": { "ms": 30.0 } } });
        [fault("zone_latency", Target::zones(zones), params)]
    };
    conform(&zoned(), &on(&["default", "b"]), once, |outcome| {
        assert_ways(outcome, |callee| match callee {
            "shard-1-0" => (30, 30),
            _ => (0, 0),
        });
        assert_eq!(outcome.witnesses[0].firings, 1);
    });
    conform(&zoned(), &on(&["c"]), once, |outcome| {
        assert_ways(outcome, |callee| match callee {
            "llm-0" => (30, 30),
            _ => (0, 0),
        });
    });
}
