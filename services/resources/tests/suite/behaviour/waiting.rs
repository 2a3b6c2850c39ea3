//! Workers, locks and pools.

use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Lock, Pool, ResourceError, Workers};
use ragdoll_runtime::{Overflow, Overrides};

use super::{durations_ms, scenario};

#[test]
fn a_caller_that_gives_up_is_seen_to_have_waited() {
    scenario(|clock, bench| async move {
        let workers = Workers::new(&bench.instance, 1, 10);
        let lock = Lock::new(&bench.instance, "table", LockScope::Global);
        let pool = Pool::new(&bench.instance, "store", 1, 1000.0);
        let context = Bench::request(1);
        let _worker = workers.acquire(&context).await.expect("free");
        let _connection = pool.acquire(&context).await.expect("free");
        let hold = Dist::fixed(50.0);

        let wait = workers.acquire(&context);
        assert!(clock.timeout_us(10_000, wait).await.is_err());
        let wait = pool.acquire(&context);
        assert!(clock.timeout_us(20_000, wait).await.is_err());
        let hold_it = lock.hold(&context, "", &hold);
        let wait_for_it = lock.hold(&context, "", &hold);
        let both = async { tokio::join!(hold_it, wait_for_it) };
        assert!(clock.timeout_us(30_000, both).await.is_err());

        let spans = bench.spans();
        assert_eq!(durations_ms(&spans, "queue.wait"), [10.0]);
        assert_eq!(durations_ms(&spans, "pool.acquire"), [20.0]);
        assert_eq!(durations_ms(&spans, "lock.hold"), [30.0]);
        assert_eq!(durations_ms(&spans, "lock.wait"), [30.0]);
        let gauges = bench.gauges();
        assert_eq!(gauges["queue.depth"], 0.0);
        assert_eq!(gauges["lock.waiters"], 0.0);
        assert_eq!(gauges["db.client.connection.pending_requests"], 0.0);
        let held = lock.hold(&context, "", &Dist::fixed(1.0)).await;
        assert_eq!(held, Ok(()));
        assert_eq!(durations_ms(&bench.spans(), "lock.wait"), [0.0; 0]);
    });
}

#[test]
fn no_wait_leaves_no_span() {
    scenario(|_, bench| async move {
        let workers = Workers::new(&bench.instance, 1, 10);
        let pool = Pool::new(&bench.instance, "store", 1, 1000.0);
        let context = Bench::request(1);
        let service = Dist::fixed(5.0);
        workers.serve(&context, &service).await.expect("free");
        drop(pool.acquire(&context).await.expect("free"));
        assert_eq!(bench.spans(), []);
    });
}

#[test]
fn a_pool_without_a_free_connection_says_so_after_its_time_out() {
    scenario(|clock, bench| async move {
        let pool = Pool::new(&bench.instance, "store", 1, 250.0);
        let _connection = pool.acquire(&Bench::request(1)).await.expect("free");
        let refused = pool.acquire(&Bench::request(2)).await.map(drop);
        let expected = ResourceError::PoolTimeout {
            pool: "store".to_owned(),
            timeout_ms: 250,
        };
        assert_eq!((refused, clock.now_us()), (Err(expected), 250_000));
    });
}

#[test]
fn overrides_hold_for_an_instance_or_for_one_request_and_only_while_in_force() {
    scenario(|clock, bench| async move {
        let workers = Workers::new(&bench.instance, 1, 0);
        let service = Dist::fixed(10.0);
        let controls = &bench.instance.controls;
        let full = ResourceError::QueueFull {
            waiting: 0,
            bound: 0,
        };
        let context = Bench::request(1);
        let worker = workers.acquire(&context).await.expect("free");
        assert_eq!(workers.acquire(&context).await.map(drop), Err(full.clone()));

        let mut patient = Bench::request(2);
        patient.overrides = Some(std::sync::Arc::new(Overrides {
            overflow: Some(Overflow::Wait),
            service_time_factor: Some(3.0),
            ..Overrides::default()
        }));
        let waiting = clock.timeout_us(5, workers.acquire(&patient)).await;
        assert!(waiting.is_err(), "waits instead of being refused");
        assert_eq!(workers.service_time_us(&patient, &service), 30_000);
        assert_eq!(workers.service_time_us(&context, &service), 10_000);

        let more = controls.apply(Overrides {
            servers: Some(2),
            ..Overrides::default()
        });
        let second = workers.acquire(&context).await.expect("a second server");
        controls.revert(more);
        drop(second);
        assert_eq!(workers.acquire(&context).await.map(drop), Err(full));
        drop(worker);
        assert!(workers.acquire(&context).await.is_ok());
    });
}

#[test]
fn what_is_in_force_before_a_resource_exists_holds_for_it() {
    scenario(|_, bench| async move {
        bench.instance.controls.apply(Overrides {
            servers: Some(2),
            ..Overrides::default()
        });
        let workers = Workers::new(&bench.instance, 1, 0);
        let context = Bench::request(1);
        let _first = workers.acquire(&context).await.expect("free");
        assert!(workers.acquire(&context).await.is_ok());
    });
}

#[test]
fn many_quiet_locks_do_not_look_like_one_busy_lock() {
    scenario(|clock, bench| async move {
        let lock = Lock::new(&bench.instance, "row", LockScope::PerKey);
        for number in 0..20_u64 {
            let lock = lock.clone();
            tokio::spawn(async move {
                let context = Bench::request(number);
                lock.hold(&context, &context.request_id, &Dist::fixed(100.0))
                    .await
                    .expect("no deadlock");
            });
        }
        clock.sleep_us(1_000_000).await;
        assert_eq!(bench.gauges()["lock.utilization"], 0.1);
        clock.sleep_us(1_000_000).await;
        assert_eq!(bench.gauges()["lock.utilization"], 0.0);
        lock.hold(&Bench::request(0), "late", &Dist::fixed(500.0))
            .await
            .expect("no deadlock");
        clock.sleep_us(500_000).await;
        assert_eq!(bench.gauges()["lock.utilization"], 0.5);
    });
}
