//! Arrival processes against their closed forms, and schedules that cannot be followed.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use ragdoll_load::{PhaseLoad, Schedule, ScheduleError, Shift};
use ragdoll_model::Arrivals;
use ragdoll_model::workload::RecordedFormat;
use ragdoll_runtime::Streams;

const SECOND_US: u64 = 1_000_000;

fn phase(name: &str, start_us: u64, end_us: u64, arrivals: Arrivals) -> PhaseLoad {
    PhaseLoad {
        name: name.to_owned(),
        start_us,
        end_us,
        arrivals,
    }
}

fn poisson(per_s: f64) -> Arrivals {
    Arrivals {
        poisson_per_s: Some(per_s),
        ..Arrivals::default()
    }
}

fn constant(per_s: f64) -> Arrivals {
    Arrivals {
        constant_per_s: Some(per_s),
        ..Arrivals::default()
    }
}

fn ramp(from_per_s: f64, to_per_s: f64) -> Arrivals {
    Arrivals {
        ramp_per_s: Some([from_per_s, to_per_s]),
        ..Arrivals::default()
    }
}

fn steps(rates_per_s: &[f64]) -> Arrivals {
    Arrivals {
        steps_per_s: Some(rates_per_s.to_vec()),
        ..Arrivals::default()
    }
}

fn schedule_in(folder: &Path, phases: &[PhaseLoad]) -> Result<Schedule, ScheduleError> {
    Schedule::new(Streams::new(9).stream("load"), phases, folder)
}

fn times_us(phases: &[PhaseLoad]) -> Vec<u64> {
    let schedule = schedule_in(Path::new(""), phases).expect("the schedule is valid");
    schedule.arrivals().map(|arrival| arrival.at_us).collect()
}

/// Arrivals in each of `parts` equal parts of the time from 0 to `end_us`.
fn counts(times_us: &[u64], end_us: u64, parts: u64) -> Vec<u64> {
    let mut counts = vec![0; parts as usize];
    for &at_us in times_us {
        counts[(at_us * parts / end_us) as usize] += 1;
    }
    counts
}

fn assert_poisson_counts(found: &[u64], expected: impl Fn(usize) -> f64) {
    for (part, &count) in found.iter().enumerate() {
        let expected = expected(part);
        assert!(
            (count as f64 - expected).abs() <= 4.0 * expected.sqrt(),
            "part {part}: {count} arrivals, expected {expected}; all: {found:?}"
        );
    }
}

#[test]
fn gaps_of_a_poisson_process_have_the_mean_and_variance_of_exponentials() {
    let times_us = times_us(&[phase("only", 0, 1_000 * SECOND_US, poisson(200.0))]);
    let gaps_ms: Vec<f64> = times_us
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) as f64 / 1_000.0)
        .collect();
    let count = gaps_ms.len() as f64;
    let mean = gaps_ms.iter().sum::<f64>() / count;
    let variance = gaps_ms.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
    assert!((mean / 5.0 - 1.0).abs() < 0.01, "mean {mean} ms");
    assert!((variance / 25.0 - 1.0).abs() < 0.03, "variance {variance}");
}

#[test]
fn counts_of_a_poisson_process_have_an_index_of_dispersion_of_one() {
    let times_us = times_us(&[phase("only", 0, 2_000 * SECOND_US, poisson(50.0))]);
    let counts = counts(&times_us, 2_000 * SECOND_US, 2_000);
    let mean = counts.iter().sum::<u64>() as f64 / 2_000.0;
    let squares = counts.iter().map(|&count| (count as f64 - mean).powi(2));
    let dispersion = squares.sum::<f64>() / 1_999.0 / mean;
    assert!((dispersion - 1.0).abs() < 0.12, "dispersion {dispersion}");
}

#[test]
fn a_ramp_has_the_integral_of_its_rate_in_each_tenth_of_the_phase() {
    let end_us = 1_000 * SECOND_US;
    for (from, to) in [(10.0, 110.0), (100.0, 0.0), (0.0, 50.0), (40.0, 40.001)] {
        let found = counts(
            &times_us(&[phase("r", 0, end_us, ramp(from, to))]),
            end_us,
            10,
        );
        assert_poisson_counts(&found, |tenth| {
            let middle = (tenth as f64 + 0.5) / 10.0;
            (from + (to - from) * middle) * 100.0
        });
    }
}

