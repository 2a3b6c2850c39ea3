//! Stretches of a run whose requests are looked at together.

use ragdoll_fault_spec::FaultSpec;

use crate::experiment::Phase;
use crate::measurements::RequestOutcome;
use crate::stats::Requests;

/// Times in force that are told apart at most. A fault that comes and goes more often is taken to
/// be in force from its first start to its last stop.
const PIECES_MAX: f64 = 10_000.0;

/// Parts of a run, as microseconds from its start: in order, none of them empty, none overlapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pieces: Vec<(u64, u64)>,
}

impl Stretch {
    /// All of a phase that counts.
    pub(crate) fn counted(phase: &Phase) -> Self {
        Stretch::of([(phase.counted_from_us(), phase.end_us())])
    }

    /// What counts of the time in which a fault of `phase` is in force, by its own schedule.
    pub(crate) fn in_force(fault: &FaultSpec, phase: &Phase) -> Self {
        let counted = (phase.counted_from_us(), phase.end_us());
        let within = |(from_s, to_s): (f64, f64)| {
            let at_us = |offset_s: f64| phase.start_us() + (offset_s * 1e6).round() as u64;
            (at_us(from_s).max(counted.0), at_us(to_s).min(counted.1))
        };
        let (start_s, stop_s) = fault.window_s(phase.duration_s);
        let pulses = fault.every_s.zip(fault.for_s);
        let pulses = pulses.filter(|(every_s, _)| stop_s - start_s <= every_s * PIECES_MAX);
        let Some((every_s, for_s)) = pulses else {
            return Stretch::of([within((start_s, stop_s))]);
        };
        let starts = (0_u32..).map(|number| start_s + every_s * f64::from(number));
        let pieces = starts.take_while(|from_s| *from_s < stop_s);
        Stretch::of(pieces.map(|from_s| within((from_s, (from_s + for_s).min(stop_s)))))
    }

    fn of(pieces: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let pieces = pieces
            .into_iter()
            .filter(|(from_us, to_us)| from_us < to_us);
        Stretch {
            pieces: pieces.collect(),
        }
    }

    /// How long it is, in seconds.
    pub(crate) fn length_s(&self) -> f64 {
        self.length_us() as f64 / 1e6
    }

    fn length_us(&self) -> u64 {
        self.pieces
            .iter()
            .map(|(from_us, to_us)| to_us - from_us)
            .sum()
    }

    /// Requests that were due in it.
    pub(crate) fn due<'r>(&self, requests: &Requests<'r>) -> Vec<&'r RequestOutcome> {
        let pieces = self.pieces.iter();
        pieces
            .flat_map(|&(from_us, to_us)| requests.due(from_us, to_us))
            .copied()
            .collect()
    }

    /// Successful answers that arrived in it.
    pub(crate) fn answered(&self, requests: &Requests<'_>) -> u64 {
        let pieces = self.pieces.iter();
        pieces
            .map(|&(from_us, to_us)| requests.answered(from_us, to_us))
            .sum()
    }

    /// The stretch in `parts` parts of equal length, but for a microsecond. A part may hold the end
    /// of one piece and the start of the next.
    pub(crate) fn cut(&self, parts: u64) -> Vec<Stretch> {
        let length_us = self.length_us();
        let edge = |number: u64| length_us * number / parts;
        (0..parts)
            .map(|number| self.part(edge(number), edge(number + 1)))
            .collect()
    }

    /// The part between two offsets, counted in time of the stretch itself.
    fn part(&self, from_us: u64, to_us: u64) -> Stretch {
        let mut passed_us = 0;
        let mut pieces = Vec::new();
        for &(start_us, end_us) in &self.pieces {
            let at_us = |offset_us: u64| {
                let into_us = offset_us.saturating_sub(passed_us);
                start_us + into_us.min(end_us - start_us)
            };
            pieces.push((at_us(from_us), at_us(to_us)));
            passed_us += end_us - start_us;
        }
        Stretch::of(pieces)
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_fault_spec::Target;
    use ragdoll_model::Service;
    use serde_json::json;

    use super::*;
    use crate::testing::phase;

    /// A phase from 100 s to 160 s whose first 5 s do not count, and a fault of it.
    fn in_force(change: impl FnOnce(&mut FaultSpec)) -> Vec<(u64, u64)> {
        let mut phase = phase("slow", 100.0, 60.0);
        phase.settle_s = 5.0;
        let mut fault = FaultSpec::new("latency", Target::service(Service::LLM), json!({}));
        change(&mut fault);
        let second = |us: u64| us / 1_000_000;
        let pieces = Stretch::in_force(&fault, &phase).pieces.into_iter();
        pieces
            .map(|(from, to)| (second(from), second(to)))
            .collect()
    }

    #[test]
    fn the_time_in_force_is_the_faults_own_without_what_does_not_count() {
        assert_eq!(in_force(|_| ()), [(105, 160)]);
        assert_eq!(
            in_force(|fault| (fault.at_s, fault.for_s) = (20.0, Some(10.0))),
            [(120, 130)]
        );
        assert_eq!(in_force(|fault| fault.for_s = Some(4.0)), []);
        let pulses = in_force(|fault| (fault.for_s, fault.every_s) = (Some(8.0), Some(25.0)));
        assert_eq!(pulses, [(105, 108), (125, 133), (150, 158)]);
    }

    #[test]
    fn what_comes_and_goes_too_often_is_one_stretch() {
        let often = in_force(|fault| {
            (fault.at_s, fault.for_s, fault.every_s) = (10.0, Some(0.000_1), Some(0.001));
        });
        assert_eq!(often, [(110, 160)]);
    }

    #[test]
    fn parts_are_of_equal_length_and_together_the_whole() {
        let stretch = Stretch::of([(0, 30), (100, 110), (200, 260)]);
        let parts = stretch.cut(4);
        assert_eq!(parts[0].pieces, [(0, 25)]);
        assert_eq!(parts[1].pieces, [(25, 30), (100, 110), (200, 210)]);
        assert!(parts.iter().all(|part| part.length_us() == 25));
        let last = parts.last().expect("four parts");
        assert_eq!(last.pieces, [(235, 260)]);
    }
}
