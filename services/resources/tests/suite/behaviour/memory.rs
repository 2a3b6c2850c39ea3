use std::sync::Arc;

use ragdoll_model::{Dist, topology};
use ragdoll_resources::Memory;
use ragdoll_resources::testing::Bench;
use ragdoll_runtime::{Clock, Overrides};
use ragdoll_telemetry::SpanKind;

use super::{durations_ms, scenario};

fn spec() -> topology::Memory {
    topology::Memory {
        budget_bytes: 1000,
        base_bytes: 100,
        bytes_per_input_byte: 2.0,
        reclaim_ms: 500.0,
        restart_ms: 2000.0,
        ..topology::Memory::default()
    }
}

/// Serves a request as a server stack does: cut where the process dies. Returns whether it was
/// answered, and when it ended, in milliseconds.
async fn serve(
    clock: &Clock,
    bench: &Bench,
    memory: &Arc<Memory>,
    input_bytes: u64,
    work_ms: u64,
) -> (bool, f64) {
    let instance = &bench.instance;
    let context = Bench::request(input_bytes);
    let work = async {
        let span = instance
            .telemetry
            .start("serve", SpanKind::Server, &context.span, Vec::new());
        let _allocation = memory.allocate(&context, input_bytes).await;
        clock.sleep_us(work_ms * 1000).await;
        span.end();
    };
    let answered = instance.process.or_death(work).await.is_some();
    (answered, clock.now_us() as f64 / 1000.0)
}

#[test]
fn the_request_that_does_not_fit_takes_the_process_and_all_its_requests_with_it() {
    scenario(|clock, bench| async move {
        let _logs = bench.collect_logs();
        let memory = Memory::new(&bench.instance, spec());
        let short = serve(&clock, &bench, &memory, 100, 300);
        let long = serve(&clock, &bench, &memory, 100, 900);
        let fatal = async {
            clock.sleep_us(100_000).await;
            serve(&clock, &bench, &memory, 400, 1).await
        };
        let (short, long, fatal) = tokio::join!(short, long, fatal);
        assert_eq!(short, (true, 300.0));
        assert_eq!((long, fatal), ((false, 600.0), (false, 600.0)));

        let told = bench.take();
        assert_eq!(told.spans.len(), 1, "those cut are never exported");
        let logs = String::from_utf8(told.logs).expect("UTF-8");
        let lines: Vec<&str> = logs.lines().collect();
        assert_eq!(lines.len(), 2);
        for part in [
            "\"severity\":\"WARN\"",
            "\"request_id\":\"400\"",
            "\"message\":\"memory low, reclaiming\"",
        ] {
            assert!(lines[0].contains(part), "{}", lines[0]);
        }
        for part in [
            "\"severity\":\"ERROR\"",
            "OutOfMemory",
            "\"memory_bytes\":1300,\"memory_limit_bytes\":1000",
        ] {
            assert!(lines[1].contains(part), "{}", lines[1]);
        }

        let process = &bench.instance.process;
        assert!(!process.is_up());
        let gauges = bench.gauges();
        assert_eq!(gauges["process.memory.usage"], 1000.0);
        assert_eq!(gauges["process.uptime"], 0.0);
        assert_eq!(bench.gauges()["process.memory.usage"], 0.0);
        clock.sleep_until_us(2_599_999).await;
        assert!(!process.is_up());
        clock.sleep_us(2).await;
        assert!(process.is_up());
        assert_eq!(bench.gauges()["process.memory.usage"], 100.0);
        assert!(serve(&clock, &bench, &memory, 450, 1).await.0);
    });
}

#[test]
fn a_start_after_a_death_is_logged_with_the_number_of_restarts() {
    scenario(|clock, bench| async move {
        let _logs = bench.collect_logs();
        bench.instance.crash(1_000);
        bench.instance.crash(1_000);
        clock.sleep_us(5_000).await;
        let lines = bench.log_lines();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("\"message\":\"process started\",\"restarts\":1"));
    });
}

#[test]
fn a_caller_that_gives_up_does_not_save_the_process() {
    scenario(|clock, bench| async move {
        let memory = Memory::new(&bench.instance, spec());
        let fatal = serve(&clock, &bench, &memory, 10_000, 1);
        assert!(clock.timeout_us(100_000, fatal).await.is_err());
        assert!(bench.instance.process.is_up());
        clock.sleep_us(400_001).await;
        assert!(!bench.instance.process.is_up());
        assert_eq!(bench.instance.process.deaths(), 1);
    });
}

