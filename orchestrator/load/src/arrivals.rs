//! Arrival processes of the open loop: intended send times of one phase, as pure iterators.

use ragdoll_runtime::Rng;
use ragdoll_runtime::random::exponential;

use crate::recording::Recorded;

/// Rate of a Poisson process as a function of time, made of pieces that change linearly.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RateCurve {
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    offset_s: f64,
    length_s: f64,
    from_per_s: f64,
    to_per_s: f64,
}

impl RateCurve {
    /// A single piece over the whole phase.
    pub(crate) fn linear(from_per_s: f64, to_per_s: f64, length_s: f64) -> Self {
        RateCurve {
            pieces: vec![Piece {
                offset_s: 0.0,
                length_s,
                from_per_s,
                to_per_s,
            }],
        }
    }

    /// Each rate for an equal part of the phase.
    pub(crate) fn steps(rates_per_s: &[f64], length_s: f64) -> Self {
        let step_s = length_s / rates_per_s.len() as f64;
        let pieces = rates_per_s.iter().enumerate().map(|(step, &per_s)| Piece {
            offset_s: step as f64 * step_s,
            length_s: step_s,
            from_per_s: per_s,
            to_per_s: per_s,
        });
        RateCurve {
            pieces: pieces.collect(),
        }
    }

    /// Expected number of arrivals.
    pub(crate) fn expected(&self) -> f64 {
        self.pieces.iter().map(Piece::expected).sum()
    }
}

impl Piece {
    fn expected(&self) -> f64 {
        (self.from_per_s + self.to_per_s) / 2.0 * self.length_s
    }

    /// When `expected` arrivals are expected since the start of the piece: the inverse of the
    /// cumulative rate, in the form of the quadratic formula that loses no digits on a slight
    /// slope. In seconds of the phase.
    fn time_s(&self, expected: f64) -> f64 {
        if expected == 0.0 {
            return self.offset_s;
        }
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        let squared = self.from_per_s * self.from_per_s + 2.0 * slope * expected;
        self.offset_s + 2.0 * expected / (self.from_per_s + libm::sqrt(squared.max(0.0)))
    }
}

/// Intended send times of one phase, never decreasing.
#[derive(Clone, Debug)]
pub(crate) enum PhaseTimes<'a> {
    /// Nothing is sent by the open loop.
    None,
    Poisson(PoissonTimes<'a>),
    Constant(ConstantTimes),
    Recorded(RecordedTimes<'a>),
}

impl<'a> PhaseTimes<'a> {
    pub(crate) fn next(&mut self) -> Option<(u64, Option<&'a Recorded>)> {
        match self {
            PhaseTimes::None => None,
            PhaseTimes::Poisson(times) => times.next().map(|at_us| (at_us, None)),
            PhaseTimes::Constant(times) => times.next().map(|at_us| (at_us, None)),
            PhaseTimes::Recorded(times) => {
                let recorded = times.requests.next()?;
                Some((
                    times.origin_us.saturating_add(recorded.at_us),
                    Some(recorded),
                ))
            }
        }
    }
}

/// A Poisson process with a rate that changes, by inversion: arrivals of a process of rate 1 on the
/// axis of the expected number of arrivals are mapped back to time.
#[derive(Clone, Debug)]
pub(crate) struct PoissonTimes<'a> {
    pieces: std::slice::Iter<'a, Piece>,
    piece: Option<&'a Piece>,
    /// Where the process of rate 1 is, from the start of `piece`.
    expected: f64,
    start_us: u64,
    earliest_us: u64,
    latest_us: u64,
    rng: Rng,
}

impl<'a> PoissonTimes<'a> {
    pub(crate) fn new(curve: &'a RateCurve, start_us: u64, end_us: u64, rng: Rng) -> Self {
        let mut pieces = curve.pieces.iter();
        PoissonTimes {
            piece: pieces.next(),
            pieces,
            expected: 0.0,
            start_us,
            earliest_us: start_us,
            latest_us: end_us - 1,
            rng,
        }
    }

    fn next(&mut self) -> Option<u64> {
        let mut piece = self.piece?;
        self.expected += exponential(1.0, &mut self.rng);
        while self.expected >= piece.expected() {
            self.expected -= piece.expected();
            self.piece = self.pieces.next();
            piece = self.piece?;
        }
        // Rounding could take a time beyond its neighbours; the bounds keep the promised order.
        let at_us = self.start_us + (piece.time_s(self.expected) * 1e6) as u64;
        self.earliest_us = at_us.clamp(self.earliest_us, self.latest_us);
        Some(self.earliest_us)
    }
}

/// Evenly spaced, the first at the start of the phase.
#[derive(Clone, Debug)]
pub(crate) struct ConstantTimes {
    pub(crate) per_s: f64,
    pub(crate) start_us: u64,
    pub(crate) end_us: u64,
    pub(crate) sent: u64,
}

impl ConstantTimes {
    /// Every time is computed from the start, so that rounding to microseconds does not add up.
    fn next(&mut self) -> Option<u64> {
        if self.per_s == 0.0 {
            return None;
        }
        let offset_us = libm::round(self.sent as f64 * 1e6 / self.per_s) as u64;
        self.sent += 1;
        let at_us = self.start_us.saturating_add(offset_us);
        (at_us < self.end_us).then_some(at_us)
    }
}

/// The part of a recording that falls into the phase.
#[derive(Clone, Debug)]
pub(crate) struct RecordedTimes<'a> {
    pub(crate) requests: std::slice::Iter<'a, Recorded>,
    /// When the recording starts in the run, at or before the start of the phase.
    pub(crate) origin_us: u64,
}
