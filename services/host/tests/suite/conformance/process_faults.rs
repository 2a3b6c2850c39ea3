//! Faults that befall a process as a whole: it dies, or it stands still.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Service, Topology};
use serde_json::{Value, json};

use super::{MS, Outcome, Shown, Stage, Subject, conform, lasting, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_crash_cuts_what_is_in_progress_refuses_and_ends,
        &[Subject::on_service("crash")],
    ),
    (
        a_crash_that_is_short_ends_before_the_fault,
        &[Subject::on_service("crash")],
    ),
    (
        a_crash_of_an_instance_leaves_its_siblings_alone,
        &[Subject::on_instance("crash")],
    ),
    (
        a_process_that_hangs_lets_nothing_in_or_out,
        &[Subject::on_service("hang")],
    ),
    (
        a_caller_of_a_hung_process_gives_up_and_the_process_hears_of_it,
        &[
            Subject::on_service("hang"),
            Subject::Protocol("cancellation"),
        ],
    ),
    (
        a_hang_of_an_instance_leaves_its_siblings_alone,
        &[Subject::on_instance("hang")],
    ),
];

/// When the faults begin: late enough for a request to be at its target, early enough for it to be
/// there still.
const START_US: u64 = 300 * MS;
const STOP_US: u64 = 600 * MS;

fn on(kind: &str, target: Target, params: Value) -> [Planned; 1] {
    [lasting(kind, target, params, START_US, STOP_US)]
}

/// A system whose reranker works for half a second: a request that comes at once is there when a
/// fault begins.
fn slow_reranker() -> Topology {
    let mut topology = small();
    topology.reranker.service_time = Dist::fixed(500.0);
    topology
}

/// How a request ended, with the message where it failed.
fn ending((status, body): (u16, Value)) -> (u16, Value) {
    (status, body["error"]["message"].clone())
}

async fn until_started(stage: &Stage) {
    stage
        .until(|seen| seen.logs_of("process started").next().is_some())
        .await;
}

#[test]
fn a_crash_cuts_what_is_in_progress_refuses_and_ends() {
    let faults = on("crash", Target::service(Service::RERANKER), json!({}));
    conform(
        &slow_reranker(),
        &faults,
        async |stage: Stage| {
            let cut = ending(stage.asking("cut").await.expect("no panic"));
            let refused = ending(stage.asking("refused").await.expect("no panic"));
            until_started(&stage).await;
            let after = ending(stage.asking("after").await.expect("no panic"));
            (cut, refused, after)
        },
        |outcome| {
            let (cut, refused, after) = &outcome.answer;
            assert_eq!(*cut, (503, json!("connection reset")));
            assert_eq!(*refused, (503, json!("connection refused")));
            assert_eq!(*after, (200, Value::Null));
            assert_eq!(outcome.witnesses[0].firings, 1);
            let calls = outcome.calls("reranker");
            let errors: Vec<&str> = calls.iter().map(|call| call.error()).collect();
            assert_eq!(errors, ["UNAVAILABLE", "UNAVAILABLE", ""]);
            outcome.assert_at("the cut", calls[0].end_us, START_US);
            let served = outcome.the_served("reranker-0");
            assert_eq!(
                served.parent.as_ref(),
                Some(&calls[2].id),
                "the others are lost"
            );
            assert!(outcome.run_us(served.start_us) >= STOP_US);
            let started: Vec<_> = outcome.seen.logs_of("process started").collect();
            assert_eq!(started.len(), 1);
            assert_eq!(
                (&started[0]["instance"], &started[0]["restarts"]),
                (&json!("reranker-0"), &json!(1))
            );
            assert_eq!(outcome.seen.left_open, 0);
        },
    );
}

#[test]
fn a_crash_that_is_short_ends_before_the_fault() {
    let long_us = 60_000 * MS;
    let target = Target::service(Service::LLM);
    let faults = [lasting(
        "crash",
        target,
        json!({ "down_ms": 40.0 }),
        100 * MS,
        long_us,
    )];
    conform(
        &small(),
        &faults,
        async |stage: Stage| {
            until_started(&stage).await;
            (
                stage.asking("after").await.expect("no panic").0,
                stage.clock.now_us(),
            )
        },
        |outcome| {
            let (status, done_us) = outcome.answer;
            assert_eq!(status, 200);
            assert!((140 * MS..long_us).contains(&done_us), "{done_us} us");
            assert_eq!(outcome.log_of("llm-0")[0], "process started");
            outcome.assert_whole();
        },
    );
}

/// Two replicas of each partition, of which the coordinator asks the other where one fails, or takes
/// longer than `timeout_ms` (0 for no such limit).
fn replicated(timeout_ms: f64) -> Topology {
    let mut topology = small();
    topology.vector_db.replicas = 2;
    topology.vector_db.shard_call.attempts = 2;
    topology.vector_db.shard_call.backoff_ms = 0.0;
    topology.vector_db.shard_call.timeout_ms = timeout_ms;
    topology
}

