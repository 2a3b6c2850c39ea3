use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ragdoll_runtime::run_virtual;

use super::*;

#[test]
fn those_who_wait_are_let_in_in_order_and_one_who_gives_up_is_passed_over() {
    run_virtual(|clock| async move {
        let gate = Gate::new(clock.clone(), 1, 0);
        let first = gate.enter(None).await.expect("empty");
        let order = Arc::new(Mutex::new(Vec::new()));
        for name in ["a", "b", "c"] {
            let (gate, clock, order) = (gate.clone(), clock.clone(), order.clone());
            tokio::spawn(async move {
                let patience_us = if name == "b" { 5 } else { 1000 };
                if let Ok(Ok(_pass)) = clock.timeout_us(patience_us, gate.enter(None)).await {
                    order
                        .lock()
                        .expect("not poisoned")
                        .push((name, clock.now_us()));
                    clock.sleep_us(10).await;
                }
            });
        }
        clock.sleep_us(7).await;
        assert_eq!(gate.waiting(), 2);
        drop(first);
        clock.sleep_us(100).await;
        assert_eq!(*order.lock().expect("not poisoned"), [("a", 7), ("c", 17)]);
        assert_eq!((gate.inside(), gate.waiting()), (0, 0));
    });
}

#[test]
fn a_full_queue_refuses_and_a_larger_capacity_lets_in() {
    run_virtual(|clock| async move {
        let gate = Gate::new(clock.clone(), 1, 0);
        let _inside = gate.enter(Some(1)).await.expect("empty");
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(Some(1)).await.map(|_pass| ()) }
        });
        clock.sleep_us(1).await;
        assert_eq!(
            gate.enter(Some(1)).await.map(|_| ()),
            Err(Full { waiting: 1 })
        );
        gate.set_capacity(2);
        assert_eq!(waiting.await.expect("not cancelled"), Ok(()));
    });
}

#[test]
fn a_pass_that_is_on_its_way_to_one_who_gives_up_goes_to_the_next() {
    run_virtual(|clock| async move {
        let gate = Gate::new(clock.clone(), 1, 0);
        let inside = gate.enter(None).await.expect("empty");
        let mut gives_up = Box::pin(gate.enter(None));
        assert!(futures_util::poll!(&mut gives_up).is_pending());
        let mut next = Box::pin(gate.enter(None));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(inside);
        assert_eq!((gate.inside(), gate.waiting()), (1, 1));
        drop(gives_up);
        assert!(next.await.is_ok());
        assert_eq!((gate.inside(), gate.waiting()), (0, 0));
    });
}

#[test]
fn utilization_counts_a_cut_of_the_capacity_from_when_it_happened() {
    run_virtual(|clock| async move {
        let gate = Gate::new(clock.clone(), 4, 0);
        let _inside = [
            gate.enter(None).await.expect("empty"),
            gate.enter(None).await.expect("empty"),
        ];
        clock.sleep_us(10).await;
        gate.set_capacity(1);
        clock.sleep_us(30).await;
        assert_eq!(
            gate.sample_utilization(clock.now_us()),
            (0.5 * 10.0 + 1.0 * 30.0) / 40.0
        );
    });
}

#[derive(Clone, Debug)]
struct Entrant {
    arrival_us: u64,
    patience_us: u64,
    stay_us: u64,
    bound: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Refused,
    GaveUp,
}

fn entrant() -> impl Strategy<Value = Entrant> {
    let patience = prop_oneof![0_u64..40, Just(1_000_000)];
    let bound = prop_oneof![Just(None), (0_usize..6).prop_map(Some)];
    (0_u64..100, patience, 0_u64..25, bound).prop_map(
        |(arrival_us, patience_us, stay_us, bound)| Entrant {
            arrival_us,
            patience_us,
            stay_us,
            bound,
        },
    )
}

/// Sends all of them through a gate. Returns their outcomes, in their order, and the position and
/// the time of each one who passed.
fn send_through(
    entrants: Vec<Entrant>,
    capacity: u32,
    changes: Vec<(u64, u32)>,
) -> (Vec<Outcome>, Vec<(usize, u64)>) {
    run_virtual(|clock| async move {
        let gate = Gate::new(clock.clone(), capacity, 0);
        let most = changes
            .iter()
            .map(|change| change.1)
            .fold(capacity, u32::max);
        let passed = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (position, entrant) in entrants.into_iter().enumerate() {
            let (gate, clock, passed) = (gate.clone(), clock.clone(), passed.clone());
            tasks.push(tokio::spawn(async move {
                clock.sleep_until_us(entrant.arrival_us).await;
                let entering = clock.timeout_us(entrant.patience_us, gate.enter(entrant.bound));
                let _pass = match entering.await {
                    Err(_) => return Outcome::GaveUp,
                    Ok(Err(_)) => return Outcome::Refused,
                    Ok(Ok(pass)) => pass,
                };
                assert!(gate.inside() <= most, "{} inside of {most}", gate.inside());
                let when = (position, clock.now_us());
                passed.lock().expect("not poisoned").push(when);
                clock.sleep_us(entrant.stay_us).await;
                Outcome::Passed
            }));
        }
        for (at_us, capacity) in changes {
            clock.sleep_until_us(at_us).await;
            gate.set_capacity(capacity);
            assert!(gate.waiting() == 0 || gate.inside() >= capacity);
        }
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.expect("not cancelled"));
        }
        assert_eq!((gate.inside(), gate.waiting()), (0, 0));
        let passed = passed.lock().expect("not poisoned").clone();
        (outcomes, passed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn everyone_passes_is_refused_or_gives_up_and_nobody_overtakes(
        mut entrants in prop::collection::vec(entrant(), 1..60),
        capacity in 1_u32..5,
    ) {
        entrants.sort_by_key(|entrant| entrant.arrival_us);
        let (outcomes, mut passed) = send_through(entrants.clone(), capacity, Vec::new());
        passed.sort_unstable();
        let count = |outcome| outcomes.iter().filter(|found| **found == outcome).count();
        prop_assert_eq!(passed.len(), count(Outcome::Passed));
        let in_order = passed.is_sorted_by_key(|(_, passed_us)| *passed_us);
        prop_assert!(in_order, "overtaken: {:?}", passed);
        for (entrant, outcome) in entrants.iter().zip(&outcomes) {
            prop_assert!(*outcome != Outcome::Refused || entrant.bound.is_some());
            prop_assert!(*outcome != Outcome::GaveUp || entrant.patience_us < 1_000_000);
        }
    }

    #[test]
    fn a_capacity_that_changes_loses_nobody(
        entrants in prop::collection::vec(entrant(), 1..60),
        capacity in 1_u32..5,
        mut changes in prop::collection::vec((0_u64..150, 1_u32..8), 0..8),
    ) {
        changes.sort_unstable();
        let patient = entrants
            .into_iter()
            .map(|entrant| Entrant { patience_us: 1_000_000, bound: None, ..entrant })
            .collect();
        let (outcomes, _) = send_through(patient, capacity, changes);
        prop_assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Passed));
    }
}
