use std::sync::Arc;

use ragdoll_model::Dist;
use ragdoll_model::mitigation::Shedding;
use ragdoll_resources::batcher::BatchSpec;
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Batcher, ResourceError};
use ragdoll_runtime::Clock;

use super::{durations_ms, scenario};

fn spec() -> BatchSpec {
    BatchSpec {
        servers: 1,
        queue_bound: 1000,
        max_batch: 8,
        service_time: Dist::fixed(10.0),
        per_item_ms: 1.0,
        shedding: Shedding::default(),
    }
}

/// Sends `count` items, one every `gap_us`; returns how long each took, in milliseconds.
async fn send(clock: &Clock, batcher: &Arc<Batcher>, count: u64, gap_us: u64) -> Vec<f64> {
    let mut tasks = Vec::new();
    for number in 0..count {
        let (clock, batcher) = (clock.clone(), batcher.clone());
        tasks.push(tokio::spawn(async move {
            clock.sleep_us(number * gap_us).await;
            let arrived_us = clock.now_us();
            let served = batcher.serve(&Bench::request(number)).await;
            served.expect("room in the queue");
            (clock.now_us() - arrived_us) as f64 / 1000.0
        }));
    }
    let mut took_ms = Vec::new();
    for task in tasks {
        took_ms.push(task.await.expect("not cancelled"));
    }
    took_ms
}

#[test]
fn a_free_server_starts_at_once_and_what_came_meanwhile_goes_together() {
    scenario(|clock, bench| async move {
        let batcher = Batcher::new(&bench.instance, spec());
        // Alone from 0 to 10 ms; those of 2, 4, 6 and 8 ms then take 10 + 3 ms.
        let took_ms = send(&clock, &batcher, 5, 2000).await;
        assert_eq!(took_ms, [10.0, 21.0, 19.0, 17.0, 15.0]);
        let waits_ms = durations_ms(&bench.spans(), "queue.wait");
        assert_eq!(waits_ms, [8.0, 6.0, 4.0, 2.0]);
        let gauges = bench.gauges();
        assert_eq!(gauges["worker.utilization"], 1.0);
        assert_eq!(gauges["queue.depth"], 0.0);
    });
}

#[test]
fn batches_grow_under_load_up_to_a_throughput_of_full_batches() {
    scenario(|clock, bench| async move {
        let batcher = Batcher::new(&bench.instance, spec());
        let count = 801;
        send(&clock, &batcher, count, 0).await;
        // One alone, then full batches of 10 + 7 ms: eight items in 17 ms, where one at a time
        // would take ten each.
        assert_eq!(clock.now_us(), 10_000 + 100 * 17_000);
    });
}

#[test]
fn a_full_queue_refuses_and_those_who_gave_up_do_not_fill_it() {
    scenario(|clock, bench| async move {
        let batcher = Batcher::new(
            &bench.instance,
            BatchSpec {
                queue_bound: 1,
                ..spec()
            },
        );
        let busy = tokio::spawn({
            let batcher = batcher.clone();
            async move { batcher.serve(&Bench::request(1)).await }
        });
        clock.sleep_us(1).await;
        let context = Bench::request(2);
        let mut waiting = Box::pin(batcher.serve(&context));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        let full = ResourceError::QueueFull {
            waiting: 1,
            bound: 1,
        };
        assert_eq!(batcher.serve(&Bench::request(3)).await, Err(full));
        drop(waiting);
        assert_eq!(bench.gauges()["queue.depth"], 0.0);
        assert_eq!(batcher.serve(&Bench::request(4)).await, Ok(()));
        assert_eq!(
            clock.now_us(),
            20_000,
            "the one who gave up is not worked on"
        );
        assert_eq!(busy.await.expect("not cancelled"), Ok(()));
    });
}

#[test]
fn death_ends_a_batch_and_the_next_life_starts_with_a_free_server() {
    scenario(|clock, bench| async move {
        let batcher = Batcher::new(&bench.instance, spec());
        let process = &bench.instance.process;
        let context = Bench::request(1);
        let serve = process.or_death(batcher.serve(&context));
        let killer = async {
            clock.sleep_us(2_000).await;
            bench.instance.crash(1_000);
        };
        assert_eq!(tokio::join!(serve, killer).0, None);
        clock.sleep_us(1_001).await;
        assert!(process.is_up());
        let next = process.or_death(batcher.serve(&context)).await;
        assert_eq!((next, clock.now_us()), (Some(Ok(())), 13_001));
    });
}
