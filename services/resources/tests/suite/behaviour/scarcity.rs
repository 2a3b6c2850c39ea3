//! Resources of which less is left for a while, and what they do once it is back.

use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Cpu, Lock, Pool, ResourceError};
use ragdoll_runtime::Overrides;

use super::{durations_ms, scenario};

#[test]
fn connections_that_are_lost_count_as_used_until_they_are_back() {
    scenario(|clock, bench| async move {
        let pool = Pool::new(&bench.instance, "store", 3, 10.0);
        let used = || bench.gauges()["db.client.connection.count"];
        let handle = bench.instance.controls.apply(Overrides {
            pool_size: Some(1),
            ..Overrides::default()
        });
        let context = Bench::request(1);
        assert_eq!(used(), 2.0);
        let held = pool.acquire(&context).await.expect("one is left");
        assert_eq!(used(), 3.0);
        assert!(pool.acquire(&context).await.is_err(), "it was the last one");
        assert_eq!(clock.now_us(), 10_000);
        bench.instance.controls.revert(handle);
        assert_eq!(used(), 1.0);
        let second = pool.acquire(&context).await.expect("they are back");
        drop((held, second));
        assert_eq!(used(), 0.0);
    });
}

/// Asks for a lock three times at once, and returns when each had it in milliseconds.
async fn three_at_once(bench: &Bench, lock: &Lock) -> Vec<f64> {
    let clock = &bench.instance.clock;
    let hold = Dist::fixed(10.0);
    let one = |number: u64| {
        let hold = &hold;
        async move {
            let context = Bench::request(number);
            lock.hold(&context, &context.request_id, hold)
                .await
                .expect("no deadlock");
            clock.now_us() as f64 / 1000.0
        }
    };
    let ended = tokio::join!(one(1), one(2), one(3));
    vec![ended.0, ended.1, ended.2]
}

#[test]
fn a_handover_takes_time_only_where_somebody_waits() {
    scenario(|_, bench| async move {
        let lock = Lock::new(&bench.instance, "table", LockScope::Global);
        let handle = bench.instance.controls.apply(Overrides {
            lock_handoff_ms: Some(5.0),
            ..Overrides::default()
        });
        assert_eq!(three_at_once(&bench, &lock).await, [10.0, 25.0, 40.0]);
        assert_eq!(durations_ms(&bench.spans(), "lock.wait"), [15.0, 30.0]);
        bench.instance.controls.revert(handle);
        assert_eq!(three_at_once(&bench, &lock).await, [50.0, 60.0, 70.0]);
    });
}

#[test]
fn a_lock_that_is_seized_lets_nobody_in_whatever_the_key() {
    scenario(|clock, bench| async move {
        let lock = Lock::new(&bench.instance, "row", LockScope::PerKey);
        let seize = || {
            bench.instance.controls.apply(Overrides {
                lock_seized: Some(true),
                ..Overrides::default()
            })
        };
        let release = async |handle, at_us| {
            clock.sleep_until_us(at_us).await;
            bench.instance.controls.revert(handle);
        };
        let handle = seize();
        let (ended, ()) = tokio::join!(three_at_once(&bench, &lock), release(handle, 30_000));
        assert_eq!(ended, [40.0, 40.0, 40.0]);
        assert_eq!(durations_ms(&bench.spans(), "lock.wait"), [30.0; 3]);
        let (ended, ()) = tokio::join!(three_at_once(&bench, &lock), async {
            clock.sleep_until_us(45_000).await;
            let handle = seize();
            release(handle, 70_000).await;
        });
        assert_eq!(ended, [50.0; 3], "who has the lock keeps it");
    });
}

#[test]
fn a_deadlock_is_given_up_and_its_lock_with_it() {
    scenario(|clock, bench| async move {
        let lock = Lock::new(&bench.instance, "table", LockScope::Global);
        let mut context = Bench::request(1);
        context.overrides = Some(std::sync::Arc::new(Overrides {
            deadlock_ms: Some(200.0),
            ..Overrides::default()
        }));
        let hold = Dist::fixed(10.0);
        let other = Bench::request(2);
        let (first, second) =
            tokio::join!(lock.hold(&context, "", &hold), lock.hold(&other, "", &hold));
        let deadlock = ResourceError::Deadlock {
            lock: "table".to_owned(),
        };
        assert_eq!(first, Err(deadlock.clone()));
        assert_eq!(deadlock.to_string(), "deadlock detected on table");
        assert_eq!((second, clock.now_us()), (Ok(()), 210_000));
    });
}

#[test]
fn stolen_time_slows_what_runs_and_the_host_says_how_much() {
    scenario(|clock, bench| async move {
        let cpu = Cpu::new(&bench.instance, 2, 0.0);
        let steal = || bench.gauges()["system.cpu.utilization.steal"];
        let neighbour = async {
            clock.sleep_until_us(10_000).await;
            let handle = bench.instance.controls.apply(Overrides {
                cpu_stolen: Some(0.75),
                ..Overrides::default()
            });
            // What others work on meanwhile takes four times as long.
            bench.instance.work_us(5_000).await;
            assert_eq!(clock.now_us(), 30_000);
            clock.sleep_until_us(50_000).await;
            bench.instance.controls.revert(handle);
        };
        let context = Bench::request(1);
        let work = async {
            cpu.run(&context, 40_000).await;
            clock.now_us()
        };
        let (ended_us, ()) = tokio::join!(work, neighbour);
        // 10 ms at full speed, 40 ms at a quarter of it, and the 20 ms that are left.
        assert_eq!(ended_us, 70_000);
        let share = 0.75 * 40.0 / 70.0;
        assert!((steal() - share).abs() < 1e-9);
        clock.sleep_us(1_000).await;
        assert_eq!(steal(), 0.0);
    });
}
