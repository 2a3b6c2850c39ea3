//! The resources against queueing theory: mean waits, utilizations and losses within 5 % of the
//! closed forms, and single servers request by request against Lindley's recursion.
//!
//! At a utilization of 0.95 waits hang together over thousands of requests, so that it takes six
//! million of them for the mean to have a standard error of 1.7 %: `requests_for` says how many. Only
//! the recursion gets so many: since each wait of a resource is the recursion's, what holds for its
//! mean holds for the resource's.

mod closed_forms;
mod traffic;

use std::sync::{Arc, Mutex};

use ragdoll_model::topology::{Llm, LockScope};
use ragdoll_model::{Dist, Service};
use ragdoll_resources::engine::{Prompt, Stage};
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Cpu, Engine, Lock, Pool, Workers};
use ragdoll_runtime::random::exponential;
use ragdoll_runtime::{Clock, Streams, run_virtual};
use ragdoll_telemetry::RequestContext;

use closed_forms::{Markovian, lognormal_moments, pollaczek_khinchine};
use traffic::{Tally, assert_near, offer};

const SERVICE_MS: f64 = 10.0;
const TOLERANCE: f64 = 0.05;
const NO_BOUND: u32 = u32::MAX;

/// Requests through a resource at most, each of whose waits is compared.
const COMPARED_MAX: u64 = 400_000;

/// Enough for a standard error of about 1 % at 0.5 and 0.8, and of 1.7 % at 0.95.
fn requests_for(system: &Markovian) -> u64 {
    let requests = match system.utilization() {
        rho if rho < 0.6 => 400_000,
        rho if rho < 0.9 => 1_000_000,
        _ => 6_000_000,
    };
    assert!(system.relative_error_of_mean_wait(requests) < 0.018);
    requests
}

/// When each server is free, were all requests served in the order in which they come: Lindley's
/// recursion, and for several servers that of Kiefer and Wolfowitz.
struct Recursion {
    free_at_us: Vec<u64>,
}

impl Recursion {
    fn new(servers: u32) -> Self {
        Recursion {
            free_at_us: vec![0; servers as usize],
        }
    }

    fn wait_us(&mut self, arrived_us: u64, service_us: u64) -> u64 {
        let next_free = self.free_at_us.iter_mut().min().expect("a server");
        let start_us = arrived_us.max(*next_free);
        *next_free = start_us + service_us;
        start_us - arrived_us
    }
}

struct Outcome {
    tally: Tally,
    utilization: f64,
}

/// Poisson traffic through workers. Without a bound, every single wait is the recursion's.
fn through_workers(system: Markovian, bound: u32, service: Dist, requests: u64) -> Outcome {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::METADATA, 1);
        let workers = Workers::new(&bench.instance, system.servers, bound);
        let tally = Tally::default();
        let recursion = Arc::new(Mutex::new(Recursion::new(system.servers)));
        let serve = |context: RequestContext| {
            let (clock, workers, tally) = (clock.clone(), workers.clone(), tally.clone());
            let recursion = recursion.clone();
            async move {
                let arrived_us = clock.now_us();
                let service_us = workers.service_time_us(&context, &service);
                let expected_us = {
                    let mut recursion = recursion.lock().expect("not poisoned");
                    recursion.wait_us(arrived_us, service_us)
                };
                let Ok(_worker) = workers.acquire(&context).await else {
                    return tally.lose();
                };
                let waited_us = clock.now_us() - arrived_us;
                assert!(bound < NO_BOUND || waited_us == expected_us);
                tally.serve(waited_us);
                clock.sleep_us(service_us).await;
            }
        };
        let rate = system.arrival_rate;
        let gauge = "worker.utilization";
        let utilization = offer(&clock, &bench, requests, rate, gauge, serve).await;
        Outcome { tally, utilization }
    })
}

fn exponential_ms(mean_ms: f64) -> Dist {
    Dist::Exponential { mean_ms }
}

/// Mean wait of the recursion alone, under Poisson traffic with exponential service times.
fn mean_wait_of_recursion_ms(system: &Markovian, requests: u64) -> f64 {
    let streams = Streams::new(13);
    let [mut gaps, mut services] = ["gaps", "services"].map(|name| streams.stream(name).rng());
    let mut recursion = Recursion::new(system.servers);
    let (mut arrived_us, mut waited_us) = (0.0, 0);
    for _ in 0..requests {
        arrived_us += exponential(1000.0 / system.arrival_rate, &mut gaps);
        let service_us = exponential(1000.0 / system.service_rate, &mut services);
        waited_us += recursion.wait_us(arrived_us as u64, service_us as u64);
    }
    waited_us as f64 / 1000.0 / requests as f64
}

