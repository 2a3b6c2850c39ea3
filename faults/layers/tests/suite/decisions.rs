//! What each kind decides: a pure function of its parameters, the request's facts and its stream.

use ragdoll_fault_layers::{Action, Decision, Direction, Facts, Fault, Faults};
use ragdoll_fault_spec::Catalog as _;
use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;
use ragdoll_runtime::{Overflow, Overrides, Streams};
use serde_json::{Value, json};

fn facts() -> Facts<'static> {
    Facts {
        operation: "/ragdoll.v1.Shard/Query",
        ..Facts::default()
    }
}

fn build(kind: &str) -> Box<dyn Fault> {
    build_with(kind, &Faults.example(kind))
}

fn build_with(kind: &str, params: &Value) -> Box<dyn Fault> {
    let built = Faults.build(kind, params);
    built.unwrap_or_else(|error| panic!("{kind}: {error}"))
}

fn decide(fault: &dyn Fault, number: u64) -> Decision {
    fault.decide(&facts(), &mut Streams::new(1).stream("test").at(number))
}

#[test]
fn the_same_draws_give_the_same_decision_whoever_asks_and_how_often() {
    for info in Faults.kinds() {
        let (one, other) = (build(info.name), build(info.name));
        let forwards: Vec<Decision> = (0..100).map(|number| decide(&*one, number)).collect();
        let mut backwards: Vec<Decision> = (0..100)
            .rev()
            .map(|number| decide(&*other, number))
            .collect();
        backwards.reverse();
        assert_eq!(forwards, backwards, "{}", info.name);
        assert_eq!(one.standing(1.0), other.standing(1.0), "{}", info.name);
        assert_eq!(one.action(), other.action(), "{}", info.name);
    }
}

#[test]
fn latency_delays_by_its_distribution_and_changes_nothing_else() {
    let fault = build("latency");
    let mut delays_us: Vec<u64> = (0..10_001)
        .map(|number| decide(&*fault, number).delay_us)
        .collect();
    delays_us.sort_unstable();
    let median_ms = delays_us[5_000] as f64 / 1000.0;
    assert!((median_ms / 40.0 - 1.0).abs() < 0.03, "median {median_ms}");
    assert!((0..100).all(|number| decide(&*fault, number).overrides.is_none()));
    assert_eq!(fault.standing(1.0), None);

    let fixed = build_with("latency", &json!({ "delay": { "fixed": { "ms": 2.5 } } }));
    assert_eq!(decide(&*fixed, 0).delay_us, 2_500);
}

#[test]
fn lock_contention_changes_the_lock_for_the_request_that_it_meets() {
    let decision = decide(&*build("lock_contention"), 0);
    let changed = Overrides {
        lock_hold: Some(Dist::Exponential { mean_ms: 40.0 }),
        lock_scope: Some(LockScope::Global),
        ..Overrides::default()
    };
    assert_eq!(decision, Decision::overrides(changed));
    assert_eq!(build("lock_contention").standing(1.0), None);
}

#[test]
fn oom_changes_memory_for_the_request_and_its_limit_for_the_process() {
    let changed = Overrides {
        memory_bytes_per_input_byte: Some(5000.0),
        memory_reclaim_ms: Some(100.0),
        memory_restart_ms: Some(300.0),
        ..Overrides::default()
    };
    let decision = decide(&*build("oom"), 0);
    assert_eq!(decision, Decision::overrides(changed));
    assert_eq!(build("oom").standing(1.0), None, "the limit stays as it is");

    let tight = build_with("oom", &json!({ "budget_bytes": 1000 }));
    let limit = |overrides: Option<Overrides>| overrides.and_then(|one| one.memory_budget_bytes);
    assert_eq!(limit(decide(&*tight, 0).overrides), Some(1000));
    assert_eq!(limit(tight.standing(1.0)), Some(1000));
    assert_eq!(
        tight.standing(0.5),
        None,
        "half of the requests still have the old limit"
    );
}

#[test]
fn queueing_changes_the_servers_for_everybody_and_no_request_by_itself() {
    let fault = build("queueing");
    assert_eq!(decide(&*fault, 0), Decision::default());
    let changed = Overrides {
        servers: Some(2),
        overflow: Some(Overflow::Wait),
        ..Overrides::default()
    };
    assert_eq!(fault.standing(1.0), Some(changed));
}

/// What befalls the whole process is nothing that a request could meet.
#[test]
fn crash_hang_and_partition_are_actions_and_no_decisions() {
    for (kind, action) in [
        (
            "crash",
            Action::Crash {
                down_us: Some(1_500_000),
            },
        ),
        ("hang", Action::Hang),
        ("partition", Action::Partition),
    ] {
        let fault = build(kind);
        assert_eq!(fault.action(), Some(action), "{kind}");
        assert_eq!(decide(&*fault, 0), Decision::default(), "{kind}");
        assert_eq!(fault.standing(1.0), None, "{kind}");
        assert!(!fault.meets_requests(), "{kind}");
    }
    let until_stop = build_with("crash", &json!({}));
    assert_eq!(until_stop.action(), Some(Action::Crash { down_us: None }));
}

#[test]
fn a_partition_in_one_direction_is_no_action_for_a_disconnection_has_two() {
    let cut = |params: Value| {
        let fault = build_with("partition", &params);
        (fault.cut(), fault.action())
    };
    let both = (Some(Direction::Both), Some(Action::Partition));
    assert_eq!(cut(json!({})), both);
    assert_eq!(cut(json!({ "direction": "both" })), both);
    let to = cut(json!({ "direction": "to" }));
    assert_eq!(to, (Some(Direction::To), None));
    let from = cut(json!({ "direction": "from" }));
    assert_eq!(from, (Some(Direction::From), None));
}

#[test]
fn cpu_throttling_changes_the_quota_for_everybody_and_is_an_action_too() {
    let fault = build("cpu_throttling");
    assert_eq!(decide(&*fault, 0), Decision::default());
    let changed = Overrides {
        cpu_quota_ms: Some(20.0),
        ..Overrides::default()
    };
    assert_eq!(fault.standing(1.0), Some(changed));
    assert_eq!(fault.action(), Some(Action::CpuQuota { quota_ms: 20.0 }));
    assert!(fault.meets_requests(), "each request meets the quota");
}
