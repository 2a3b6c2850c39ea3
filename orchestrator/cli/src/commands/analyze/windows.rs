//! Which requests are compared with which.

use std::path::PathBuf;

use jiff::{Timestamp, Unit};
use ragdoll_analyser::{Config, Prepared, Window, find_window};
use ragdoll_report::WindowRecord;

use super::arguments::Arguments;
use super::reading::{Part, Recording, label};
use super::stretch::Stretch;
use crate::commands::failure::Failure;

/// The two windows, what they are called, and how they were told apart.
pub(super) struct Windows {
    pub(super) window: Window,
    pub(super) baseline: Window,
    pub(super) name: String,
    baseline_name: String,
    pub(super) how: String,
    moved_ns: i128,
    baseline_moved_ns: i128,
}

impl Windows {
    /// What the command line says, filled up by what was read; where it says nothing, the time in
    /// which requests change for the worse.
    pub(super) fn choose(
        arguments: &Arguments,
        recording: &Recording,
        prepared: &Prepared<'_>,
        config: &Config,
    ) -> Result<Self, Failure> {
        let traces = &recording.traces;
        if let Some(baseline) = &recording.baseline {
            return of_two(arguments, traces, baseline);
        }
        let told = of_command_line(arguments, traces)?;
        let pair = told.unwrap_or_else(|| found(recording, prepared, config));
        Ok(of_one(traces, pair))
    }

    pub(super) fn window_record(&self) -> WindowRecord {
        record(&self.name, &self.window, self.moved_ns)
    }

    pub(super) fn baseline_record(&self) -> WindowRecord {
        record(&self.baseline_name, &self.baseline, self.baseline_moved_ns)
    }
}

fn record(name: &str, window: &Window, moved_ns: i128) -> WindowRecord {
    WindowRecord {
        name: name.to_owned(),
        start: time(window.start_ns, moved_ns),
        end: time(window.end_ns, moved_ns),
        seconds: window.seconds(),
    }
}

/// A moment as the telemetry tells it, to the millisecond.
fn time(ns: u64, moved_ns: i128) -> String {
    let ns = i128::from(ns) - moved_ns;
    let time = Timestamp::from_nanosecond(ns).and_then(|time| time.round(Unit::Millisecond));
    time.map_or_else(|_| format!("{ns} ns"), |time| time.to_string())
}

/// A recording against another one.
fn of_two(arguments: &Arguments, traces: &Part, baseline: &Part) -> Result<Windows, Failure> {
    let window = within("--window", arguments.window.as_ref(), traces)?;
    let before = within(
        "--baseline-window",
        arguments.baseline_window.as_ref(),
        baseline,
    )?;
    let (name, baseline_name) = names(&arguments.traces, &arguments.baseline);
    let mut how = "The baseline is a recording of its own".to_owned();
    if baseline.moved_ns != 0 || traces.moved_ns != 0 {
        how.push_str(", taken as if it had ended just before the window");
    }
    how.push('.');
    Ok(Windows {
        window,
        baseline: before,
        name,
        baseline_name,
        how,
        moved_ns: traces.moved_ns,
        baseline_moved_ns: baseline.moved_ns,
    })
}

/// Files of one name in two folders are told apart by their parts in the comparison.
fn names(traces: &[PathBuf], baseline: &[PathBuf]) -> (String, String) {
    let (name, before) = (label(traces), label(baseline));
    match name == before {
        true => ("window".to_owned(), "baseline".to_owned()),
        false => (name, before),
    }
}