fn workers_agree_with_erlang_c(utilization: f64, servers: u32) {
    let system = Markovian::loaded(utilization, SERVICE_MS, servers);
    let requests = requests_for(&system);
    let compared = requests.min(COMPARED_MAX);
    let found = through_workers(system, NO_BOUND, exponential_ms(SERVICE_MS), compared);
    assert_eq!(found.tally.served(), compared);
    let mean_wait_ms = match compared == requests {
        true => found.tally.mean_wait_ms(),
        false => mean_wait_of_recursion_ms(&system, requests),
    };
    assert_near("mean wait", mean_wait_ms, system.mean_wait(), TOLERANCE);
    assert_near("utilization", found.utilization, utilization, TOLERANCE);
}

#[test]
fn one_worker_is_an_mm1_queue() {
    for utilization in [0.5, 0.8, 0.95] {
        workers_agree_with_erlang_c(utilization, 1);
    }
}

#[test]
fn four_workers_are_an_mm4_queue() {
    for utilization in [0.5, 0.8, 0.95] {
        workers_agree_with_erlang_c(utilization, 4);
    }
}

#[test]
fn a_bounded_queue_loses_what_mmck_loses() {
    for (servers, bound) in [(1, 3), (4, 0), (4, 2)] {
        for utilization in [0.5, 0.8, 0.95] {
            let system = Markovian::loaded(utilization, SERVICE_MS, servers);
            let loss = system.loss(bound);
            // So many losses have a standard error below 2 %, although they come in bursts.
            let requests = (16_000.0 / loss).min(400_000.0) as u64;
            let found = through_workers(system, bound, exponential_ms(SERVICE_MS), requests);
            let name = format!("loss of M/M/{servers}/{} at {utilization}", servers + bound);
            assert_near(&name, found.tally.loss(), loss, TOLERANCE);
            let carried = utilization * (1.0 - loss);
            assert_near("utilization", found.utilization, carried, TOLERANCE);
        }
    }
}

#[test]
fn service_times_of_other_shapes_follow_pollaczek_and_khinchine() {
    let system = Markovian::loaded(0.8, SERVICE_MS, 1);
    let (rate, requests) = (system.arrival_rate, 400_000);

    let fixed = through_workers(system, NO_BOUND, Dist::fixed(SERVICE_MS), requests);
    let expected = pollaczek_khinchine(rate, SERVICE_MS, SERVICE_MS * SERVICE_MS);
    assert_near("M/D/1", fixed.tally.mean_wait_ms(), expected, TOLERANCE);

    let sigma = 0.6;
    let median_ms = SERVICE_MS / lognormal_moments(1.0, sigma).0;
    let service = Dist::lognormal(median_ms, sigma);
    let lognormal = through_workers(system, NO_BOUND, service, requests);
    let (mean, second_moment) = lognormal_moments(median_ms, sigma);
    let expected = pollaczek_khinchine(rate, mean, second_moment);
    assert_near("M/G/1", lognormal.tally.mean_wait_ms(), expected, TOLERANCE);
}

/// Poisson traffic through a lock with these keys; returns the mean wait and the utilization.
fn through_lock(scope: LockScope, keys: u64, rate: f64, hold: Dist) -> (f64, f64) {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::METADATA, 2);
        let lock = Lock::new(&bench.instance, "table", scope);
        let (tally, users) = (Tally::default(), Streams::new(3).stream("users"));
        let serve = |context: RequestContext| {
            let (clock, lock, tally) = (clock.clone(), lock.clone(), tally.clone());
            async move {
                use rand::RngExt as _;
                let key = context.random(users).random_range(0..keys).to_string();
                let arrived_us = clock.now_us();
                lock.hold(&context, &key, &hold).await.expect("no deadlock");
                tally.serve(clock.now_us() - arrived_us);
            }
        };
        let gauge = "lock.utilization";
        let utilization = offer(&clock, &bench, 400_000, rate, gauge, serve).await;
        (tally.mean_wait_ms(), utilization)
    })
}

#[test]
fn a_global_lock_is_one_mg1_queue_and_locks_with_a_key_each_are_many() {
    let sigma = 0.5;
    let median_ms = SERVICE_MS / lognormal_moments(1.0, sigma).0;
    let hold = Dist::lognormal(median_ms, sigma);
    let (mean, second_moment) = lognormal_moments(median_ms, sigma);
    let rate = 0.8 / SERVICE_MS;

    let (sojourn, utilization) = through_lock(LockScope::Global, 8, rate, hold);
    let expected = mean + pollaczek_khinchine(rate, mean, second_moment);
    assert_near("global", sojourn, expected, TOLERANCE);
    assert_near("utilization", utilization, 0.8, TOLERANCE);

    let (sojourn, utilization) = through_lock(LockScope::PerKey, 8, 8.0 * rate, hold);
    assert_near("per key", sojourn, expected, TOLERANCE);
    assert_near("utilization of the busiest", utilization, 0.8, TOLERANCE);
}

