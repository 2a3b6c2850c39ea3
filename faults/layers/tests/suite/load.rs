//! Faults of the load generator: what changes and when, and what is counted of it.

use ragdoll_fault_layers::{Faults, Injector, LoadChange, Planned};
use ragdoll_fault_spec::{Catalog as _, FaultSpec, Target};
use ragdoll_model::Service;
use ragdoll_runtime::Streams;
use serde_json::{Value, json};

fn planned(kind: &str, params: Value, change: impl FnOnce(&mut FaultSpec)) -> Planned {
    let mut spec = FaultSpec::new(kind, Target::service(Service::CLIENT), params);
    change(&mut spec);
    Planned {
        spec,
        start_us: 10_000_000,
        stop_us: 40_000_000,
    }
}

#[test]
fn changes_of_the_load_have_the_times_of_their_faults() {
    let spike = planned(
        "load_spike",
        json!({ "rate_factor": 3.0, "ramp_s": 2.0 }),
        |spec| {
            (spec.every_s, spec.for_s) = (Some(20.0), Some(5.0));
        },
    );
    let longer = planned(
        "token_length_shift",
        json!({ "output_tokens_factor": 2.0 }),
        |_| {},
    );
    let never = planned("load_spike", json!({ "rate_factor": 9.0 }), |spec| {
        spec.probability = 0.0
    });
    let injector = Injector::new(vec![spike, never, longer], &Streams::new(1));
    let injector = injector.expect("sound parameters");
    let changes = injector.load_changes();
    assert_eq!(changes.len(), 2, "{changes:?}");
    let more = LoadChange {
        rate_factor: 3.0,
        ramp_s: 2.0,
        ..LoadChange::default()
    };
    assert_eq!((changes[0].fault, changes[0].change), (0, more));
    let windows = [(10_000_000, 15_000_000), (30_000_000, 35_000_000)];
    assert_eq!(changes[0].windows, windows);
    assert_eq!(changes[1].fault, 2);
    assert_eq!(changes[1].windows, [(10_000_000, 40_000_000)]);

    injector.witness_load(2);
    injector.witness_load(2);
    let counts = injector.witnesses();
    let counts: Vec<_> = counts
        .iter()
        .map(|one| (one.opportunities, one.firings, one.requests_touched))
        .collect();
    assert_eq!(counts, [(0, 0, 0), (0, 0, 0), (2, 2, 2)]);
}

#[test]
fn parameters_out_of_range_are_named_with_the_way_out() {
    let mistakes = [
        ("load_spike", json!({ "rate_factor": 0.0 })),
        ("load_spike", json!({ "rate_factor": 2.0, "ramp_s": -1.0 })),
        ("token_length_shift", json!({})),
        (
            "token_length_shift",
            json!({ "prompt_tokens_factor": 1000.0 }),
        ),
        ("slow_aggregation", json!({ "merge_time_factor": 0.5 })),
        ("stale_index", json!({ "stale_share": 1.5 })),
        (
            "hot_shard",
            json!({ "user_share": 0.0, "search_time_factor": 2.0 }),
        ),
        ("load_balancer_skew", json!({ "skew": 2.0 })),
        ("retry_storm", json!({ "attempts": 1 })),
        ("retry_storm", json!({ "attempts": 3, "timeout_ms": 0.0 })),
    ];
    let found = mistakes.map(|(kind, params)| {
        let error = Faults.resolve(kind, &params).expect_err("a mistake");
        error.to_string()
    });
    let expected = [
        "`rate_factor` is 0: use 0.01 to 100",
        "`ramp_s` is -1: use 0 to 3600",
        "`params` change nothing: add `prompt_tokens_factor` or `output_tokens_factor`",
        "`prompt_tokens_factor` is 1000: use 0.01 to 100",
        "`merge_time_factor` is 0.5: use 1 to 10000",
        "`stale_share` is 1.5: use 0.001 to 1",
        "`user_share` is 0: use 0.001 to 1",
        "`skew` is 2: use 0.001 to 1",
        "`attempts` is 1: use 2 to 100",
        "`timeout_ms` is 0: use at least 1",
    ];
    assert_eq!(found, expected);
}