/// The window, its baseline, and how they were told apart.
type Pair = (Window, Window, &'static str);

/// Where a recording changes for the worse, and if it does nowhere, its two halves.
fn found(recording: &Recording, prepared: &Prepared<'_>, config: &Config) -> Pair {
    if let Some((before, window)) = find_window(prepared, config) {
        let how = match before.start_ns < window.start_ns {
            true => "The window was found: in it requests differ most from those before it.",
            false => "The window was found: in it requests differ most from those after it.",
        };
        return (window, before, how);
    }
    let spans = recording.observations.traces.spans();
    let mut starts: Vec<u64> = spans.iter().map(|span| span.start_ns).collect();
    let at = starts.len() / 2;
    let middle_ns = *starts.select_nth_unstable(at).1;
    let part = |start_ns, end_ns| Window { start_ns, end_ns };
    (
        part(middle_ns, recording.traces.end_ns),
        part(recording.traces.start_ns, middle_ns),
        "No baseline was given, and no moment was found from which on requests change for the worse, \
         so the second half is compared with the first; --baseline or --window say it better.",
    )
}

/// Two windows of one recording, where at least one of them is given.
fn of_command_line(arguments: &Arguments, traces: &Part) -> Result<Option<Pair>, Failure> {
    let placed = |option: &str, stretch: Option<&Stretch>| {
        stretch
            .map(|stretch| within(option, Some(stretch), traces))
            .transpose()
    };
    let window = placed("--window", arguments.window.as_ref())?;
    let before = placed("--baseline-window", arguments.baseline_window.as_ref())?;
    let (window, before, how) = match (window, before) {
        (Some(window), Some(before)) => (
            window,
            before,
            "Both windows are those of the command line.",
        ),
        (Some(window), None) => {
            let before = Window {
                start_ns: traces.start_ns,
                end_ns: window.start_ns,
            };
            filled(
                &before,
                "--window",
                "before it",
                "--baseline-window or --baseline",
            )?;
            (
                window,
                before,
                "The baseline is all that comes before the window.",
            )
        }
        (None, Some(before)) => {
            let window = Window {
                start_ns: before.end_ns,
                end_ns: traces.end_ns,
            };
            filled(&window, "--baseline-window", "after it", "--window")?;
            (
                window,
                before,
                "The window is all that comes after the baseline.",
            )
        }
        (None, None) => return Ok(None),
    };
    if window.start_ns < before.end_ns && before.start_ns < window.end_ns {
        return Err(Failure::usage(
            "--window and --baseline-window overlap; a request can be in one of them".to_owned(),
        ));
    }
    Ok(Some((window, before, how)))
}

/// Two windows of one recording are called by their seconds.
fn of_one(traces: &Part, (window, before, how): Pair) -> Windows {
    let name = |window: &Window| {
        let second = |ns: u64| {
            let seconds = ns.saturating_sub(traces.start_ns) as f64 / 1e9;
            format!("{}", (seconds * 10.0).round() / 10.0)
        };
        format!("{} to {} s", second(window.start_ns), second(window.end_ns))
    };
    Windows {
        name: name(&window),
        baseline_name: name(&before),
        window,
        baseline: before,
        how: how.to_owned(),
        moved_ns: traces.moved_ns,
        baseline_moved_ns: traces.moved_ns,
    }
}

fn filled(window: &Window, option: &str, place: &str, other: &str) -> Result<(), Failure> {
    if window.start_ns < window.end_ns {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option}: no span starts {place}, so there is nothing to compare with; give {other} too"
    )))
}

/// What a stretch covers of a part: all of it where there is no stretch.
fn within(option: &str, stretch: Option<&Stretch>, part: &Part) -> Result<Window, Failure> {
    let (from, to) = stretch.map_or((None, None), |one| one.ends(part.start_ns, part.moved_ns));
    let window = Window {
        start_ns: from.unwrap_or(part.start_ns).max(part.start_ns),
        end_ns: to.unwrap_or(part.end_ns).min(part.end_ns),
    };
    if window.start_ns < window.end_ns {
        return Ok(window);
    }
    let text = stretch.map_or("..", Stretch::text);
    let length_s = (part.end_ns - part.start_ns) as f64 / 1e9;
    Err(Failure::usage(format!(
        "{option} {text}: no span starts then; they start from {} to {}, which is 0 to {length_s:.1} \
         seconds from the first",
        time(part.start_ns, part.moved_ns),
        time(part.end_ns, part.moved_ns),
    )))
}