#[test]
fn a_pool_loses_what_loses_its_patience_and_leaks_nothing() {
    run_virtual(|clock| async move {
        let (servers, patience_ms) = (4, 15.0);
        let system = Markovian::loaded(0.95, SERVICE_MS, servers);
        let bench = Bench::new(&clock, Service::GATEWAY, 4);
        let pool = Pool::new(&bench.instance, "metadata", servers, patience_ms);
        let (tally, random) = (Tally::default(), Streams::new(5).stream("hold"));
        let serve = |context: RequestContext| {
            let (clock, pool, tally) = (clock.clone(), pool.clone(), tally.clone());
            async move {
                let arrived_us = clock.now_us();
                let Ok(_connection) = pool.acquire(&context).await else {
                    assert_eq!(clock.now_us() - arrived_us, 15_000);
                    return tally.lose();
                };
                tally.serve(clock.now_us() - arrived_us);
                let hold_ms = exponential(SERVICE_MS, &mut context.random(random));
                clock.sleep_us((hold_ms * 1000.0) as u64).await;
            }
        };
        let gauge = "db.client.connection.max";
        offer(&clock, &bench, 400_000, system.arrival_rate, gauge, serve).await;
        let expected = system.abandonment(patience_ms);
        assert_near("abandonment", tally.loss(), expected, TOLERANCE);
        let gauges = bench.gauges();
        assert_eq!(gauges["db.client.connection.count"], 0.0);
        assert_eq!(gauges["db.client.connection.pending_requests"], 0.0);
    });
}

#[test]
fn work_on_one_processor_takes_as_long_as_under_processor_sharing() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::RERANKER, 6);
        let cpu = Cpu::new(&bench.instance, 1, 0.0);
        let tally = Tally::default();
        let (utilization, work_us) = (0.6, 10_000);
        let serve = |context: RequestContext| {
            let (clock, cpu, tally) = (clock.clone(), cpu.clone(), tally.clone());
            async move {
                let arrived_us = clock.now_us();
                cpu.run(&context, work_us).await;
                tally.serve(clock.now_us() - arrived_us);
            }
        };
        let gauge = "process.cpu.utilization";
        let rate = utilization / SERVICE_MS;
        let found = offer(&clock, &bench, 400_000, rate, gauge, serve).await;
        let expected = SERVICE_MS / (1.0 - utilization);
        assert_near(
            "time in the system",
            tally.mean_wait_ms(),
            expected,
            TOLERANCE,
        );
        assert_near("utilization", found, utilization, TOLERANCE);
    });
}

/// Prompts of exponential length, one token each, through an engine with one place.
async fn through_engine(clock: &Clock, bench: &Bench, rate: f64) -> (f64, f64) {
    let spec = Llm {
        max_num_seqs: 1,
        max_num_batched_tokens: 1_000_000,
        num_gpu_blocks: 1_000_000,
        prefill_per_token_ms: 0.001,
        queue_bound: NO_BOUND,
        ..Llm::default()
    };
    let engine = Engine::start(&bench.instance, &spec);
    let (tally, random) = (Tally::default(), Streams::new(7).stream("prompts"));
    let serve = |context: RequestContext| {
        let (engine, tally) = (engine.clone(), tally.clone());
        async move {
            let tokens = exponential(SERVICE_MS * 1000.0, &mut context.random(random));
            let prompt = Prompt {
                prompt_tokens: tokens.round() as u32,
                output_tokens: 1,
                progress: None,
            };
            let generation = engine.generate(&context, prompt).await;
            tally.serve(generation.expect("no bound").time_us(Stage::Queue));
        }
    };
    let gauge = "worker.utilization";
    let utilization = offer(clock, bench, 400_000, rate, gauge, serve).await;
    (tally.mean_wait_ms(), utilization)
}

#[test]
fn an_engine_with_one_place_that_only_prefills_is_an_mm1_queue() {
    run_virtual(|clock| async move {
        let bench = Bench::new(&clock, Service::LLM, 8);
        let system = Markovian::loaded(0.8, SERVICE_MS, 1);
        let (wait, utilization) = through_engine(&clock, &bench, system.arrival_rate).await;
        assert_near("mean wait", wait, system.mean_wait(), TOLERANCE);
        assert_near("utilization", utilization, 0.8, TOLERANCE);
    });
}
