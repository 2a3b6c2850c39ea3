//! Arrival processes of the open loop: intended send times of one phase, as pure iterators.

use ragdoll_runtime::Rng;
use ragdoll_runtime::random::{chance, exponential};

use crate::recording::Recorded;
use crate::shift::{Shift, ShiftPiece, rate_at};

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

    /// The same curve times the factors of `shifts`, which cover the phase from its start at
    /// `start_us`.
    pub(crate) fn shifted(&self, start_us: u64, shifts: &[ShiftPiece]) -> Self {
        let mut pieces = Vec::new();
        for shift in shifts {
            let seconds = |at_us: u64| (at_us - start_us) as f64 / 1e6;
            let (from_s, to_s) = (seconds(shift.from_us), seconds(shift.to_us));
            let cut = self.pieces.iter();
            let cut = cut.filter_map(|piece| piece.within(from_s, to_s));
            pieces.extend(cut.map(|piece| {
                let factor_at = |at_s: f64| {
                    let share = (at_s - from_s) / (to_s - from_s);
                    shift.from + (shift.to - shift.from) * share
                };
                Piece {
                    from_per_s: piece.from_per_s * factor_at(piece.offset_s),
                    to_per_s: piece.to_per_s * factor_at(piece.offset_s + piece.length_s),
                    ..piece
                }
            }));
        }
        RateCurve { pieces }
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

    /// The part of the piece that lies within these seconds of the phase.
    fn within(&self, from_s: f64, to_s: f64) -> Option<Piece> {
        let start_s = self.offset_s.max(from_s);
        let end_s = (self.offset_s + self.length_s).min(to_s);
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        let rate_at = |at_s: f64| (self.from_per_s + slope * (at_s - self.offset_s)).max(0.0);
        (start_s < end_s).then(|| Piece {
            offset_s: start_s,
            length_s: end_s - start_s,
            from_per_s: rate_at(start_s),
            to_per_s: rate_at(end_s),
        })
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
    Curve(CurveTimes<'a>),
    Constant(ConstantTimes),
    Recorded(RecordedTimes<'a>),
}

impl<'a> PhaseTimes<'a> {
    pub(crate) fn next(&mut self) -> Option<(u64, Option<&'a Recorded>)> {
        match self {
            PhaseTimes::None => None,
            PhaseTimes::Curve(times) => times.next().map(|at_us| (at_us, None)),
            PhaseTimes::Constant(times) => times.next().map(|at_us| (at_us, None)),
            PhaseTimes::Recorded(times) => times.next().map(|(at_us, one)| (at_us, Some(one))),
        }
    }
}

/// From one arrival to the next, on the axis of the expected number of arrivals.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A Poisson process of rate 1.
    Random(Rng),
    /// Evenly spaced; the first arrival is at 0.
    Even { begun: bool },
}

impl Step {
    fn next(&mut self) -> f64 {
        match self {
            Step::Random(rng) => exponential(1.0, rng),
            Step::Even { begun } => f64::from(u8::from(std::mem::replace(begun, true))),
        }
    }
}

/// Arrivals with a rate that changes, by inversion: those of a process of rate 1 on the axis of the
/// expected number of arrivals are mapped back to time.
#[derive(Clone, Debug)]
pub(crate) struct CurveTimes<'a> {
    pieces: std::slice::Iter<'a, Piece>,
    piece: Option<&'a Piece>,
    /// Where the process of rate 1 is, from the start of `piece`.
    expected: f64,
    start_us: u64,
    earliest_us: u64,
    latest_us: u64,
    step: Step,
}

impl<'a> CurveTimes<'a> {
    pub(crate) fn new(curve: &'a RateCurve, start_us: u64, end_us: u64, step: Step) -> Self {
        let mut pieces = curve.pieces.iter();
        CurveTimes {
            piece: pieces.next(),
            pieces,
            expected: 0.0,
            start_us,
            earliest_us: start_us,
            latest_us: end_us - 1,
            step,
        }
    }

    fn next(&mut self) -> Option<u64> {
        let mut piece = self.piece?;
        self.expected += self.step.next();
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

/// The part of a recording that falls into the phase. Where the rate is another, each request is sent
/// as many times as the factor says, on average; the copies lie between it and the next one.
#[derive(Clone, Debug)]
pub(crate) struct RecordedTimes<'a> {
    requests: std::iter::Peekable<std::slice::Iter<'a, Recorded>>,
    /// When the recording starts in the run, at or before the start of the phase.
    origin_us: u64,
    shifts: &'a [Shift],
    rng: Rng,
    /// The request whose copies are being sent.
    current: Option<Copies<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Copies<'a> {
    recorded: &'a Recorded,
    at_us: u64,
    gap_us: u64,
    sent: u64,
    wanted: u64,
}

impl<'a> RecordedTimes<'a> {
    pub(crate) fn new(
        requests: &'a [Recorded],
        origin_us: u64,
        shifts: &'a [Shift],
        rng: Rng,
    ) -> Self {
        RecordedTimes {
            requests: requests.iter().peekable(),
            origin_us,
            shifts,
            rng,
            current: None,
        }
    }

    fn next(&mut self) -> Option<(u64, &'a Recorded)> {
        loop {
            if let Some(copies) = &mut self.current
                && copies.sent < copies.wanted
            {
                let offset_us = copies.gap_us * copies.sent / copies.wanted;
                copies.sent += 1;
                return Some((copies.at_us.saturating_add(offset_us), copies.recorded));
            }
            let recorded = self.requests.next()?;
            let at_us = self.origin_us.saturating_add(recorded.at_us);
            let next_us = self
                .requests
                .peek()
                .map_or(recorded.at_us, |next| next.at_us);
            self.current = Some(Copies {
                recorded,
                at_us,
                gap_us: next_us - recorded.at_us,
                sent: 0,
                wanted: self.copies_at(at_us),
            });
        }
    }

    fn copies_at(&mut self, at_us: u64) -> u64 {
        let factor = rate_at(self.shifts, at_us as f64);
        let whole = factor.floor();
        // Nothing is drawn where there is no choice.
        let one_more = factor > whole && chance(factor - whole, &mut self.rng);
        whole as u64 + u64::from(one_more)
    }
}
