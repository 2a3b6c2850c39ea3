//! When requests arrive, over all phases of a run.

use std::path::Path;

use ragdoll_runtime::{Rng, Stream};

use crate::arrivals::{ConstantTimes, CurveTimes, PhaseTimes, RateCurve, RecordedTimes, Step};
use crate::closed_loop::{ClosedPhase, stays};
use crate::limits::{MAX_REQUESTS, MAX_RUN_US, MAX_USERS};
use crate::phase::PhaseLoad;
use crate::process::{Process, Recordings, process};
use crate::queries::QueryPlan;
use crate::recording::{Recorded, Recording};
use crate::schedule_error::{ScheduleError, ScheduleProblem};
use crate::shift::{Shift, change_tokens, pieces, rate_at};

/// When requests arrive in a run: the same for the same stream and phases, whatever else happens.
///
/// A phase has one stream, named after it: what other phases do, or how long they last, leaves its
/// arrivals alone. A Poisson process or constant rate that lasts longer has the same arrivals and
/// more. A recording starts with its phase and goes on through phases that follow without a gap
/// and have the same arrivals; what of it lies after the end is not sent, and after its own end
/// there is silence.
#[derive(Clone, Debug)]
pub struct Schedule {
    phases: Vec<ScheduledPhase>,
    closed: Vec<ClosedPhase>,
    think: Stream,
    shifts: Vec<Shift>,
    expected: f64,
}

#[derive(Clone, Debug)]
struct ScheduledPhase {
    start_us: u64,
    end_us: u64,
    rng: Rng,
    process: Process,
}

/// A request of the open loop that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// Intended send time, in microseconds of the run.
    pub at_us: u64,
    /// Number of the phase, from 0.
    pub phase: usize,
    /// What the recording says of it, where there is one.
    pub recorded: Option<&'a Recorded>,
}

impl Schedule {
    /// The schedule of these phases, in the order of their times. Recordings are read from
    /// `folder`, each once.
    pub fn new(
        stream: Stream,
        phases: &[PhaseLoad],
        folder: &Path,
    ) -> Result<Schedule, ScheduleError> {
        Schedule::shifted(stream, phases, Vec::new(), folder)
    }

    /// The same where the load differs for a while. What a user of a closed loop thinks, and when
    /// requests arrive outside of these stretches' phases, stays as it is.
    pub fn shifted(
        stream: Stream,
        phases: &[PhaseLoad],
        shifts: Vec<Shift>,
        folder: &Path,
    ) -> Result<Schedule, ScheduleError> {
        let mut schedule = Schedule {
            phases: Vec::with_capacity(phases.len()),
            closed: Vec::new(),
            think: stream.child("think"),
            shifts,
            expected: 0.0,
        };
        let mut recordings = Recordings::new(folder);
        for (number, load) in phases.iter().enumerate() {
            let same_name = phases[..number].iter().filter(|p| p.name == load.name);
            let rng = stream
                .child("arrivals")
                .child(&load.name)
                .at(same_name.count() as u64);
            let before = number.checked_sub(1).map(|before| &phases[before]);
            schedule
                .add(before, load, rng, &mut recordings)
                .map_err(|problem| ScheduleError {
                    phase: load.name.clone(),
                    problem,
                })?;
        }
        Ok(schedule)
    }

    fn add(
        &mut self,
        before: Option<&PhaseLoad>,
        load: &PhaseLoad,
        rng: Rng,
        recordings: &mut Recordings<'_>,
    ) -> Result<(), ScheduleProblem> {
        let &PhaseLoad {
            start_us, end_us, ..
        } = load;
        let earliest_us = before.map_or(0, |before| before.end_us);
        if start_us < earliest_us || end_us <= start_us {
            return Err(ScheduleProblem::Times {
                start_us,
                end_us,
                earliest_us,
            });
        }
        if end_us > MAX_RUN_US {
            return Err(ScheduleProblem::TooLong { end_us });
        }
        let mut process = process(load, recordings)?;
        if let Process::Recorded { origin_us, .. } = &mut process
            && let Some(last) = self.phases.last()
            && before.is_some_and(|b| b.arrivals == load.arrivals && b.end_us == start_us)
            && let Process::Recorded { origin_us: at, .. } = last.process
        {
            *origin_us = at;
        }
        let shifts = pieces(&self.shifts, start_us, end_us);
        if shifts
            .iter()
            .any(|piece| piece.from != 1.0 || piece.to != 1.0)
        {
            let length_s = (end_us - start_us) as f64 / 1e6;
            process = match process {
                Process::Poisson(curve) => Process::Poisson(curve.shifted(start_us, &shifts)),
                Process::Constant { per_s } => {
                    let curve = RateCurve::linear(per_s, per_s, length_s);
                    Process::Even(curve.shifted(start_us, &shifts))
                }
                other => other,
            };
        }
        if let Process::Closed(closed_loop) = process {
            let phase = ClosedPhase {
                phase: self.phases.len(),
                start_us,
                end_us,
                closed_loop,
            };
            self.closed.extend(phase.shifted(&shifts, MAX_USERS));
        }
        let phase = ScheduledPhase {
            start_us,
            end_us,
            rng,
            process,
        };
        self.expected += phase.expected(&self.shifts);
        self.phases.push(phase);
        if self.expected > MAX_REQUESTS as f64 {
            return Err(ScheduleProblem::TooMany {
                expected: self.expected,
            });
        }
        Ok(())
    }