/// Asks six times while a fault is in force, and returns the statuses.
async fn ask_meanwhile(stage: &Stage) -> Vec<u16> {
    stage.clock.sleep_until_us(START_US + MS).await;
    let asked: Vec<_> = (0..6)
        .map(|number| stage.asking(&format!("r-{number}")))
        .collect();
    let mut statuses = Vec::new();
    for asking in asked {
        statuses.push(asking.await.expect("no panic").0);
    }
    statuses
}

/// Errors of the calls of a replica of the first partition.
fn errors_of<'a, T>(outcome: &'a Outcome<T>, replica: &str) -> Vec<&'a str> {
    let calls = outcome.calls("shard").into_iter();
    let calls = calls.filter(|call| call.attribute("server.instance") == replica);
    calls.map(|call| call.error()).collect()
}

#[test]
fn a_crash_of_an_instance_leaves_its_siblings_alone() {
    let long_us = 60_000 * MS;
    let target = Target::instance("shard-0-0");
    conform(
        &replicated(0.0),
        &[lasting("crash", target, json!({}), START_US, long_us)],
        async |stage: Stage| ask_meanwhile(&stage).await,
        |outcome| {
            assert_eq!(outcome.answer, [200; 6]);
            let failed = errors_of(outcome, "shard-0-0");
            assert!(
                !failed.is_empty() && failed.iter().all(|error| *error == "UNAVAILABLE"),
                "{failed:?}"
            );
            assert_eq!(errors_of(outcome, "shard-0-1"), [""; 6]);
            assert!(outcome.served("shard-0-0").is_empty());
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_process_that_hangs_lets_nothing_in_or_out() {
    let faults = on("hang", Target::service(Service::RERANKER), json!({}));
    conform(
        &slow_reranker(),
        &faults,
        async |stage: Stage| {
            let in_progress = stage.asking("in-progress");
            stage.clock.sleep_until_us(START_US + 50 * MS).await;
            let within = stage.asking("within");
            [
                in_progress.await.expect("no panic").0,
                within.await.expect("no panic").0,
            ]
        },
        |outcome| {
            assert_eq!(outcome.answer, [200, 200]);
            assert_eq!(outcome.witnesses[0].firings, 1);
            let served = outcome.served("reranker-0");
            assert_eq!(served.len(), 2);
            // Its half second passed while the process stood still, so that it is done at once.
            assert!(outcome.run_us(served[0].start_us) < START_US);
            outcome.assert_at("the end of the first", served[0].end_us, STOP_US);
            // The other's begins when the process goes on.
            outcome.assert_at("the begin of the second", served[1].start_us, STOP_US);
            outcome.assert_took("the second", served[1].length_us(), 500 * MS);
            let call = outcome.calls("reranker")[1];
            assert!(
                outcome.run_us(call.start_us) < STOP_US,
                "it waited between the two sides"
            );
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_caller_of_a_hung_process_gives_up_and_the_process_hears_of_it() {
    let mut topology = slow_reranker();
    topology.gateway.reranker_call.timeout_ms = 400.0;
    let stop_us = 900 * MS;
    let target = Target::service(Service::RERANKER);
    conform(
        &topology,
        &[lasting("hang", target, json!({}), START_US, stop_us)],
        async |stage: Stage| {
            let in_progress = stage.asking("in-progress");
            stage.clock.sleep_until_us(START_US + 20 * MS).await;
            let within = stage.asking("within");
            let statuses = [
                in_progress.await.expect("no panic").0,
                within.await.expect("no panic").0,
            ];
            stage
                .until(|seen| seen.spans.iter().any(|span| span.instance == "reranker-0"))
                .await;
            stage.clock.sleep_until_us(stop_us + 50 * MS).await;
            statuses
        },
        |outcome| {
            assert_eq!(outcome.answer, [504, 504]);
            let calls = outcome.calls("reranker");
            assert!(calls.iter().all(|call| call.error() == "DEADLINE_EXCEEDED"));
            // The second was given up before the process could begin with it.
            let served = outcome.the_served("reranker-0");
            assert_eq!(
                (served.error(), served.parent.as_ref()),
                ("CANCELLED", Some(&calls[0].id))
            );
            outcome.assert_at("the process's hearing of it", served.end_us, stop_us);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_hang_of_an_instance_leaves_its_siblings_alone() {
    let long_us = 60_000 * MS;
    let target = Target::instance("shard-0-0");
    conform(
        &replicated(60.0),
        &[lasting("hang", target, json!({}), START_US, long_us)],
        async |stage: Stage| ask_meanwhile(&stage).await,
        |outcome| {
            assert_eq!(outcome.answer, [200; 6]);
            let failed = errors_of(outcome, "shard-0-0");
            assert!(
                !failed.is_empty() && failed.iter().all(|error| *error == "DEADLINE_EXCEEDED"),
                "{failed:?}"
            );
            assert!(outcome.served("shard-0-0").is_empty());
            let late = outcome.seen.logs_of("query failed");
            assert_eq!(late.count(), 0);
        },
    );
}
