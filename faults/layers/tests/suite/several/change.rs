//! Faults that are taken back and added while requests run.

use ragdoll_fault_layers::{Injector, Planned};
use ragdoll_runtime::{Streams, run_virtual};
use serde_json::json;

use super::bench::*;

fn open(faults: Vec<Planned>) -> Injector {
    Injector::open(faults, &Streams::new(1)).expect("sound parameters")
}

fn change(injector: &Injector, stop: &[usize], add: Vec<Planned>) {
    injector.change(stop, add).expect("sound parameters");
}

#[test]
fn requests_meet_the_faults_of_the_moment_in_the_order_in_which_they_came() {
    let injector = open(Vec::new());
    let answers = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        let asking = tokio::spawn(async move {
            let mut answers = Vec::new();
            for second in 0..6 {
                bench.clock.sleep_until_us(second * SECOND).await;
                let answered = bench.ask(request(&context(second))).await;
                answers.push((answered.status, answered.took_us));
            }
            answers
        });
        let changed = injector.clone();
        async move {
            let after = |second: u64| clock.sleep_until_us(second * SECOND + SECOND / 2);
            after(0).await;
            change(&changed, &[], vec![delay(10.0)]);
            after(1).await;
            change(&changed, &[], vec![delay(20.0), refuse(502, 0.0)]);
            after(2).await;
            change(&changed, &[0, 2], vec![delay(40.0)]);
            after(3).await;
            change(&changed, &[1], vec![refuse(500, 0.0)]);
            after(4).await;
            // Those that are taken back already, or that there never were, change nothing.
            change(&changed, &[0, 3, 4, 99], Vec::new());
            asking.await.expect("no panic")
        }
    });
    let expected = [
        (200, 0),
        (200, 10_000),
        (502, 30_000),
        (200, 60_000),
        (500, 40_000),
        (200, 0),
    ];
    assert_eq!(answers, expected);
    assert_eq!(injector.taken_back(), [0, 1, 2, 3, 4]);
    // What was counted stays with the position.
    let expected = [(2, 2), (2, 2), (1, 1), (2, 2), (1, 1)];
    assert_eq!(opportunities_and_firings(&injector), expected);
}

#[test]
fn a_request_that_is_held_up_stays_so_when_its_fault_is_taken_back() {
    let injector = open(vec![delay(1_000.0)]);
    let (held_us, next_us) = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        let first = bench.clone();
        let held = tokio::spawn(async move { first.send(0).await });
        let changed = injector.clone();
        async move {
            clock.sleep_until_us(SECOND / 2).await;
            change(&changed, &[0], Vec::new());
            (held.await.expect("no panic"), bench.send(1).await)
        }
    });
    assert_eq!((held_us, next_us), (SECOND, 0));
}

#[test]
fn whom_a_fault_meets_does_not_depend_on_those_that_come_and_go_beside_it() {
    let coin = || changed(delay(10.0), |spec| spec.probability = 0.5);
    let times_us = |changes: bool| {
        let injector = open(vec![delay(1.0), coin()]);
        run_virtual(|clock| {
            let bench = Bench::at_server(&injector, &clock);
            let changed = injector.clone();
            async move {
                let mut times_us = Vec::new();
                for number in 0..200 {
                    if changes && number == 50 {
                        change(&changed, &[0], vec![delay(2.0)]);
                    }
                    times_us.push(bench.send(number).await);
                }
                times_us
            }
        })
    };
    let (still, changing) = (times_us(false), times_us(true));
    let met = |times_us: &[u64]| -> Vec<bool> {
        let each = times_us.iter();
        each.map(|took_us| *took_us >= 10_000).collect()
    };
    assert_eq!(met(&still), met(&changing));
    assert_eq!(still[..50], changing[..50]);
    for (still_us, changing_us) in still[50..].iter().zip(&changing[50..]) {
        assert_eq!(still_us + 1_000, *changing_us);
    }
    let count = met(&still).iter().filter(|met| **met).count();
    // Five standard deviations of 200 fair coins are 36.
    assert!((64..=136).contains(&count), "{count} of 200");
}

#[test]
fn a_change_with_a_mistake_changes_nothing() {
    let injector = open(vec![delay(1.0)]);
    let broken = planned("latency", on_shards(), json!({ "delay": 5 }));
    let times_us = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        let changed = injector.clone();
        async move {
            let before_us = bench.send(0).await;
            let refused = changed.change(&[0], vec![delay(2.0), broken]);
            refused.expect_err("a mistake");
            [before_us, bench.send(1).await]
        }
    });
    assert_eq!(times_us, [1_000, 1_000]);
    assert_eq!(injector.count(), 1);
    assert!(injector.taken_back().is_empty());
}

/// A fault that counts its requests goes on counting when another one comes.
#[test]
fn what_was_counted_is_not_forgotten_when_another_fault_comes() {
    let first_three = planned("fail_first", on_shards(), json!({ "requests": 3 }));
    let injector = open(vec![first_three]);
    let changed = injector.clone();
    let statuses = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let mut statuses = Vec::new();
            for number in 0..8 {
                if number == 4 {
                    change(&changed, &[], vec![delay(1.0)]);
                }
                let answered = bench.ask(request(&context(number))).await;
                statuses.push(answered.status);
            }
            statuses
        }
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5);
    assert!(
        statuses[3..].iter().all(|status| *status == 200),
        "{statuses:?}"
    );
}
