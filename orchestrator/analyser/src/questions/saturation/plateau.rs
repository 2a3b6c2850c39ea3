//! How many calls a place serves at once, and so how much of it is in use.
//!
//! Where spans show waits, servers are those that are busy while somebody waits. Where they do not, a wait
//! looks like work: a call that finds `n` others at `c` servers takes `max(1, (n + 1) / c)` times as long
//! as alone. The `c` is the most likely one if times are exponential around that, and counts only where it
//! explains far more than no limit does, and the calls beyond it do take longer in most of the window.

use crate::questions::saturation::levels::{LEVELS, Levels, apart, level_of, pooled};
use crate::questions::saturation::tally::{BINS, Tally};

/// Share of the time, and number of calls, with a wait from which servers are counted by it.
const WAITING_MIN: f64 = 0.02;
const WAITED_MIN: u64 = 20;

/// Calls beyond the limit that must have been seen, as a share of all.
const BEYOND_MIN: f64 = 0.02;

/// How many times as long calls beyond the limit take, and how surely.
const LONGER_MIN: f64 = 1.3;
const Z_MIN: f64 = 3.0;

/// Twice the logarithm of how many times as likely the times are with the limit as without one.
const GAIN_MIN: f64 = 20.0;

/// Servers of one process, where its calls show them.
pub(super) fn servers(tally: &Tally) -> Option<f64> {
    if tally.waited >= WAITED_MIN && tally.waiting_s >= WAITING_MIN * tally.seconds {
        let servers = tally.serving_while_waiting_s / tally.waiting_s;
        return (servers >= 0.5).then_some(servers);
    }
    // Waits that are recorded and short are not hidden in the work.
    if tally.waited > 0 {
        return None;
    }
    let levels = tally.times.total();
    let (limit, gain) = likeliest_limit(&levels)?;
    let waits_from = level_of(limit);
    let beyond = pooled(&levels[waits_from..]).calls / pooled(&levels).calls.max(1.0);
    if gain < GAIN_MIN || beyond < BEYOND_MIN {
        return None;
    }
    let longer = apart(&tally.times, waits_from, waits_from..LEVELS)?;
    (longer.ratio >= LONGER_MIN && longer.z >= Z_MIN).then_some(limit as f64)
}

/// Times as long as alone that a call takes that finds so many others at so many servers.
fn stretch(others: f64, servers: f64) -> f64 {
    ((others + 1.0) / servers).max(1.0)
}

/// The likeliest number of servers, with how much likelier it is than no limit.
fn likeliest_limit(levels: &Levels) -> Option<(usize, f64)> {
    let most = levels.iter().rposition(|cell| cell.calls > 0.0)?;
    let without = log_likelihood(levels, |_| 1.0)?;
    let candidates = levels[..=most].iter().enumerate().map(|(level, cell)| {
        let is_exact = level_of(level) == level;
        if is_exact {
            level + 1
        } else {
            cell.mean_others() as usize + 1
        }
    });
    let mut best: Option<(usize, f64)> = None;
    for limit in candidates {
        let with = log_likelihood(levels, |others| stretch(others, limit as f64))?;
        let gain = 2.0 * (with - without);
        if best.is_none_or(|(_, most)| gain > most) {
            best = Some((limit, gain));
        }
    }
    best
}

/// Logarithm of the likelihood of exponential times around a common time, stretched as said.
fn log_likelihood(levels: &Levels, stretched: impl Fn(f64) -> f64) -> Option<f64> {
    let (mut calls, mut alone_ms, mut logs) = (0.0, 0.0, 0.0);
    for cell in levels.iter().filter(|cell| cell.calls > 0.0) {
        let times = stretched(cell.mean_others());
        calls += cell.calls;
        alone_ms += cell.own_ms / times;
        logs += cell.calls * libm::log(times);
    }
    (alone_ms > 0.0).then(|| -logs - calls * libm::log(alone_ms / calls))
}

/// Share of the servers in use by part of the window.
pub(super) fn by_bin(tally: &Tally, servers: f64) -> [f64; BINS] {
    let bin_s = tally.bin_s();
    std::array::from_fn(|bin| {
        let busy_s = if tally.waited > 0 {
            tally.bins[bin].serving_s
        } else {
            // Those beyond the servers wait, though their spans do not say so.
            let levels = tally.level_s[bin].iter().enumerate();
            levels
                .map(|(level, seconds)| seconds * lowest_of(level).min(servers))
                .sum()
        };
        (busy_s / (servers * bin_s)).min(1.0)
    })
}

/// The least number that has a level, so that what is in use is not overstated.
fn lowest_of(level: usize) -> f64 {
    let mut number = level;
    while level_of(number) < level {
        number += 1 + number / 8;
    }
    number as f64
}
