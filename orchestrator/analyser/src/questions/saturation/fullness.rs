//! When a place is full.

use crate::questions::saturation::tally::BINS;

/// Use from which a place is full.
pub(super) const FULL: f64 = 0.9;

/// Parts of the window, and means of a call's own time, for which it must be.
const BINS_MIN: usize = 4;
const BINS_MAX: usize = 10;
const CALLS_MIN: f64 = 10.0;

/// How many times as short a interval in the baseline shows that it is nothing new.
const BASELINE: usize = 2;

/// The first part of the window from which a place is full for a while.
pub(super) fn full_from(use_by_bin: &[f64; BINS], bins: usize) -> Option<usize> {
    use_by_bin
        .windows(bins)
        .position(|interval| interval.iter().all(|&share| share >= FULL))
}

/// For how many parts of the window a place must be full, and of the baseline.
pub(super) fn bins_wanted(bin_s: f64, own_time_ms: f64) -> [usize; 2] {
    let wanted = (CALLS_MIN * own_time_ms / 1e3 / bin_s).ceil() as usize;
    let wanted = wanted.clamp(BINS_MIN, BINS_MAX);
    [wanted, wanted / BASELINE]
}
