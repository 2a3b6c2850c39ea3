//! Each method on a case that it gets right and on one that it gets wrong.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use crate::common::{Call, QUIET, Shape, observations};
use insta::assert_snapshot;
use ragdoll_analyser::Config;
use ragdoll_score::{CaseData, Cause, methods};
use ragdoll_trace::{Observations, SpanKind};

/// First services that every method names, best first.
fn said(during: Shape) -> String {
    let (observations, before, during) = observations(during);
    let case = CaseData::new("case".to_owned(), observations, before, during);
    let mut text = String::new();
    for method in methods(Config::default(), Cause::Compute) {
        if ["analyser", "random"].contains(&method.name()) {
            continue;
        }
        let guesses = method.rank(&case).guesses;
        let services: Vec<&str> = guesses.iter().map(|guess| guess.service.as_str()).collect();
        text.push_str(&format!("{}: {}\n", method.name(), or_nothing(&services)));
    }
    text
}

fn or_nothing(services: &[&str]) -> String {
    match services {
        [] => "nothing".to_owned(),
        services => services.join(" "),
    }
}

fn rank(call: Call) -> Shape {
    Shape {
        rank: call,
        ..QUIET
    }
}

#[test]
fn slower_work_grows_exclusive_time_and_not_the_way() {
    assert_snapshot!(said(rank(Call { work_ms: 45, ..QUIET.rank })), @r"
    longest_span: gateway
    exclusive_growth: rank
    call_growth: nothing
    error_growth: nothing
    ");
}

#[test]
fn a_slower_way_looks_like_the_callers_own_time() {
    assert_snapshot!(said(rank(Call { network_ms: 40, ..QUIET.rank })), @r"
    longest_span: gateway
    exclusive_growth: gateway
    call_growth: rank
    error_growth: nothing
    ");
}

#[test]
fn failing_calls_are_no_longer_than_others() {
    assert_snapshot!(said(rank(Call { fails: true, ..QUIET.rank })), @r"
    longest_span: gateway
    exclusive_growth: nothing
    call_growth: nothing
    error_growth: gateway rank
    ");
}

#[test]
fn a_failure_that_its_caller_does_not_record_is_the_callees() {
    let fails = Call {
        fails: true,
        ..QUIET.rank
    };
    let shape = Shape {
        caller_records: false,
        ..rank(fails)
    };
    assert_snapshot!(said(shape), @r"
    longest_span: gateway
    exclusive_growth: nothing
    call_growth: nothing
    error_growth: rank
    ");
}

#[test]
fn where_nothing_changes_only_the_longest_span_is_blamed() {
    assert_snapshot!(said(QUIET), @r"
    longest_span: gateway
    exclusive_growth: nothing
    call_growth: nothing
    error_growth: nothing
    ");
}

#[test]
fn the_longest_span_is_right_where_callers_record_no_calls() {
    let (whole, before, during) = observations(QUIET);
    // Drop the client spans: the servers' spans then hang off the root.
    let mut observations = Observations::default();
    let set = &whole.traces;
    for span in set.spans() {
        if span.kind == SpanKind::Client {
            continue;
        }
        let mut span = span.clone();
        let resource = observations
            .traces
            .resource(set.service(span.resource), set.instance(span.resource));
        span.name = observations.traces.intern(set.text(span.name));
        span.parent_id = span.parent_id.and_then(|_| NonZeroU64::new(1));
        span.resource = resource;
        observations.traces.push(span);
    }
    let case = CaseData::new("case".to_owned(), observations, before, during);
    let longest = &methods(Config::default(), Cause::Queue)[1];
    let guesses = longest.rank(&case).guesses;
    assert_eq!(guesses[0].service, "search");
    assert_eq!(guesses[0].cause, Cause::Queue);
}

#[test]
fn random_order_is_that_of_the_case_alone() {
    let order = |name: &str| -> Vec<String> {
        let (observations, before, during) = observations(QUIET);
        let case = CaseData::new(name.to_owned(), observations, before, during);
        let all = methods(Config::default(), Cause::Compute);
        let guesses = all[5].rank(&case).guesses;
        guesses.into_iter().map(|guess| guess.service).collect()
    };
    assert_eq!(order("a"), order("a"));
    let mut sorted = order("a");
    sorted.sort();
    assert_eq!(sorted, ["gateway", "rank", "search"]);
    let orders: BTreeSet<Vec<String>> = (0..50).map(|number| order(&number.to_string())).collect();
    assert_eq!(
        orders.len(),
        6,
        "50 cases show every order of three services"
    );
}
