//! The driver on the virtual ground: what open and closed loops do to a system.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ragdoll_load::{Ask, PhaseLoad, QuerySource, Schedule, drive};
use ragdoll_model::{Arrivals, Workload};
use ragdoll_runtime::{Clock, Streams, run_virtual};

const SECOND_US: u64 = 1_000_000;

fn constant(per_s: f64) -> Arrivals {
    Arrivals {
        constant_per_s: Some(per_s),
        ..Arrivals::default()
    }
}

fn users(users: u32, think_ms: f64) -> Arrivals {
    Arrivals {
        users: Some(users),
        think_ms: Some(think_ms),
        ..Arrivals::default()
    }
}

/// Phases of these lengths in seconds, one after the other.
fn phases(parts: &[(u64, Arrivals)]) -> Vec<PhaseLoad> {
    let mut start_us = 0;
    let mut phases = Vec::new();
    for (number, (length_s, arrivals)) in parts.iter().enumerate() {
        let end_us = start_us + length_s * SECOND_US;
        phases.push(PhaseLoad {
            name: format!("phase {number}"),
            start_us,
            end_us,
            arrivals: arrivals.clone(),
        });
        start_us = end_us;
    }
    phases
}

/// A request that was sent, and when it was done.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Done {
    ask: Ask,
    sent_us: u64,
    done_us: u64,
}

/// Drives a server with the load, and returns the requests in the order in which they were done.
fn run<F>(parts: &[(u64, Arrivals)], server: impl Fn(Clock) -> F) -> Vec<Done>
where
    F: AsyncServer,
{
    let streams = Streams::new(3);
    let schedule = Schedule::new(streams.stream("load"), &phases(parts), Path::new(""))
        .expect("the schedule is valid");
    let queries = QuerySource::new(streams.stream("queries"), &Workload::default(), 16);
    let done = Arc::new(Mutex::new(Vec::new()));
    let sent = run_virtual(|clock| {
        let server = Arc::new(server(clock.clone()));
        let (clock_of_send, done) = (clock.clone(), done.clone());
        let send = move |ask| {
            let (clock, server, done) = (clock_of_send.clone(), server.clone(), done.clone());
            async move {
                let sent_us = clock.now_us();
                server.serve().await;
                let done_us = clock.now_us();
                done.lock().expect("no test panics here").push(Done {
                    ask,
                    sent_us,
                    done_us,
                });
            }
        };
        drive(clock, schedule.into(), queries.into(), send)
    })
    .expect("the load is within bounds");
    let done = std::mem::take(&mut *done.lock().expect("no test panics here"));
    assert_eq!(sent, done.len() as u64);
    done
}

trait AsyncServer: Send + Sync + 'static {
    fn serve(&self) -> impl Future<Output = ()> + Send;
}

/// Answers each request after the same time, however many there are.
struct Delay {
    clock: Clock,
    delay_us: u64,
}

impl AsyncServer for Delay {
    async fn serve(&self) {
        self.clock.sleep_us(self.delay_us).await;
    }
}

/// Answers one request after the other, and does nothing during a stall.
struct SingleServer {
    clock: Clock,
    free: tokio::sync::Mutex<()>,
    service_us: u64,
    stall_us: std::ops::Range<u64>,
}

impl SingleServer {
    fn new(clock: Clock, service_us: u64, stall_us: std::ops::Range<u64>) -> Self {
        SingleServer {
            clock,
            free: tokio::sync::Mutex::new(()),
            service_us,
            stall_us,
        }
    }
}

impl AsyncServer for SingleServer {
    async fn serve(&self) {
        let _turn = self.free.lock().await;
        if self.stall_us.contains(&self.clock.now_us()) {
            self.clock.sleep_until_us(self.stall_us.end).await;
        }
        self.clock.sleep_us(self.service_us).await;
    }
}

/// Latencies from the moment at which requests were due, in order.
fn latencies_ms(done: &[Done]) -> Vec<f64> {
    let us = |done: &Done| done.done_us - done.ask.intended_us;
    let mut latencies_ms: Vec<f64> = done.iter().map(|done| us(done) as f64 / 1_000.0).collect();
    latencies_ms.sort_by(f64::total_cmp);
    latencies_ms
}

/// The latency of the slowest but one in a hundred.
fn p99_ms(latencies_ms: &[f64]) -> f64 {
    latencies_ms[latencies_ms.len() * 99 / 100]
}

#[test]
fn the_open_loop_sends_what_is_due_and_numbers_it_in_order() {
    let mut done = run(&[(10, constant(100.0))], |clock| Delay {
        clock,
        delay_us: 30 * SECOND_US,
    });
    done.sort_by_key(|done| done.ask.plan.request);
    assert_eq!(done.len(), 1_000);
    for (number, done) in (0..).zip(done) {
        let due_us = number * 10_000;
        assert_eq!(done.ask.plan.request.0, number);
        assert_eq!((done.ask.intended_us, done.sent_us), (due_us, due_us));
        assert_eq!(done.done_us, due_us + 30 * SECOND_US);
    }
}

