//! From a phase's arrivals, as an experiment describes them, to the process that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ragdoll_model::Arrivals;
use ragdoll_model::workload::RecordedFormat;

use crate::arrivals::RateCurve;
use crate::closed_loop::ClosedLoop;
use crate::limits::MAX_USERS;
use crate::phase::PhaseLoad;
use crate::recording::{Recording, RecordingError};
use crate::schedule_error::ScheduleProblem;

/// How the requests of a phase arrive.
#[derive(Clone, Debug)]
pub(crate) enum Process {
    Poisson(RateCurve),
    Constant {
        per_s: f64,
    },
    /// Evenly spaced along a rate that changes.
    Even(RateCurve),
    Recorded {
        recording: Arc<Recording>,
        origin_us: u64,
    },
    Closed(ClosedLoop),
}

/// The recordings of a schedule, each read once.
pub(crate) struct Recordings<'a> {
    folder: &'a Path,
    opened: Vec<(PathBuf, RecordedFormat, Arc<Recording>)>,
}

impl<'a> Recordings<'a> {
    pub(crate) fn new(folder: &'a Path) -> Self {
        Recordings {
            folder,
            opened: Vec::new(),
        }
    }

    fn open(
        &mut self,
        file: &str,
        format: RecordedFormat,
    ) -> Result<Arc<Recording>, RecordingError> {
        let path = self.folder.join(file);
        let opened = self.opened.iter().find(|o| o.0 == path && o.1 == format);
        if let Some((_, _, recording)) = opened {
            return Ok(recording.clone());
        }
        let recording = Arc::new(Recording::open(&path, format)?);
        self.opened.push((path, format, recording.clone()));
        Ok(recording)
    }
}

/// The process that a phase's arrivals describe.
pub(crate) fn process(
    load: &PhaseLoad,
    recordings: &mut Recordings<'_>,
) -> Result<Process, ScheduleProblem> {
    let arrivals = &load.arrivals;
    check_keys(arrivals)?;
    let length_s = (load.end_us - load.start_us) as f64 / 1e6;
    if let Some(per_s) = arrivals.poisson_per_s {
        check_rate("poisson_per_s", per_s)?;
        return Ok(Process::Poisson(RateCurve::linear(per_s, per_s, length_s)));
    }
    if let Some(per_s) = arrivals.constant_per_s {
        check_rate("constant_per_s", per_s)?;
        return Ok(Process::Constant { per_s });
    }
    if let Some([from_per_s, to_per_s]) = arrivals.ramp_per_s {
        check_rate("ramp_per_s", from_per_s)?;
        check_rate("ramp_per_s", to_per_s)?;
        let curve = RateCurve::linear(from_per_s, to_per_s, length_s);
        return Ok(Process::Poisson(curve));
    }
    if let Some(rates_per_s) = &arrivals.steps_per_s {
        if rates_per_s.is_empty() {
            return Err(value("steps_per_s", "[]", "at least one rate"));
        }
        for &per_s in rates_per_s {
            check_rate("steps_per_s", per_s)?;
        }
        return Ok(Process::Poisson(RateCurve::steps(rates_per_s, length_s)));
    }
    if let Some(users) = arrivals.users {
        return closed_loop(users, arrivals.think_ms.unwrap_or(0.0)).map(Process::Closed);
    }
    recorded(load, recordings)
}

fn recorded(load: &PhaseLoad, recordings: &mut Recordings<'_>) -> Result<Process, ScheduleProblem> {
    let arrivals = &load.arrivals;
    let file = arrivals.file.as_deref().unwrap_or_default();
    let Some(format) = arrivals.format else {
        return Err(value(
            "format",
            "not given",
            "\"azure_csv\" or \"mooncake_jsonl\"",
        ));
    };
    let mut recording = recordings.open(file, format)?;
    if arrivals.window.is_some() || arrivals.speed.is_some() {
        let speed = arrivals.speed.unwrap_or(1.0);
        recording = Arc::new(recording.replay(arrivals.window, speed)?);
    }
    Ok(Process::Recorded {
        recording,
        origin_us: load.start_us,
    })
}

fn closed_loop(users: u32, think_ms: f64) -> Result<ClosedLoop, ScheduleProblem> {
    if users > MAX_USERS {
        return Err(value("users", users, "at most 100000"));
    }
    if !(think_ms.is_finite() && think_ms >= 0.0) {
        return Err(value("think_ms", think_ms, "a number of at least 0"));
    }
    Ok(ClosedLoop { users, think_ms })
}

fn check_keys(arrivals: &Arrivals) -> Result<(), ScheduleProblem> {
    let given: Vec<&str> = [
        ("poisson_per_s", arrivals.poisson_per_s.is_some()),
        ("constant_per_s", arrivals.constant_per_s.is_some()),
        ("ramp_per_s", arrivals.ramp_per_s.is_some()),
        ("steps_per_s", arrivals.steps_per_s.is_some()),
        ("users", arrivals.users.is_some()),
        ("file", arrivals.file.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, is_given)| is_given.then_some(key))
    .collect();
    if given.len() != 1 {
        let given = match given.is_empty() {
            true => "none of its kinds".to_owned(),
            false => given.join(" and "),
        };
        return Err(ScheduleProblem::Kinds { given });
    }
    for (key, is_given, needs) in [
        ("think_ms", arrivals.think_ms.is_some(), "users"),
        ("format", arrivals.format.is_some(), "file"),
        ("speed", arrivals.speed.is_some(), "file"),
        ("window", arrivals.window.is_some(), "file"),
    ] {
        if is_given && given[0] != needs {
            return Err(ScheduleProblem::Misplaced { key, needs });
        }
    }
    Ok(())
}

fn check_rate(key: &'static str, per_s: f64) -> Result<(), ScheduleProblem> {
    if per_s.is_finite() && per_s >= 0.0 {
        Ok(())
    } else {
        Err(value(key, per_s, "a number of at least 0 a second"))
    }
}

fn value(key: &'static str, found: impl ToString, expected: &'static str) -> ScheduleProblem {
    ScheduleProblem::Value {
        key,
        found: found.to_string(),
        expected,
    }
}