#[test]
fn usage_stays_at_the_limit_while_the_process_reclaims() {
    scenario(|clock, bench| async move {
        let memory = Memory::new(&bench.instance, spec());
        let fatal = serve(&clock, &bench, &memory, 10_000, 1);
        let watch = async {
            let mut seen = Vec::new();
            for _ in 0..3 {
                clock.sleep_us(100_000).await;
                seen.push(bench.gauges()["process.memory.usage"]);
            }
            seen
        };
        assert_eq!(tokio::join!(fatal, watch).1, [1000.0; 3]);
    });
}

#[test]
fn a_leak_ends_in_the_same_death_after_so_many_requests_and_a_death_clears_it() {
    scenario(|clock, bench| async move {
        let spec = topology::Memory {
            leak_bytes_per_request: 80,
            reclaim_ms: 0.0,
            ..spec()
        };
        let memory = Memory::new(&bench.instance, spec);
        let serve_until_death = async || {
            let mut served = 0;
            while serve(&clock, &bench, &memory, 50, 1).await.0 {
                served += 1;
            }
            served
        };
        // 100 of base and 100 of its own leave room for ten leaks.
        assert_eq!(serve_until_death().await, 11);
        clock.sleep_us(3_000_000).await;
        assert_eq!(serve_until_death().await, 11);

        clock.sleep_us(3_000_000).await;
        assert!(serve(&clock, &bench, &memory, 50, 1).await.0);
        bench.instance.crash(0);
        clock.sleep_us(1).await;
        assert_eq!(serve_until_death().await, 11, "any death clears the leak");
    });
}

#[test]
fn another_death_during_reclaim_is_the_only_one() {
    scenario(|clock, bench| async move {
        let _logs = bench.collect_logs();
        let memory = Memory::new(&bench.instance, spec());
        let fatal = serve(&clock, &bench, &memory, 10_000, 1);
        let killer = async {
            clock.sleep_us(200_000).await;
            bench.instance.crash(100_000);
        };
        tokio::join!(fatal, killer);
        clock.sleep_us(2_000_000).await;
        assert_eq!(bench.instance.process.deaths(), 1);
        let lines = bench.log_lines();
        assert!(lines.iter().all(|line| !line.contains("OutOfMemory")));
    });
}

#[test]
fn garbage_is_collected_in_a_pause_that_stops_all_allocation() {
    scenario(|clock, bench| async move {
        let spec = topology::Memory {
            garbage_factor: 1.0,
            gc_threshold: 0.8,
            gc_pause: Dist::fixed(30.0),
            ..spec()
        };
        let memory = Memory::new(&bench.instance, spec);
        // Each leaves 200 bytes of garbage: with the base, the fourth would fill more than 800.
        for expected_ms in [10.0, 20.0, 30.0] {
            let served = serve(&clock, &bench, &memory, 100, 10).await;
            assert_eq!(served, (true, expected_ms));
        }
        assert_eq!(durations_ms(&bench.spans(), "gc.pause"), [0.0; 0]);
        assert_eq!(bench.gauges()["process.memory.usage"], 700.0);
        let trigger = serve(&clock, &bench, &memory, 100, 10);
        let bystander = async {
            clock.sleep_us(5_000).await;
            serve(&clock, &bench, &memory, 100, 10).await
        };
        let (trigger, bystander) = tokio::join!(trigger, bystander);
        assert_eq!((trigger, bystander), ((true, 70.0), (true, 70.0)));
        let mut pauses_ms = durations_ms(&bench.spans(), "gc.pause");
        pauses_ms.sort_by(f64::total_cmp);
        assert_eq!(pauses_ms, [25.0, 30.0]);
    });
}

#[test]
fn a_request_of_any_size_is_refused_by_death_and_not_by_overflow() {
    scenario(|clock, bench| async move {
        let memory = Memory::new(&bench.instance, spec());
        bench.instance.controls.apply(Overrides {
            memory_bytes_per_input_byte: Some(1e300),
            ..Overrides::default()
        });
        assert!(!serve(&clock, &bench, &memory, u64::MAX, 1).await.0);
    });
}
