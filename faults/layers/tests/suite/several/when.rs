//! Faults that come and go by a schedule, and that grow and fall.

use ragdoll_fault_layers::Planned;
use ragdoll_runtime::run_virtual;

use super::bench::*;

#[test]
fn a_fault_that_comes_and_goes_adds_to_one_that_stays() {
    let pulsed = Planned {
        start_us: 2 * SECOND,
        stop_us: 11 * SECOND,
        ..changed(delay(4.0), |spec| {
            (spec.every_s, spec.for_s) = (Some(3.0), Some(1.0));
        })
    };
    let injector = injector(vec![delay(1.0), pulsed]);
    let times_us = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let mut times_us = Vec::new();
            for second in 0..13 {
                times_us.push(bench.send_at(second * SECOND, second).await);
            }
            times_us
        }
    });
    let both = [2, 5, 8];
    let expected: Vec<u64> = (0..13)
        .map(|second| if both.contains(&second) { 5_000 } else { 1_000 })
        .collect();
    assert_eq!(times_us, expected);
    assert_eq!(opportunities_and_firings(&injector), [(13, 13), (3, 3)]);
}

#[test]
fn the_share_of_firings_grows_and_falls_with_the_ramps() {
    const REQUESTS_PER_S: u64 = 100;
    let ramped = Planned {
        start_us: 0,
        stop_us: 40 * SECOND,
        ..changed(delay(1.0), |spec| {
            (spec.ramp_up_s, spec.ramp_down_s, spec.probability) = (20.0, 10.0, 0.8);
        })
    };
    let injector = injector(vec![ramped]);
    let met = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let mut met = [0_u32; 8];
            for number in 0..40 * REQUESTS_PER_S {
                let at_us = number * SECOND / REQUESTS_PER_S;
                let slow = bench.send_at(at_us, number).await > 0;
                met[(at_us / (5 * SECOND)) as usize] += u32::from(slow);
            }
            met
        }
    });
    // 500 requests each: 0.8 of the mean height of the ramp there. Five standard deviations of a
    // fair coin are 56.
    let expected = [50, 150, 250, 350, 400, 400, 300, 100];
    for (met_here, expected) in met.iter().zip(expected) {
        assert!(met_here.abs_diff(expected) <= 56, "{met:?}");
    }
    assert_eq!(injector.witnesses()[0].opportunities, 4_000);
}
