use std::sync::Arc;

use ragdoll_resources::Cpu;
use ragdoll_resources::testing::Bench;
use ragdoll_runtime::{Clock, Overrides};

use super::{durations_ms, scenario};

/// Starts `count` pieces of work of `work_ms` at once; returns when each was done, in milliseconds.
async fn run_at_once(clock: &Clock, cpu: &Arc<Cpu>, count: u64, work_ms: u64) -> Vec<f64> {
    let start_us = clock.now_us();
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (clock, cpu) = (clock.clone(), cpu.clone());
            tokio::spawn(async move {
                cpu.run(&Bench::request(number), work_ms * 1000).await;
                (clock.now_us() - start_us) as f64 / 1000.0
            })
        })
        .collect();
    let mut done_ms = Vec::new();
    for task in tasks {
        done_ms.push(task.await.expect("not cancelled"));
    }
    done_ms
}

#[test]
fn a_quota_stretches_work_to_the_exact_time() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 4, 50.0);
        let context = Bench::request(1);
        cpu.run(&context, 400_000).await;
        // Eight periods, of which the last one's half is enough.
        assert_eq!(clock.now_us(), 750_000);
        assert_eq!(durations_ms(&bench.spans(), "cpu.throttled"), [50.0; 7]);
        let gauges = bench.gauges();
        assert_eq!(gauges["process.cpu.throttled_time"], 350.0);
        assert_eq!(gauges["process.cpu.utilization"], 400.0 / (750.0 * 4.0));

        // From the last 10 ms of a period on: these 10, then 50, then 20.
        clock.sleep_until_us(890_000).await;
        cpu.run(&context, 80_000).await;
        assert_eq!(clock.now_us(), 1_020_000);
        assert_eq!(durations_ms(&bench.spans(), "cpu.throttled"), [50.0]);
    });
}

#[test]
fn a_quota_is_shared_by_all_work_and_stops_all_of_it_at_once() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 4, 80.0);
        let done_ms = run_at_once(&clock, &cpu, 4, 30).await;
        // 20 ms on each of four processors use up the 80 ms; the other 10 wait for the next period.
        assert_eq!(done_ms, [110.0; 4]);
        assert_eq!(durations_ms(&bench.spans(), "cpu.throttled"), [80.0; 4]);
    });
}

#[test]
fn work_without_a_quota_slows_down_only_where_processors_are_short() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 2, 0.0);
        assert_eq!(run_at_once(&clock, &cpu, 2, 30).await, [30.0, 30.0]);
        assert_eq!(run_at_once(&clock, &cpu, 4, 30).await, [60.0; 4]);
        assert_eq!(bench.gauges()["process.cpu.utilization"], 1.0);
        assert_eq!(bench.spans(), []);
    });
}

#[test]
fn a_late_comer_slows_down_what_already_runs_and_an_early_leaver_speeds_up_the_rest() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 1, 0.0);
        let long = run_at_once(&clock, &cpu, 1, 40);
        let short = async {
            clock.sleep_us(10_000).await;
            run_at_once(&clock, &cpu, 1, 10).await
        };
        // Alone for 10 ms, shared until the short one has its 10, then alone for the last 20.
        let (long_ms, short_ms) = tokio::join!(long, short);
        assert_eq!((long_ms, short_ms), (vec![50.0], vec![20.0]));
    });
}

#[test]
fn work_that_is_given_up_frees_its_share() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 1, 0.0);
        let context = Bench::request(1);
        let given_up = clock.timeout_us(20_000, cpu.run(&context, 1_000_000));
        let other = run_at_once(&clock, &cpu, 1, 30);
        let (given_up, other_ms) = tokio::join!(given_up, other);
        assert!(given_up.is_err());
        assert_eq!(other_ms, [40.0]);
        clock.sleep_us(60_000).await;
        assert_eq!(bench.gauges()["process.cpu.utilization"], 0.4);
    });
}

fn quota(quota_ms: f64) -> Overrides {
    Overrides {
        cpu_quota_ms: Some(quota_ms),
        ..Overrides::default()
    }
}

#[test]
fn a_quota_that_comes_and_goes_slows_work_from_then_until_then() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 2, 0.0);
        let controls = bench.instance.controls.clone();
        let work = run_at_once(&clock, &cpu, 2, 100);
        let change = async {
            clock.sleep_until_us(40_000).await;
            let handle = controls.apply(quota(20.0));
            clock.sleep_until_us(230_000).await;
            controls.revert(handle);
        };
        let (done_ms, ()) = tokio::join!(work, change);
        // 40 ms each before the quota. Then 10 ms each in three periods, the third of which is cut
        // short at 230: 30 are left without a quota.
        assert_eq!(done_ms, [260.0; 2]);
        let stopped_ms = durations_ms(&bench.spans(), "cpu.throttled");
        assert_eq!(stopped_ms, [50.0, 50.0, 90.0, 90.0, 20.0, 20.0]);
        let gauges = bench.gauges();
        assert_eq!(gauges["process.cpu.throttled_time"], 320.0);
        assert_eq!(gauges["process.cpu.utilization"], 200.0 / (260.0 * 2.0));
    });
}

#[test]
fn a_tighter_quota_counts_what_the_period_has_used_already() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 1, 80.0);
        let work = run_at_once(&clock, &cpu, 1, 60);
        let change = async {
            clock.sleep_until_us(30_000).await;
            bench.instance.controls.apply(quota(20.0));
        };
        let (done_ms, ()) = tokio::join!(work, change);
        // 30 in the first period is more than it may have now; 20 in the next; 10 in the third.
        assert_eq!(done_ms, [210.0]);
    });
}

#[test]
fn a_quota_in_force_before_the_first_work_is_kept_and_other_changes_do_not_touch_it() {
    scenario(|clock, bench| async move {
        bench.instance.controls.apply(quota(10.0));
        let cpu = Cpu::new(&bench.instance, 1, 0.0);
        let work = run_at_once(&clock, &cpu, 1, 15);
        let change = async {
            clock.sleep_until_us(50_000).await;
            bench.instance.controls.apply(Overrides {
                servers: Some(1),
                ..Overrides::default()
            });
        };
        let (done_ms, ()) = tokio::join!(work, change);
        assert_eq!(done_ms, [105.0]);
        let stopped_ms = durations_ms(&bench.spans(), "cpu.throttled");
        assert_eq!(stopped_ms, [90.0], "one wait, not cut in two");
    });
}