#[test]
fn a_stall_cannot_hide_from_the_open_loop() {
    let stalling = |clock| SingleServer::new(clock, 1_000, 10 * SECOND_US..15 * SECOND_US);
    // Of 6,000 requests, 500 fall into the stall. They wait from 5 s down to 0, and the slowest 60
    // of them over 4.4 s.
    let open = latencies_ms(&run(&[(60, constant(100.0))], stalling));
    assert_eq!(open.len(), 6_000);
    let p99 = p99_ms(&open);
    assert!((4_300.0..5_001.0).contains(&p99), "p99 {p99} ms");

    // A closed loop of the same throughput sends a single request into the stall: the p99 of the
    // very same system looks fine.
    let closed = latencies_ms(&run(&[(60, users(1, 9.0))], stalling));
    let p99 = p99_ms(&closed);
    assert!(p99 < 2.0, "p99 {p99} ms");
    assert!(
        closed
            .last()
            .is_some_and(|&slowest_ms| slowest_ms > 4_000.0)
    );
}

/// Interactive response time law: throughput X = N / (R + Z).
fn assert_response_time_law(done: &[Done], seconds: f64, users: f64, think_ms: f64) {
    let response_ms = latencies_ms(done).iter().sum::<f64>() / done.len() as f64;
    let expected_per_s = users / (response_ms + think_ms) * 1_000.0;
    let found_per_s = done.len() as f64 / seconds;
    assert!(
        (found_per_s / expected_per_s - 1.0).abs() < 0.01,
        "{found_per_s} a second, expected {expected_per_s}"
    );
}

#[test]
fn the_throughput_of_a_closed_loop_follows_the_response_time_law() {
    let done = run(&[(2_000, users(10, 100.0))], |clock| Delay {
        clock,
        delay_us: 25_000,
    });
    assert_response_time_law(&done, 2_000.0, 10.0, 100.0);
    assert!(
        (done.len() as f64 / 160_000.0 - 1.0).abs() < 0.01,
        "{}",
        done.len()
    );

    let queued = run(&[(500, users(30, 100.0))], |clock| {
        SingleServer::new(clock, 5_000, 0..0)
    });
    assert_response_time_law(&queued, 500.0, 30.0, 100.0);
    // The single server is saturated: 200 a second, and no more.
    assert!(
        (queued.len() as f64 / 100_000.0 - 1.0).abs() < 0.01,
        "{}",
        queued.len()
    );
}

#[test]
fn no_user_has_two_requests_in_progress() {
    let done = run(&[(20, users(5, 50.0)), (20, users(8, 0.0))], |clock| {
        SingleServer::new(clock, 40_000, 0..0)
    });
    for user in 0..8 {
        let mut of_user: Vec<&Done> = done.iter().filter(|d| d.ask.plan.user == user).collect();
        of_user.sort_by_key(|done| done.ask.intended_us);
        assert!(
            of_user.len() > 10,
            "user {user} asked {} times",
            of_user.len()
        );
        for pair in of_user.windows(2) {
            assert!(pair[0].done_us <= pair[1].sent_us, "{pair:?}");
        }
        assert!(user < 5 || of_user[0].ask.intended_us >= 20 * SECOND_US);
    }
}

#[test]
fn phases_switch_between_open_and_closed_and_requests_in_progress_are_finished() {
    let parts = [
        (10, constant(10.0)),
        (10, users(4, 100.0)),
        (10, constant(0.0)),
        (10, constant(20.0)),
    ];
    let mut done = run(&parts, |clock| Delay {
        clock,
        delay_us: 3 * SECOND_US,
    });
    let in_phase = |phase| done.iter().filter(move |done| done.ask.phase == phase);
    assert_eq!(in_phase(0).count(), 100);
    assert!(
        (8..=16).contains(&in_phase(1).count()),
        "{}",
        in_phase(1).count()
    );
    assert_eq!(in_phase(2).count(), 0);
    assert_eq!(in_phase(3).count(), 200);
    for done in &done {
        let start_us = done.ask.phase as u64 * 10 * SECOND_US;
        assert!((start_us..start_us + 10 * SECOND_US).contains(&done.ask.intended_us));
    }
    let last_of_closed_us = in_phase(1).map(|done| done.done_us).max();
    assert!(
        last_of_closed_us > Some(20 * SECOND_US),
        "{last_of_closed_us:?}"
    );

    done.sort_by_key(|done| done.ask.plan.request);
    assert!(done.is_sorted_by_key(|done| done.ask.intended_us));
    assert!(
        (0..)
            .zip(&done)
            .all(|(number, done)| done.ask.plan.request.0 == number)
    );
}

#[test]
fn the_same_seed_asks_the_same_at_the_same_times() {
    let parts = [(5, users(20, 30.0)), (5, constant(50.0))];
    let twice = [(); 2].map(|()| run(&parts, |clock| SingleServer::new(clock, 2_000, 0..0)));
    assert!(twice[0].len() > 500, "{}", twice[0].len());
    assert_eq!(twice[0], twice[1]);
}

#[test]
#[should_panic(expected = "request 3 broke an invariant")]
fn a_panic_while_sending_is_passed_on() {
    let streams = Streams::new(3);
    let phases = phases(&[(1, constant(10.0))]);
    let schedule = Schedule::new(streams.stream("load"), &phases, Path::new(""))
        .expect("the schedule is valid");
    let queries = QuerySource::new(streams.stream("queries"), &Workload::default(), 16);
    let send = |ask: Ask| async move {
        let request = ask.plan.request;
        assert!(request.0 != 3, "request {request} broke an invariant");
    };
    let sent = run_virtual(|clock| drive(clock, schedule.into(), queries.into(), send));
    unreachable!("{sent:?} although a request panicked");
}
