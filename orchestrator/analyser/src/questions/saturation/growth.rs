//! Whether a queue grows: whether more arrive than depart, beyond chance.
//!
//! Of calls that come and go at random but equally often, the number open walks up and down like the
//! square root of how many came and went. It grows where it rises by several times that. The last calls
//! of a recording are often missing since they had not ended, so the end of the window is not trusted: the
//! rise is the largest between any two moments.

use crate::questions::saturation::tally::{BINS, Bin, Tally};

/// Standard deviations of a walk without drift.
const Z_MIN: f64 = 4.0;

/// Rise from which it matters: calls, and share of those that came meanwhile.
const RISE_MIN: f64 = 5.0;
const SHARE_MIN: f64 = 0.02;

/// Parts of the window over which a queue must grow.
const BINS_MIN: usize = 4;

/// Share of a call's time spent on others from which a growth is theirs.
pub(super) const PASSED_ON: f64 = 0.5;

/// A rise of the number of open calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Growth {
    pub(super) from_bin: usize,
    /// Calls.
    pub(super) rise: f64,
}

/// The largest rise, where chance does not explain it.
pub(super) fn growth(tally: &Tally) -> Option<Growth> {
    let open_before = |bin: usize| match bin {
        0 => tally.open_at_start,
        _ => tally.bins[bin - 1].open_at_end,
    };
    let (mut best, mut lowest) = (
        Growth {
            from_bin: 0,
            rise: 0.0,
        },
        0,
    );
    let mut top = 0;
    for bin in 0..BINS {
        if open_before(bin) <= open_before(lowest) {
            lowest = bin;
        }
        let rise = tally.bins[bin].open_at_end - open_before(lowest);
        if rise > best.rise {
            (best, top) = (
                Growth {
                    from_bin: lowest,
                    rise,
                },
                bin,
            );
        }
    }
    let bins = &tally.bins[best.from_bin..=top];
    let arrivals: f64 = bins.iter().map(|bin| f64::from(bin.arrivals)).sum();
    let departures: f64 = bins.iter().map(|bin| f64::from(bin.departures)).sum();
    let walks = walk(bins, arrivals + departures);
    let is_growth = bins.len() >= BINS_MIN
        && best.rise >= RISE_MIN
        && best.rise >= SHARE_MIN * arrivals
        && best.rise >= Z_MIN * walks;
    is_growth.then_some(best)
}

/// Standard deviation of the sum of what came less what went: as of single calls, or as the parts differ
/// where calls come in bunches.
fn walk(bins: &[Bin], moves: f64) -> f64 {
    let nets: Vec<f64> = bins
        .iter()
        .map(|bin| f64::from(bin.arrivals) - f64::from(bin.departures))
        .collect();
    let mean = nets.iter().sum::<f64>() / nets.len() as f64;
    let squares: f64 = nets.iter().map(|net| (net - mean) * (net - mean)).sum();
    let by_parts = squares * nets.len() as f64 / (nets.len() as f64 - 1.0).max(1.0);
    libm::sqrt(moves.max(by_parts))
}