#[test]
fn steps_take_an_equal_part_of_the_phase_each_and_a_step_of_zero_is_silent() {
    let end_us = 400 * SECOND_US;
    let rates = [20.0, 0.0, 100.0, 5.0];
    let found = counts(
        &times_us(&[phase("s", 0, end_us, steps(&rates))]),
        end_us,
        4,
    );
    assert_poisson_counts(&found, |step| rates[step] * 100.0);
}

#[test]
fn constant_arrivals_are_evenly_spaced_to_the_microsecond() {
    let start_us = 7 * SECOND_US;
    let even = times_us(&[phase(
        "c",
        start_us,
        start_us + 10 * SECOND_US,
        constant(100.0),
    )]);
    let expected: Vec<u64> = (0..1_000).map(|n| start_us + n * 10_000).collect();
    assert_eq!(even, expected);

    let thirds = times_us(&[phase("c", 0, 2 * SECOND_US, constant(3.0))]);
    assert_eq!(
        thirds,
        [0, 333_333, 666_667, 1_000_000, 1_333_333, 1_666_667]
    );
}

#[test]
fn without_a_rate_nothing_arrives() {
    let silent = [
        poisson(0.0),
        constant(0.0),
        ramp(0.0, 0.0),
        steps(&[0.0, 0.0]),
    ];
    for arrivals in silent {
        assert_eq!(times_us(&[phase("gap", 0, SECOND_US, arrivals)]), [0; 0]);
    }
}

#[test]
fn a_phase_keeps_its_arrivals_when_other_phases_change() {
    let last = phase("last", 20 * SECOND_US, 30 * SECOND_US, poisson(10.0));
    let in_last = |phases: &[PhaseLoad]| -> Vec<u64> {
        let mut times_us = times_us(phases);
        times_us.retain(|&at_us| at_us >= last.start_us);
        times_us
    };
    let first = phase("first", 0, 10 * SECOND_US, poisson(10.0));
    let alone = in_last(std::slice::from_ref(&last));
    assert!(!alone.is_empty());
    assert_eq!(alone, in_last(&[first, last.clone()]));

    let namesake = phase("last", 0, 10 * SECOND_US, poisson(10.0));
    let shifted = times_us(std::slice::from_ref(&namesake));
    let repeated: Vec<u64> = in_last(&[namesake, last.clone()])
        .iter()
        .map(|at_us| at_us - last.start_us)
        .collect();
    assert_ne!(
        repeated, shifted,
        "two phases of one name share their draws"
    );
}

#[test]
fn phases_of_different_names_draw_differently_and_the_draws_never_change_between_versions() {
    let first_us = |name| -> Vec<u64> {
        let times_us = times_us(&[phase(name, 0, 10 * SECOND_US, poisson(10.0))]);
        times_us[..5].to_vec()
    };
    assert_ne!(first_us("baseline"), first_us("fault"));
    assert_eq!(first_us("baseline"), GOLDEN_US);
}

const GOLDEN_US: [u64; 5] = [64_453, 69_423, 295_998, 344_331, 409_855];

fn azure_phase(name: &str, start_us: u64, end_us: u64) -> PhaseLoad {
    let arrivals = Arrivals {
        file: Some("recorded.csv".to_owned()),
        format: Some(RecordedFormat::AzureCsv),
        ..Arrivals::default()
    };
    phase(name, start_us, end_us, arrivals)
}

/// A folder with a recording of one request a second, 0 to 59.
fn folder_with_recording() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut csv = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    for second in 0..60 {
        writeln!(csv, "2023-11-16 18:17:{second:02},{second},7").expect("text grows");
    }
    std::fs::write(folder.path().join("recorded.csv"), csv).expect("the folder is writable");
    folder
}

#[test]
fn a_recording_goes_on_through_phases_and_starts_again_after_a_gap() {
    let folder = folder_with_recording();
    let phases = [
        azure_phase("first", 0, 2 * SECOND_US),
        azure_phase("second", 2 * SECOND_US, 4 * SECOND_US),
        azure_phase("third", 10 * SECOND_US, 12 * SECOND_US),
    ];
    let schedule = schedule_in(folder.path(), &phases).expect("the schedule is valid");
    let found: Vec<(u64, usize, u32)> = schedule
        .arrivals()
        .map(|arrival| {
            let recorded = arrival.recorded.expect("all arrivals are recorded");
            let second = arrival.at_us / SECOND_US;
            (second, arrival.phase, recorded.prompt_tokens)
        })
        .collect();
    // A prompt of 0 tokens counts as one of 1.
    let expected = [
        (0, 0, 1),
        (1, 0, 1),
        (2, 1, 2),
        (3, 1, 3),
        (10, 2, 1),
        (11, 2, 1),
    ];
    assert_eq!(found, expected);
    assert_eq!(schedule.expected_arrivals(), 6.0);
}

