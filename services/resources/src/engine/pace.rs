//! When an iteration counts as begun, on a clock whose timers fire late.

use ragdoll_runtime::Clock;

/// Lateness that is made up for, in microseconds. What is more than this the machine has lost, as
/// an engine that stood still for that long would have.
const MOST_LATENESS_US: u64 = 50_000;

/// Lets iterations that follow directly on one another begin where the one before was due to end,
/// so that the lateness of timers does not add up over them. In virtual time no timer is late; what
/// makes an iteration end late there is a process that stood still, which nothing makes up for.
#[derive(Debug)]
pub(super) struct Pace {
    makes_up: bool,
    due_us: Option<u64>,
}

impl Pace {
    /// The pace of an engine that is idle.
    pub(super) fn new(clock: &Clock) -> Self {
        Pace {
            makes_up: !clock.is_virtual(),
            due_us: None,
        }
    }

    /// When an iteration that is scheduled at `now_us` counts as begun: `now_us` or shortly before.
    pub(super) fn begin(&mut self, now_us: u64, length_us: u64) -> u64 {
        let start_us = match self.due_us {
            Some(due_us) if self.makes_up && now_us.saturating_sub(due_us) <= MOST_LATENESS_US => {
                due_us.min(now_us)
            }
            _ => now_us,
        };
        self.due_us = Some(start_us + length_us);
        start_us
    }

    /// The next iteration does not follow directly on the last one.
    pub(super) fn rest(&mut self) {
        self.due_us = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(makes_up: bool) -> Pace {
        Pace {
            makes_up,
            due_us: None,
        }
    }

    /// Starts of iterations of 10 ms, each scheduled `late_us` after the one before was due to end.
    fn starts(mut pace: Pace, late_us: &[u64]) -> Vec<u64> {
        let mut now_us = 1_000;
        let mut starts = Vec::new();
        for late_us in late_us {
            let start_us = pace.begin(now_us, 10_000);
            starts.push(start_us);
            now_us = start_us + 10_000 + late_us;
        }
        starts
    }

    #[test]
    fn lateness_does_not_add_up_over_iterations_that_follow_directly() {
        let starts = starts(pace(true), &[300, 700, 12_000, 0, 0]);
        assert_eq!(starts, [1_000, 11_000, 21_000, 31_000, 41_000]);
    }

    #[test]
    fn time_that_the_machine_lost_is_not_made_up_for() {
        let within = starts(pace(true), &[MOST_LATENESS_US, 0]);
        assert_eq!(within, [1_000, 11_000]);
        let beyond = starts(pace(true), &[MOST_LATENESS_US + 1, 0]);
        assert_eq!(beyond, [1_000, 61_001]);
    }

    #[test]
    fn an_iteration_after_idleness_begins_when_it_is_scheduled() {
        let mut pace = pace(true);
        assert_eq!(pace.begin(1_000, 10_000), 1_000);
        pace.rest();
        assert_eq!(pace.begin(11_400, 10_000), 11_400);
    }

    #[test]
    fn virtual_time_makes_up_for_nothing() {
        assert_eq!(starts(pace(false), &[300, 0]), [1_000, 11_300]);
        let makes_up =
            ragdoll_runtime::run_virtual(|clock| async move { Pace::new(&clock).makes_up });
        assert!(!makes_up);
        assert!(Pace::new(&Clock::new_real()).makes_up);
    }
}
