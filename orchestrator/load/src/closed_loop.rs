//! Users who wait for an answer before they ask again.

use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{exponential, ms_to_us};

use crate::shift::ShiftPiece;

/// A closed loop: each user thinks, asks, waits for the answer, and thinks again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClosedLoop {
    /// Users, each with one request in progress at most.
    pub users: u32,
    /// Mean of the exponential time for which a user thinks, at least 0.
    pub think_ms: f64,
}

impl ClosedLoop {
    /// How long a user thinks before question `iteration` of theirs, in microseconds. `stream` is
    /// the one of this user.
    pub fn think_us(&self, stream: Stream, iteration: u64) -> u64 {
        ms_to_us(exponential(self.think_ms, &mut stream.at(iteration)))
    }
}

/// A phase with a closed loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClosedPhase {
    /// Number of the phase within the schedule.
    pub(crate) phase: usize,
    pub(crate) start_us: u64,
    pub(crate) end_us: u64,
    pub(crate) closed_loop: ClosedLoop,
}

impl ClosedPhase {
    /// The phase in stretches, each with as many users as `shifts` ask for: at least one, and at most
    /// `most`.
    pub(crate) fn shifted(self, shifts: &[ShiftPiece], most: u32) -> Vec<ClosedPhase> {
        let users = f64::from(self.closed_loop.users);
        let stretches = shifts.iter().map(|shift| ClosedPhase {
            start_us: shift.from_us,
            end_us: shift.to_us,
            closed_loop: ClosedLoop {
                users: libm::round(users * shift.mean()).clamp(users.min(1.0), f64::from(most))
                    as u32,
                ..self.closed_loop
            },
            ..self
        });
        stretches.collect()
    }
}

/// The phases over which a user stays without a break, for each time that the user joins: one who
/// is wanted in two phases without a gap between them carries on from one into the other.
pub(crate) fn stays(phases: &[ClosedPhase], user: u32) -> Vec<&[ClosedPhase]> {
    let wanted = |phase: &ClosedPhase| user < phase.closed_loop.users;
    phases
        .chunk_by(|a, b| a.end_us == b.start_us && wanted(a) == wanted(b))
        .filter(|stay| wanted(&stay[0]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(phase: usize, start_us: u64, end_us: u64, users: u32) -> ClosedPhase {
        ClosedPhase {
            phase,
            start_us,
            end_us,
            closed_loop: ClosedLoop {
                users,
                think_ms: 1.0,
            },
        }
    }

    #[test]
    fn users_stay_over_phases_that_want_them_and_leave_in_between() {
        let phases = [
            phase(0, 0, 10, 2),
            phase(1, 10, 20, 3),
            phase(2, 20, 30, 1),
            phase(4, 40, 50, 3),
        ];
        let times = |user| -> Vec<(u64, u64)> {
            stays(&phases, user)
                .into_iter()
                .map(|stay| (stay[0].start_us, stay[stay.len() - 1].end_us))
                .collect()
        };
        assert_eq!(times(0), [(0, 30), (40, 50)]);
        assert_eq!(times(1), [(0, 20), (40, 50)]);
        assert_eq!(times(2), [(10, 20), (40, 50)]);
        assert_eq!(times(3), []);
    }
}
