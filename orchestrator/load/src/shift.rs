//! Stretches of a run in which the load differs from what the workload says.

use crate::queries::QueryPlan;

/// Parts into which a ramp is cut where the load changes by itself meanwhile.
const RAMP_PARTS: u64 = 10;

/// A stretch of the run in which the load differs. Several that overlap multiply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// First microsecond of the run in the stretch.
    pub start_us: u64,
    /// First microsecond of the run after it.
    pub end_us: u64,
    /// Factor on the rate of arrivals, above 0; of a closed loop, on the number of users, of whom
    /// there is at least one. Of a recording a request is sent so many times on average.
    pub rate_factor: f64,
    /// Time over which the rate changes.
    pub ramp_us: u64,
    /// Factor on the tokens of a prompt, above 0.
    pub prompt_tokens_factor: f64,
    /// Factor on the tokens of an answer, above 0.
    pub output_tokens_factor: f64,
}

impl Shift {
    fn contains(&self, at_us: f64) -> bool {
        self.start_us as f64 <= at_us && at_us < self.end_us as f64
    }

    /// Factor on the rate at a time of the run; 1 outside the stretch.
    fn rate_at(&self, at_us: f64) -> f64 {
        if !self.contains(at_us) {
            return 1.0;
        }
        let passed_us = at_us - self.start_us as f64;
        let done = if self.ramp_us == 0 {
            1.0
        } else {
            (passed_us / self.ramp_us as f64).min(1.0)
        };
        1.0 + (self.rate_factor - 1.0) * done
    }

    /// Times at which the rate jumps or begins to change otherwise.
    fn edges(&self) -> impl Iterator<Item = u64> {
        let ramp_us = self.ramp_us;
        let start_us = self.start_us;
        let parts =
            (1..=RAMP_PARTS).map(move |part| start_us.saturating_add(ramp_us * part / RAMP_PARTS));
        let parts = parts.filter(move |_| ramp_us > 0);
        let end_us = self.end_us;
        [start_us, end_us]
            .into_iter()
            .chain(parts.filter(move |&at_us| at_us < end_us))
    }
}

/// Factor of all stretches together on the rate at a time of the run.
pub(crate) fn rate_at(shifts: &[Shift], at_us: f64) -> f64 {
    shifts.iter().map(|shift| shift.rate_at(at_us)).product()
}

/// The times from `start_us` to `end_us`, cut where the rate jumps or begins to change otherwise.
/// In each piece the factor is that of its start and goes linearly to that of its end.
pub(crate) fn pieces(shifts: &[Shift], start_us: u64, end_us: u64) -> Vec<ShiftPiece> {
    let inner = shifts.iter().filter(|shift| shift.rate_factor != 1.0);
    let inner = inner.flat_map(Shift::edges);
    let mut edges: Vec<u64> = inner
        .filter(|&at_us| start_us < at_us && at_us < end_us)
        .chain([start_us, end_us])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let pieces = edges.windows(2).map(|edge| {
        let (from_us, to_us) = (edge[0], edge[1]);
        let from = rate_at(shifts, from_us as f64);
        let middle = rate_at(shifts, (from_us as f64 + to_us as f64) / 2.0);
        ShiftPiece {
            from_us,
            to_us,
            from,
            to: (2.0 * middle - from).max(0.0),
        }
    });
    pieces.collect()
}

/// Part of a stretch in which the factor on the rate changes linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShiftPiece {
    pub(crate) from_us: u64,
    pub(crate) to_us: u64,
    /// Factor at its start.
    pub(crate) from: f64,
    /// Factor at its end.
    pub(crate) to: f64,
}

impl ShiftPiece {
    pub(crate) fn mean(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }
}

/// Changes what a request that is due at `at_us` brings and asks for.
pub(crate) fn change_tokens(shifts: &[Shift], at_us: u64, plan: &mut QueryPlan) {
    let in_force = shifts.iter().filter(|shift| shift.contains(at_us as f64));
    for shift in in_force {
        let scaled = |tokens: u32, factor: f64| {
            let tokens = libm::round(f64::from(tokens) * factor);
            // A conversion from f64 saturates.
            tokens.max(1.0) as u32
        };
        plan.prompt_tokens = scaled(plan.prompt_tokens, shift.prompt_tokens_factor);
        plan.output_tokens = scaled(plan.output_tokens, shift.output_tokens_factor);
        let total = plan.total_prompt_tokens;
        plan.total_prompt_tokens = total.map(|tokens| scaled(tokens, shift.prompt_tokens_factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spike(start_us: u64, end_us: u64, rate_factor: f64, ramp_us: u64) -> Shift {
        Shift {
            start_us,
            end_us,
            rate_factor,
            ramp_us,
            prompt_tokens_factor: 1.0,
            output_tokens_factor: 1.0,
        }
    }

    #[test]
    fn the_rate_jumps_or_grows_and_falls_back_at_the_end() {
        let sudden = [spike(10, 20, 3.0, 0)];
        let at = |shifts: &[Shift], times: [f64; 4]| times.map(|at_us| rate_at(shifts, at_us));
        assert_eq!(at(&sudden, [9.0, 10.0, 19.0, 20.0]), [1.0, 3.0, 3.0, 1.0]);
        let slow = [spike(10, 30, 3.0, 10)];
        assert_eq!(at(&slow, [10.0, 15.0, 20.0, 29.0]), [1.0, 2.0, 3.0, 3.0]);
        let both = [spike(10, 20, 3.0, 0), spike(15, 20, 2.0, 0)];
        assert_eq!(at(&both, [10.0, 15.0, 19.0, 20.0]), [3.0, 6.0, 6.0, 1.0]);
    }

    #[test]
    fn pieces_cover_the_time_and_carry_the_factors_of_their_edges() {
        let cut = pieces(&[spike(10, 30, 3.0, 10)], 0, 100);
        assert_eq!((cut[0].from_us, cut[cut.len() - 1].to_us), (0, 100));
        assert!(cut.windows(2).all(|pair| pair[0].to_us == pair[1].from_us));
        let total: f64 = cut
            .iter()
            .map(|piece| piece.mean() * (piece.to_us - piece.from_us) as f64)
            .sum();
        // Twenty more for the time at three times the rate, and ten for the way there.
        assert!((total - 130.0).abs() < 1e-9, "{total}");
    }
}
