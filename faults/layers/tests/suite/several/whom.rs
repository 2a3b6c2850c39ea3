//! Which requests, and which connections, a fault concerns.

use http::{HeaderName, HeaderValue};
use ragdoll_fault_layers::Injector;
use ragdoll_fault_spec::{HeaderMatch, Match, Per, Target};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Streams, run_virtual};
use ragdoll_telemetry::RequestContext;
use ragdoll_telemetry::names::{BAGGAGE_DOCUMENT_BYTES, BAGGAGE_TOPIC};
use serde_json::{Value, json};

use super::bench::*;

/// A request of user 7 about topic 3, with documents of 9,000 bytes, for a tenant.
fn described() -> RequestContext {
    RequestContext::new("0", "user-7")
        .with_baggage(BAGGAGE_TOPIC, 3)
        .with_baggage(BAGGAGE_DOCUMENT_BYTES, 9_000)
}

fn wanted(json: Value) -> Match {
    serde_json::from_value(json).expect("a condition")
}

#[test]
fn a_fault_concerns_whom_it_names_at_a_server_and_on_an_edge() {
    let tenant = HeaderMatch {
        name: "x-tenant".to_owned(),
        value: "acme".to_owned(),
    };
    let cases = [
        (json!({ "user": "user-7" }), true),
        (json!({ "user": "user-70" }), false),
        (json!({ "topic": 3 }), true),
        (json!({ "topic": 33 }), false),
        (json!({ "document_bytes_min": 9_000 }), true),
        (json!({ "document_bytes_min": 9_001 }), false),
        (json!({ "operation": PATH }), true),
        (json!({ "operation": "/ragdoll.v1.Shard/Upsert" }), false),
        (json!({ "header": tenant }), true),
        (
            json!({ "header": { "name": "x-tenant", "value": "acm" } }),
            false,
        ),
        (
            json!({ "header": { "name": "x-other", "value": "acme" } }),
            false,
        ),
        (
            json!({ "user": "user-7", "topic": 3, "header": tenant }),
            true,
        ),
        (
            json!({ "user": "user-7", "topic": 4, "header": tenant }),
            false,
        ),
    ];
    let asked = |target: Target, only: &Value| {
        let fault = changed(delay_on(target.clone(), 1.0), |spec| {
            spec.only = Some(wanted(only.clone()));
        });
        let injector = injector(vec![fault]);
        let took_us = run_virtual(|clock| {
            let (bench, mut request) = if target.edge.is_some() {
                let bench = Bench::on_edge(&injector, &clock, &vector_db(), &shard());
                (bench, on_wire(&described()))
            } else {
                let bench = Bench::at_server(&injector, &clock);
                (bench, request(&described()))
            };
            let (name, value) = (
                HeaderName::from_static("x-tenant"),
                HeaderValue::from_static("acme"),
            );
            request.headers_mut().insert(name, value);
            async move { bench.ask(request).await.took_us }
        });
        (took_us, opportunities_and_firings(&injector))
    };
    for (only, met) in cases {
        let expected = (
            u64::from(met) * 1_000,
            vec![(u64::from(met), u64::from(met))],
        );
        for target in [on_shards(), on_edge()] {
            assert_eq!(asked(target.clone(), &only), expected, "{only} {target}");
        }
    }
}

/// Of each pair of eight callers and eight callees, the share of its requests that meet the fault.
fn shares_by_pair(seed: u64) -> Vec<f64> {
    const REQUESTS: u64 = 20;
    let fault = changed(delay_on(on_edge(), 1.0), |spec| {
        (spec.per, spec.probability) = (Per::Connection, 0.5);
    });
    let injector = Injector::new(vec![fault], &Streams::new(seed)).expect("sound parameters");
    run_virtual(|clock| async move {
        let mut shares = Vec::new();
        for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
            let from = InstanceId::new(Service::VECTOR_DB, from);
            let bench = Bench::on_edge(&injector, &clock, &from, &InstanceId::shard(to, 0));
            let mut met = 0;
            for number in 0..REQUESTS {
                met += u64::from(bench.send(number).await > 0);
            }
            shares.push(met as f64 / REQUESTS as f64);
        }
        shares
    })
}

#[test]
fn all_requests_of_a_pair_meet_a_fault_of_connections_or_none_does() {
    let shares = shares_by_pair(1);
    assert!(
        shares.iter().all(|share| [0.0, 1.0].contains(share)),
        "{shares:?}"
    );
    let met: f64 = shares.iter().sum();
    // Five standard deviations of 64 fair coins are 20.
    assert!((12.0..=52.0).contains(&met), "{met} of 64 pairs");
    let differs = |pairs: &[f64]| pairs.contains(&0.0) && pairs.contains(&1.0);
    let of_first_caller = &shares[..8];
    let of_first_callee: Vec<f64> = shares.iter().step_by(8).copied().collect();
    assert!(differs(of_first_caller) && differs(&of_first_callee));
    assert_eq!(shares_by_pair(1), shares);
    assert_ne!(shares_by_pair(2), shares);
}
