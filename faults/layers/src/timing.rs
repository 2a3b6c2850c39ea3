//! When a fault is in force.

use ragdoll_runtime::random::s_to_us;

use crate::planned::Planned;
use crate::pulse::Pulse;

/// The times of one fault: from its start to its stop, or again and again between the two; and
/// within each of these times again and again, where its kind does so by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timing {
    start_us: u64,
    stop_us: u64,
    outer: Option<Pulse>,
    inner: Option<Pulse>,
    ramp_up_us: u64,
    ramp_down_us: u64,
}

impl Timing {
    /// The times of a planned fault whose kind comes and goes as `inner` says.
    pub(crate) fn new(planned: &Planned, inner: Option<Pulse>) -> Self {
        let spec = &planned.spec;
        let outer = spec.every_s.zip(spec.for_s).map(|(every_s, for_s)| Pulse {
            every_us: s_to_us(every_s).max(1),
            for_us: s_to_us(for_s).max(1),
        });
        Timing {
            start_us: planned.start_us,
            stop_us: planned.stop_us,
            outer,
            inner,
            ramp_up_us: s_to_us(spec.ramp_up_s),
            ramp_down_us: s_to_us(spec.ramp_down_s),
        }
    }

    /// Start and stop of the time in force that `now_us` lies in, or else of the next one. `None`
    /// once there is none any more.
    pub(crate) fn next(&self, now_us: u64) -> Option<(u64, u64)> {
        let mut now_us = now_us.max(self.start_us);
        loop {
            let (outer_us, outer_end_us) = self.outer_window(now_us)?;
            let Some(inner) = self.inner else {
                return Some((outer_us, outer_end_us));
            };
            let (from_us, to_us) = inner.next(outer_us, now_us.max(outer_us));
            if from_us < outer_end_us {
                return Some((from_us, to_us.min(outer_end_us)));
            }
            now_us = outer_end_us;
        }
    }

    /// The same without what the kind does by itself.
    fn outer_window(&self, now_us: u64) -> Option<(u64, u64)> {
        let (from_us, to_us) = match self.outer {
            None => (self.start_us, self.stop_us),
            Some(outer) => outer.next(self.start_us, now_us),
        };
        let to_us = to_us.min(self.stop_us);
        (from_us < to_us && now_us < to_us).then_some((from_us, to_us))
    }

    /// Whether the fault is in force.
    pub(crate) fn in_force(&self, now_us: u64) -> bool {
        if !(self.start_us..self.stop_us).contains(&now_us) {
            return false;
        }
        let simple = self.outer.is_none() && self.inner.is_none();
        simple
            || self
                .next(now_us)
                .is_some_and(|(from_us, _)| from_us <= now_us)
    }

    /// Factor on the fault's probability, from 0 to 1: below 1 while it grows or falls.
    pub(crate) fn intensity(&self, now_us: u64) -> f64 {
        if self.ramp_up_us == 0 && self.ramp_down_us == 0 {
            return 1.0;
        }
        let Some((from_us, to_us)) = self.outer_window(now_us) else {
            return 0.0;
        };
        let share = |passed_us: u64, ramp_us: u64| match ramp_us {
            0 => 1.0,
            _ => (passed_us as f64 / ramp_us as f64).min(1.0),
        };
        let up = share(now_us.saturating_sub(from_us), self.ramp_up_us);
        up.min(share(to_us.saturating_sub(now_us), self.ramp_down_us))
    }

    /// Time since the fault last came into force by its own schedule, whatever its kind does.
    pub(crate) fn since_start_us(&self, now_us: u64) -> u64 {
        let window = self.outer_window(now_us);
        window.map_or(0, |(from_us, _)| now_us.saturating_sub(from_us))
    }

    /// When the fault is over for good, in microseconds of the run.
    pub(crate) fn stop_us(&self) -> u64 {
        self.stop_us
    }

    /// Every time in force, in order.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (u64, u64)> {
        std::iter::successors(self.next(0), |&(_, to_us)| self.next(to_us))
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_fault_spec::{FaultSpec, Target};
    use ragdoll_model::Service;
    use serde_json::json;

    use super::*;

    fn timing(change: impl FnOnce(&mut FaultSpec), inner: Option<(u64, u64)>) -> Timing {
        let mut spec = FaultSpec::new("latency", Target::service(Service::LLM), json!({}));
        change(&mut spec);
        let planned = Planned {
            spec,
            start_us: 10_000_000,
            stop_us: 60_000_000,
        };
        let inner = inner.map(|(every_us, for_us)| Pulse { every_us, for_us });
        Timing::new(&planned, inner)
    }

    fn windows_s(timing: &Timing) -> Vec<(f64, f64)> {
        let windows = timing.windows();
        windows
            .map(|(from_us, to_us)| (from_us as f64 / 1e6, to_us as f64 / 1e6))
            .collect()
    }

    #[test]
    fn a_fault_is_in_force_once_unless_told_to_come_and_go() {
        assert_eq!(windows_s(&timing(|_| {}, None)), [(10.0, 60.0)]);
        let repeated = timing(
            |spec| (spec.every_s, spec.for_s) = (Some(20.0), Some(5.0)),
            None,
        );
        let expected = [(10.0, 15.0), (30.0, 35.0), (50.0, 55.0)];
        assert_eq!(windows_s(&repeated), expected);
    }

    #[test]
    fn what_a_kind_does_by_itself_is_cut_by_the_faults_own_times() {
        let nested = timing(
            |spec| (spec.every_s, spec.for_s) = (Some(20.0), Some(5.0)),
            Some((4_000_000, 2_000_000)),
        );
        let expected = [
            (10.0, 12.0),
            (14.0, 15.0),
            (30.0, 32.0),
            (34.0, 35.0),
            (50.0, 52.0),
            (54.0, 55.0),
        ];
        assert_eq!(windows_s(&nested), expected);
    }

    #[test]
    fn what_is_in_force_and_what_comes_next_agree() {
        let nested = timing(
            |spec| (spec.every_s, spec.for_s) = (Some(7.0), Some(3.0)),
            Some((1_300_000, 400_000)),
        );
        for now_us in (0..70_000_000).step_by(50_000) {
            let within = nested
                .windows()
                .any(|(from_us, to_us)| (from_us..to_us).contains(&now_us));
            assert_eq!(nested.in_force(now_us), within, "at {now_us}");
        }
    }

    #[test]
    fn a_ramp_grows_and_falls_in_each_window() {
        let ramped = timing(
            |spec| {
                (spec.every_s, spec.for_s) = (Some(20.0), Some(10.0));
                (spec.ramp_up_s, spec.ramp_down_s) = (4.0, 2.0);
            },
            None,
        );
        let at = |second: u64| ramped.intensity(second * 1_000_000);
        assert_eq!(
            [at(10), at(12), at(14), at(18), at(19)],
            [0.0, 0.5, 1.0, 1.0, 0.5]
        );
        assert_eq!([at(25), at(32), at(5)], [0.0, 0.5, 0.0]);
    }
}
