//! What each kind decides: a pure function of its parameters, the request's facts and its stream.

use std::collections::BTreeSet;

use ragdoll_fault_layers::{Action, Decision, Direction, Facts, Fault, Faults};
use ragdoll_fault_spec::Catalog as _;
use ragdoll_runtime::{Overrides, Streams};
use ragdoll_telemetry::RequestContext;
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

/// Requests of many sorts: each with its number, of several users, at many times.
fn requests() -> Vec<RequestContext> {
    let request =
        |number: u64| RequestContext::new(number.to_string(), format!("user-{}", number % 7));
    (0..200).map(request).collect()
}

/// What happens to each of [`requests`].
fn decisions(fault: &dyn Fault) -> Vec<Decision> {
    let stream = Streams::new(1).stream("test");
    let decide = |(number, context): (u64, &RequestContext)| {
        let facts = Facts {
            context: Some(context),
            number,
            in_second: number,
            since_start_us: number * 50_000,
            started_us: 7,
            up_us: number * 50_000,
            ..facts()
        };
        fault.decide(&facts, &mut stream.at(number))
    };
    (0..).zip(&requests()).map(decide).collect()
}

/// All that a fault does: to requests, to its target as a whole, to the load.
fn doings(fault: &dyn Fault) -> String {
    let whole = (
        fault.standing(1.0),
        fault.action(),
        fault.cut(),
        fault.pulse(),
    );
    format!("{:?} {whole:?} {:?}", decisions(fault), fault.load())
}

/// Values of other kinds than the example's, of which each parameter takes some.
fn candidates() -> Vec<Value> {
    let mut candidates: Vec<Value> = [0.25, 0.5, 0.75, 1.5, 20.0, 300.0, 2_500.0]
        .map(Value::from)
        .into();
    candidates.extend([1, 2, 3, 80, 404, 1_000, 70_000].map(Value::from));
    candidates.extend(
        [
            "global",
            "per_key",
            "to",
            "from",
            "fail",
            "kill",
            "UNAVAILABLE",
        ]
        .map(Value::from),
    );
    candidates
        .extend(["INTERNAL", "ok", "parallel", "sequential", "wait", "reject"].map(Value::from));
    candidates.push(json!({ "fixed": { "ms": 77.0 } }));
    candidates
}

/// These parameters with another value of one of them; without it for `None`.
fn with(params: &Value, parameter: &str, value: Option<Value>) -> Value {
    let mut params = params.clone();
    let table = params.as_object_mut().expect("a table");
    match value {
        Some(value) => table.insert(parameter.to_owned(), value),
        None => table.remove(parameter),
    };
    params
}

/// All that a kind can be brought to do by one parameter, where the others stay as they are.
fn doings_by(kind: &str, parameter: &str, params: &Value) -> BTreeSet<String> {
    let others = candidates().into_iter();
    let others = others.map(|value| with(params, parameter, Some(value)));
    let all = std::iter::once(params.clone()).chain(others);
    let built = all.filter_map(|params| Faults.build(kind, &params).ok());
    built.map(|fault| doings(&*fault)).collect()
}

#[test]
fn each_parameter_makes_a_difference() {
    for info in Faults.kinds() {
        let example = Faults.example(info.name);
        let schema = Faults.params_schema(info.name);
        let properties = schema.get("properties").and_then(Value::as_object);
        let parameters: Vec<&String> = properties
            .into_iter()
            .flat_map(|found| found.keys())
            .collect();
        for parameter in &parameters {
            // Some parameters exclude others, or matter only where another has a certain value.
            let others = parameters.iter().filter(|other| *other != parameter);
            let companies = others.flat_map(|other| {
                let values = std::iter::once(None).chain(candidates().into_iter().map(Some));
                values.map(|value| with(&example, other, value))
            });
            let mut companies = std::iter::once(example.clone()).chain(companies);
            assert!(
                companies.any(|params| doings_by(info.name, parameter, &params).len() > 1),
                "{}: `{parameter}` changes nothing",
                info.name
            );
        }
    }
}

#[test]
fn a_kind_acts_on_requests_or_on_its_target_as_a_whole_as_it_says() {
    for info in Faults.kinds() {
        let fault = build(info.name);
        let meets_some = decisions(&*fault)
            .iter()
            .any(|decision| !decision.is_nothing());
        let whole =
            fault.standing(1.0).is_some() || fault.action().is_some() || fault.cut().is_some();
        let of_load = fault.load().is_some();
        assert!(meets_some || whole || of_load, "{} does nothing", info.name);
        assert_eq!(info.standing, !meets_some, "{}", info.name);
        assert!(!meets_some || fault.meets_requests(), "{}", info.name);
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
fn a_limit_of_memory_holds_for_the_process_only_where_every_request_meets_it() {
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