    /// The requests of the open loop, by time. Phases with a closed loop have none.
    pub fn arrivals(&self) -> ArrivalTimes<'_> {
        ArrivalTimes {
            phases: &self.phases,
            shifts: &self.shifts,
            phase: 0,
            times: self
                .phases
                .first()
                .map_or(PhaseTimes::None, |phase| phase.times(&self.shifts)),
        }
    }

    /// How many requests [`Schedule::arrivals`] is expected to yield.
    pub fn expected_arrivals(&self) -> f64 {
        self.expected
    }

    /// End of the last phase; 0 without phases.
    pub fn end_us(&self) -> u64 {
        self.phases.last().map_or(0, |phase| phase.end_us)
    }

    /// Most users that any phase's closed loop has.
    pub(crate) fn users(&self) -> u32 {
        let users = self.closed.iter().map(|phase| phase.closed_loop.users);
        users.max().unwrap_or(0)
    }

    /// When a user of the closed loop takes part.
    pub(crate) fn stays(&self, user: u32) -> Vec<&[ClosedPhase]> {
        stays(&self.closed, user)
    }

    /// Changes what a request that is due at `at_us` brings and asks for, as the load's shifts say.
    pub(crate) fn change(&self, at_us: u64, plan: &mut QueryPlan) {
        change_tokens(&self.shifts, at_us, plan);
    }

    /// The stream of a user's times to think.
    pub(crate) fn think_stream(&self, user: u32) -> Stream {
        self.think.child(&user.to_string())
    }
}

impl ScheduledPhase {
    fn length_s(&self) -> f64 {
        (self.end_us - self.start_us) as f64 / 1e6
    }

    fn expected(&self, shifts: &[Shift]) -> f64 {
        match &self.process {
            Process::Poisson(curve) | Process::Even(curve) => curve.expected(),
            Process::Constant { per_s } => per_s * self.length_s(),
            Process::Recorded {
                recording,
                origin_us,
            } => {
                let requests = self.recorded(recording, *origin_us).iter();
                let at_us = requests.map(|recorded| origin_us + recorded.at_us);
                at_us.map(|at_us| rate_at(shifts, at_us as f64)).sum()
            }
            Process::Closed(_) => 0.0,
        }
    }

    fn recorded<'a>(&self, recording: &'a Recording, origin_us: u64) -> &'a [Recorded] {
        let requests = recording.requests();
        let before = |at_us| requests.partition_point(|r| r.at_us < at_us - origin_us);
        &requests[before(self.start_us)..before(self.end_us)]
    }

    fn times<'a>(&'a self, shifts: &'a [Shift]) -> PhaseTimes<'a> {
        let along = |curve: &'a RateCurve, step: Step| {
            PhaseTimes::Curve(CurveTimes::new(curve, self.start_us, self.end_us, step))
        };
        match &self.process {
            Process::Poisson(curve) => along(curve, Step::Random(self.rng.clone())),
            Process::Even(curve) => along(curve, Step::Even { begun: false }),
            Process::Constant { per_s } => PhaseTimes::Constant(ConstantTimes {
                per_s: *per_s,
                start_us: self.start_us,
                end_us: self.end_us,
                sent: 0,
            }),
            Process::Recorded {
                recording,
                origin_us,
            } => {
                let requests = self.recorded(recording, *origin_us);
                let times = RecordedTimes::new(requests, *origin_us, shifts, self.rng.clone());
                PhaseTimes::Recorded(times)
            }
            Process::Closed(_) => PhaseTimes::None,
        }
    }
}

/// Iterator of the requests of the open loop.
#[derive(Clone, Debug)]
pub struct ArrivalTimes<'a> {
    phases: &'a [ScheduledPhase],
    shifts: &'a [Shift],
    phase: usize,
    times: PhaseTimes<'a>,
}

impl<'a> Iterator for ArrivalTimes<'a> {
    type Item = Arrival<'a>;

    fn next(&mut self) -> Option<Arrival<'a>> {
        loop {
            if let Some((at_us, recorded)) = self.times.next() {
                return Some(Arrival {
                    at_us,
                    phase: self.phase,
                    recorded,
                });
            }
            // The last phase's process is kept, so that an iterator at its end stays there.
            let next = self.phases.get(self.phase + 1)?;
            self.phase += 1;
            self.times = next.times(self.shifts);
        }
    }
}