#[test]
fn what_cannot_be_followed_is_refused_with_the_key_and_the_fix() {
    let folder = folder_with_recording();
    let only = |arrivals| vec![phase("fault", 0, 60 * SECOND_US, arrivals)];
    let users = |users, think_ms| Arrivals {
        users: Some(users),
        think_ms,
        ..Arrivals::default()
    };
    let recorded = azure_phase("", 0, 1).arrivals;
    let cases: Vec<Vec<PhaseLoad>> = vec![
        only(Arrivals::default()),
        only(Arrivals {
            constant_per_s: Some(2.0),
            ..poisson(1.0)
        }),
        only(Arrivals {
            think_ms: Some(100.0),
            ..poisson(1.0)
        }),
        only(Arrivals {
            speed: Some(2.0),
            ..users(3, None)
        }),
        only(poisson(-1.0)),
        only(constant(f64::NAN)),
        only(ramp(1.0, f64::INFINITY)),
        only(steps(&[])),
        only(steps(&[1.0, -2.0])),
        only(users(1_000_000, None)),
        only(users(10, Some(-5.0))),
        only(poisson(100_000.0)),
        only(Arrivals {
            format: None,
            ..recorded.clone()
        }),
        only(Arrivals {
            speed: Some(0.0),
            ..recorded.clone()
        }),
        only(Arrivals {
            window: Some([5.0, 5.0]),
            ..recorded.clone()
        }),
        only(Arrivals {
            window: Some([60.0, 90.0]),
            ..recorded
        }),
        vec![phase("backwards", 5, 5, poisson(1.0))],
        vec![
            phase("first", 0, 10, poisson(1.0)),
            phase("second", 9, 20, poisson(1.0)),
        ],
        vec![phase("endless", 0, 100_000 * SECOND_US, poisson(0.0))],
    ];
    let mut messages = String::new();
    for phases in cases {
        let error = schedule_in(folder.path(), &phases).expect_err("the schedule is not valid");
        let path = folder.path().display().to_string();
        let message = error.to_string().replace(&path, "FOLDER");
        writeln!(messages, "{message}").expect("text grows");
    }
    insta::assert_snapshot!(messages);
}

fn any_rate() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.1..500.0f64]
}

fn any_arrivals() -> impl Strategy<Value = Arrivals> {
    prop_oneof![
        any_rate().prop_map(poisson),
        any_rate().prop_map(constant),
        (any_rate(), any_rate()).prop_map(|(from, to)| ramp(from, to)),
        prop::collection::vec(any_rate(), 1..5).prop_map(|rates| steps(&rates)),
    ]
}

/// Phases one after the other, with gaps.
fn any_phases() -> impl Strategy<Value = Vec<PhaseLoad>> {
    let lengths_and_arrivals = (0..2 * SECOND_US, 1..5 * SECOND_US, any_arrivals());
    prop::collection::vec(lengths_and_arrivals, 1..5).prop_map(|parts| {
        let mut now_us = 0;
        let mut phases = Vec::new();
        for (number, (gap_us, length_us, arrivals)) in parts.into_iter().enumerate() {
            let start_us = now_us + gap_us;
            now_us = start_us + length_us;
            phases.push(phase(
                &format!("phase {number}"),
                start_us,
                now_us,
                arrivals,
            ));
        }
        phases
    })
}

proptest! {
    #[test]
    fn arrivals_are_sorted_and_within_their_phases(phases in any_phases()) {
        let schedule = schedule_in(Path::new(""), &phases).expect("the schedule is valid");
        let mut latest_us = 0;
        for arrival in schedule.arrivals() {
            let phase = &phases[arrival.phase];
            prop_assert!((phase.start_us..phase.end_us).contains(&arrival.at_us), "{arrival:?}");
            prop_assert!(arrival.at_us >= latest_us, "{arrival:?} after {latest_us}");
            latest_us = arrival.at_us;
        }
    }

    #[test]
    fn a_schedule_with_fewer_phases_is_a_prefix(phases in any_phases()) {
        let all = times_us(&phases);
        for kept in 0..phases.len() {
            let fewer = times_us(&phases[..kept]);
            prop_assert_eq!(&fewer[..], &all[..fewer.len()]);
        }
    }

    #[test]
    fn a_shorter_phase_of_even_rate_is_a_prefix(
        per_s in any_rate(),
        constant_rate: bool,
        shorter_us in 1..5 * SECOND_US,
        more_us in 0..5 * SECOND_US,
    ) {
        let arrivals = if constant_rate { constant(per_s) } else { poisson(per_s) };
        let until = |end_us| times_us(&[phase("only", 0, end_us, arrivals.clone())]);
        let (shorter, mut longer) = (until(shorter_us), until(shorter_us + more_us));
        longer.retain(|&at_us| at_us < shorter_us);
        prop_assert_eq!(shorter, longer);
    }
}

