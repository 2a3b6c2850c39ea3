//! What metrics say of a place that spans point to: memory that grows, pools without a connection left,
//! quotas that run out; by the names of whoever measures them.

use crate::common::metered::{
    BACK, BASELINE_S, FAILING, MIB, SLOW, WINDOW_S, Work, found, gauges, lines, sampled, then,
    wobble,
};
use ragdoll_analyser::Cause;

use crate::common::Book;

fn memory_that_grows(book: &mut Book) {
    let flat = |second| 100.0 * MIB * (1.0 + wobble(second));
    let grows = |second| MIB * (100.0 + 6.0 * f64::from(second)) * (1.0 + wobble(second));
    gauges(book, "process.memory.usage", &[], flat, grows);
    gauges(
        book,
        "process.memory.limit",
        &[],
        |_| 512.0 * MIB,
        |_| 512.0 * MIB,
    );
}

#[test]
fn memory_that_grows_is_told_and_alone_blames_nothing() {
    let mut book = then(SLOW);
    memory_that_grows(&mut book);
    insta::assert_snapshot!("memory_that_grows", lines(&found(&book)));
}

#[test]
fn memory_that_grows_and_collections_that_take_longer_are_a_leak() {
    let mut book = then(SLOW);
    memory_that_grows(&mut book);
    let name = "jvm_gc_collection_seconds_sum";
    let (rarely, often) = (
        |second| 0.001 * f64::from(second),
        |second| 0.2 * f64::from(second),
    );
    gauges(
        &mut book,
        name,
        &[("gc", "G1 Old Generation")],
        rarely,
        often,
    );
    insta::assert_snapshot!("memory_that_leaks", lines(&found(&book)));
}

#[test]
fn growth_is_that_of_each_life_of_a_process() {
    let mut book = then(SLOW);
    let saw = |second: u32| MIB * (100.0 + 20.0 * f64::from(second % 20)) * (1.0 + wobble(second));
    gauges(
        &mut book,
        "container_memory_working_set_bytes",
        &[],
        |_| 100.0 * MIB,
        saw,
    );
    insta::assert_snapshot!("memory_of_several_lives", lines(&found(&book)));
    // A process that was up all the time and frees memory now and then does not grow.
    gauges(&mut book, "process.uptime", &[], f64::from, |second| {
        100.0 + f64::from(second)
    });
    assert!(!lines(&found(&book)).contains("growth"));
}

#[test]
fn growth_counts_between_deaths_and_not_while_the_process_is_down() {
    let mut book = then(SLOW);
    // Five seconds of growth, one at the limit, three down; the peak of the last second is told with its death.
    let (life, limit) = (9, 4096.0 * MIB);
    let used = move |second: u32| match second % life {
        at @ 0..=4 => MIB * (1000.0 + 700.0 * f64::from(at)) * (1.0 + wobble(second)),
        5 => limit,
        _ => 0.0,
    };
    let up = move |second: u32| match second % life {
        at @ 0..=4 => f64::from(at + 1),
        _ => 0.0,
    };
    gauges(
        &mut book,
        "process.memory.usage",
        &[],
        |_| 1000.0 * MIB,
        used,
    );
    gauges(&mut book, "process.memory.limit", &[], |_| limit, |_| limit);
    gauges(
        &mut book,
        "process.uptime",
        &[],
        |second| 100.0 + f64::from(second),
        up,
    );
    insta::assert_snapshot!("memory_between_deaths", lines(&found(&book)));
}

#[test]
fn memory_that_is_merely_higher_or_uneven_does_not_grow() {
    let higher = |second: u32| {
        if second < 20 {
            100.0 * MIB
        } else {
            300.0 * MIB
        }
    };
    let uneven = |second: u32| MIB * (100.0 + f64::from(second * 7919 % 101));
    let as_before = |second: u32| MIB * (100.0 + 6.0 * f64::from(second));
    for (before, now) in [
        (uneven as fn(u32) -> f64, higher as fn(u32) -> f64),
        (uneven, uneven),
        (as_before, as_before),
    ] {
        let mut book = then(SLOW);
        gauges(&mut book, "process.memory.usage", &[], before, now);
        assert_eq!(lines(&found(&book)), "back / compute\n");
    }
}

/// `share` percent of a minute's samples at the limit of 16.
fn full(share: u32) -> impl Fn(u32) -> f64 {
    move |second| {
        if second * 37 % 60 * 100 < share * 60 {
            16.0
        } else {
            9.0
        }
    }
}

fn opentelemetry_pool(book: &mut Book, share_before: u32, share: u32) {
    let pool = ("db.client.connection.pool.name", "orders");
    let state = |state| [pool, ("db.client.connection.state", state)];
    let used = "db.client.connection.count";
    gauges(book, used, &state("used"), full(share_before), full(share));
    gauges(book, used, &state("idle"), |_| 3.0, |_| 0.0);
    gauges(
        book,
        "db.client.connection.max",
        &[pool],
        |_| 16.0,
        |_| 16.0,
    );
    gauges(
        book,
        "db.client.connection.pending_requests",
        &[pool],
        |_| 0.0,
        |_| 4.0,
    );
}