/// A stretch from 20 s to 40 s with this factor on the rate.
fn shift(rate_factor: f64, ramp_us: u64) -> Shift {
    Shift {
        start_us: 20 * SECOND_US,
        end_us: 40 * SECOND_US,
        rate_factor,
        ramp_us,
        prompt_tokens_factor: 1.0,
        output_tokens_factor: 1.0,
    }
}

fn shifted(arrivals: Arrivals, shift: Shift) -> Schedule {
    let phases = [phase("a", 0, 60 * SECOND_US, arrivals)];
    let stream = Streams::new(9).stream("load");
    let schedule = Schedule::shifted(stream, &phases, vec![shift], Path::new(""));
    schedule.expect("the schedule is valid")
}

fn shifted_times_us(arrivals: Arrivals, shift: Shift) -> Vec<u64> {
    let schedule = shifted(arrivals, shift);
    let times: Vec<u64> = schedule.arrivals().map(|arrival| arrival.at_us).collect();
    assert!(times.is_sorted(), "{times:?}");
    let expected = schedule.expected_arrivals();
    let few = 5.0 * expected.sqrt();
    assert!((times.len() as f64 - expected).abs() <= few, "{expected}");
    times
}

#[test]
fn more_come_while_the_load_is_shifted_and_as_many_as_before_afterwards() {
    let times = shifted_times_us(poisson(100.0), shift(3.0, 0));
    let expected = [2000.0, 6000.0, 2000.0];
    assert_poisson_counts(&counts(&times, 60 * SECOND_US, 3), |part| expected[part]);
    let plain = times_us(&[phase("a", 0, 60 * SECOND_US, poisson(100.0))]);
    let before = |times: &[u64]| -> Vec<u64> {
        let earlier = times.iter().copied();
        earlier.filter(|&at_us| at_us < 20 * SECOND_US).collect()
    };
    assert_eq!(before(&times), before(&plain), "nothing changes before it");
    let even = shifted_times_us(constant(10.0), shift(0.5, 0));
    assert_eq!(counts(&even, 60 * SECOND_US, 3), [200, 100, 200]);
}

#[test]
fn a_ramp_goes_from_the_loads_own_rate_to_the_changed_one() {
    let times = shifted_times_us(constant(100.0), shift(3.0, 20 * SECOND_US));
    let counts = counts(&times, 60 * SECOND_US, 6);
    let expected: [u64; 6] = [1000, 1000, 1500, 2500, 1000, 1000];
    for (found, expected) in counts.iter().zip(expected) {
        assert!(found.abs_diff(expected) <= 2, "{counts:?}");
    }
}

#[test]
fn a_recorded_request_is_sent_again_and_its_copies_come_before_the_next() {
    let mut text = String::from("TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for second in 0..60 {
        let _ = writeln!(text, "2023-11-16 18:17:{second:02}.0,{second},1");
    }
    let folder = tempfile::tempdir().expect("a folder for the test");
    std::fs::write(folder.path().join("a.csv"), text).expect("the folder can be written to");
    let arrivals = Arrivals {
        file: Some("a.csv".to_owned()),
        format: Some(RecordedFormat::AzureCsv),
        ..Arrivals::default()
    };
    let phases = [phase("a", 0, 60 * SECOND_US, arrivals)];
    let stream = Streams::new(9).stream("load");
    let schedule = Schedule::shifted(stream, &phases, vec![shift(2.5, 0)], folder.path());
    let schedule = schedule.expect("the schedule is valid");
    let times: Vec<u64> = schedule.arrivals().map(|arrival| arrival.at_us).collect();
    assert!(times.is_sorted(), "{times:?}");
    let counts = counts(&times, 60 * SECOND_US, 3);
    assert_eq!([counts[0], counts[2]], [20, 20]);
    assert!((40..=60).contains(&counts[1]), "{counts:?}");
    assert!(
        times.contains(&(20 * SECOND_US + SECOND_US / 2))
            || times.contains(&(20 * SECOND_US + SECOND_US / 3))
    );
}