#[test]
fn work_with_no_connection_left_is_a_wait_for_one() {
    let mut book = then(SLOW);
    opentelemetry_pool(&mut book, 31, 94);
    insta::assert_snapshot!("pool_is_full", lines(&found(&book)));
    let mut book = then(SLOW);
    let pool = [("pool", "orders")];
    gauges(
        &mut book,
        "hikaricp_connections_active",
        &pool,
        full(0),
        full(100),
    );
    gauges(
        &mut book,
        "hikaricp_connections_max",
        &pool,
        |_| 16.0,
        |_| 16.0,
    );
    gauges(
        &mut book,
        "hikaricp_connections_pending",
        &pool,
        |_| 0.0,
        |_| 7.0,
    );
    insta::assert_snapshot!("pool_by_another_name_is_full", lines(&found(&book)));
}

#[test]
fn a_pool_blames_nothing_that_was_full_before_or_is_full_of_slower_calls() {
    let mut book = then(SLOW);
    opentelemetry_pool(&mut book, 94, 94);
    assert_eq!(found(&book).cause, Cause::Compute, "it was full before");
    let mut book = then(Work {
        called_ms: 25.0,
        ..SLOW
    });
    opentelemetry_pool(&mut book, 0, 100);
    let found = found(&book);
    assert_eq!(found.cause, Cause::Compute, "what it calls is slower");
    assert!(
        lines(&found).contains("connections of orders of back-0"),
        "but it is told"
    );
}

#[test]
fn failures_with_no_descriptor_left_say_so() {
    let mut book = then(FAILING);
    gauges(
        &mut book,
        "process_open_fds",
        &[],
        |_| 60.0,
        |second| f64::min(1024.0, 60.0 + 50.0 * f64::from(second)),
    );
    gauges(&mut book, "process_max_fds", &[], |_| 1024.0, |_| 1024.0);
    insta::assert_snapshot!("descriptors_are_out", lines(&found(&book)));
    let mut book = then(FAILING);
    for (name, value) in [
        ("process.unix.file_descriptor.count", 64.0),
        ("process.unix.file_descriptor.limit", 64.0),
    ] {
        sampled(&mut book, WINDOW_S, BACK, name, &[], |_| value);
    }
    let what = "samples with nearly all 64 file descriptors of back-0 in use: 100.0 %";
    assert!(
        lines(&found(&book)).contains(what),
        "nobody counted them before"
    );
}

/// The back end as a cluster's agent measures it, in both minutes.
fn measured_by_the_cluster(
    book: &mut Book,
    name: &str,
    before: impl Fn(u32) -> f64,
    now: impl Fn(u32) -> f64,
) {
    let agent = ("kubelet", "node-1");
    let of_pod = [("pod", "back-7d9c-x2x4z"), ("container", "back")];
    sampled(book, BASELINE_S, agent, name, &of_pod, before);
    sampled(book, WINDOW_S, agent, name, &of_pod, now);
}

#[test]
fn a_quota_that_runs_out_though_work_takes_no_more_is_the_processors() {
    let count = |each: f64| move |second: u32| each * f64::from(second);
    for (used, cause) in [(0.5, Cause::Cpu), (2.0, Cause::Compute)] {
        let mut book = then(SLOW);
        measured_by_the_cluster(
            &mut book,
            "container_cpu_cfs_periods_total",
            count(10.0),
            count(10.0),
        );
        measured_by_the_cluster(
            &mut book,
            "container_cpu_cfs_throttled_periods_total",
            count(0.1),
            count(7.0),
        );
        measured_by_the_cluster(
            &mut book,
            "container_cpu_usage_seconds_total",
            count(0.5),
            count(used),
        );
        let found = found(&book);
        assert_eq!((&*found.service, found.cause), ("back", cause));
        let what = "periods of its processor quota in which back-7d9c-x2x4z had to stop";
        assert!(lines(&found).contains(what), "{found:#?}");
    }
}

#[test]
fn a_container_that_is_killed_for_its_memory_fails_for_it() {
    let mut book = then(FAILING);
    let level = |second: u32| MIB * (200.0 + 30.0 * f64::from(second % 10));
    measured_by_the_cluster(
        &mut book,
        "container_memory_working_set_bytes",
        |_| 200.0 * MIB,
        level,
    );
    measured_by_the_cluster(
        &mut book,
        "container_spec_memory_limit_bytes",
        |_| 480.0 * MIB,
        |_| 480.0 * MIB,
    );
    let restarts = |second: u32| f64::from(3 + second / 10);
    measured_by_the_cluster(
        &mut book,
        "kube_pod_container_status_restarts_total",
        |_| 3.0,
        restarts,
    );
    insta::assert_snapshot!("killed_for_its_memory", lines(&found(&book)));
}
