//! Whether instances of a service share its work alike, and whether one is slower than the others where it
//! has no more to do.

use crate::questions::load::{Balance, SlowerInstance, Uneven};
use crate::questions::saturation::levels::{Table, at_same_load};
use crate::questions::saturation::tally::{BINS, Tally};
use crate::statistics::chi_square::upper_tail;

/// Calls an instance would have if shares were equal, below which they say nothing.
const CALLS_MIN: f64 = 10.0;

/// The most calls of an instance over the mean from which shares are not equal.
const MOST_MIN: f64 = 1.25;

/// Slowness over the siblings' from which it matters.
const SLOWER_MIN: f64 = 1.3;

/// Probability of a wrong alarm, corrected.
const P_MAX: f64 = 0.001;

/// One instance in the window, and in the baseline.
pub(super) struct Instance<'t> {
    pub(super) name: &'t str,
    pub(super) now: &'t Tally,
    pub(super) before: &'t Tally,
}

/// What is uneven; none where nothing is. `services` is how many are tested.
pub(super) fn balance(
    service: &str,
    instances: &[Instance<'_>],
    services: usize,
) -> Option<Balance> {
    if instances.len() < 2 {
        return None;
    }
    let balance = Balance {
        service: service.to_owned(),
        instances: instances.len() as u64,
        most: uneven(instances, services),
        slower: slower(instances, services),
    };
    (balance.most.is_some() || balance.slower.is_some()).then_some(balance)
}

fn uneven(instances: &[Instance<'_>], services: usize) -> Option<Uneven> {
    let calls: Vec<f64> = instances.iter().map(|one| one.now.arrivals()).collect();
    let count = calls.len() as f64;
    let total: f64 = calls.iter().sum();
    let mean = total / count;
    if mean < CALLS_MIN {
        return None;
    }
    let squares: f64 = calls
        .iter()
        .map(|calls| (calls - mean) * (calls - mean))
        .sum();
    let most = (0..calls.len()).max_by(|&a, &b| calls[a].total_cmp(&calls[b]))?;
    let clustered = clustering(instances, &calls, total);
    let p_value = upper_tail(squares / mean / clustered, calls.len() as u64 - 1);
    let p_value = (p_value * services as f64).min(1.0);
    if p_value > P_MAX || calls[most] < MOST_MIN * mean {
        return None;
    }
    let before: Vec<f64> = instances.iter().map(|one| one.before.arrivals()).collect();
    let total_before: f64 = before.iter().sum();
    let own_ms = |one: &Instance<'_>| one.now.own_ms;
    let own_total_ms: f64 = instances.iter().map(own_ms).sum();
    Some(Uneven {
        instance: instances[most].name.to_owned(),
        share: calls[most] / total,
        baseline_share: (total_before > 0.0).then(|| before[most] / total_before),
        time_share: own_ms(&instances[most]) / own_total_ms.max(f64::MIN_POSITIVE),
        variation: libm::sqrt(squares / count) / mean,
        p_value,
    })
}

/// How many times as much the shares differ from part to part of the window as single calls would make
/// them, where calls come in bunches; 1 at least.
fn clustering(instances: &[Instance<'_>], calls: &[f64], total: f64) -> f64 {
    let (mut squares, mut freedom) = (0.0, 0.0);
    for bin in 0..BINS {
        let arrivals = |one: &Instance<'_>| f64::from(one.now.bins[bin].arrivals);
        let in_bin: f64 = instances.iter().map(arrivals).sum();
        if in_bin < 1.0 {
            continue;
        }
        freedom += calls.len() as f64 - 1.0;
        for (one, calls) in instances.iter().zip(calls) {
            let expected = calls / total * in_bin;
            let off = arrivals(one) - expected;
            squares +=
                off * off / expected.max(f64::MIN_POSITIVE) * f64::from(u8::from(expected > 0.0));
        }
    }
    (squares / f64::max(freedom, 1.0)).max(1.0)
}

fn slower(instances: &[Instance<'_>], services: usize) -> Option<SlowerInstance> {
    let tests = (instances.len() * services) as f64;
    let found = instances.iter().enumerate().filter_map(|(at, one)| {
        let mut siblings = Table::new();
        for (other, sibling) in instances.iter().enumerate() {
            if other != at {
                siblings.append(&sibling.now.times);
            }
        }
        let ratio = at_same_load(&one.now.times, &siblings)?;
        Some(SlowerInstance {
            instance: one.name.to_owned(),
            ratio: ratio.ratio,
            p_value: (ratio.p_value() * tests).min(1.0),
        })
    });
    found
        .filter(|one| one.ratio >= SLOWER_MIN && one.p_value <= P_MAX)
        .max_by(|a, b| a.ratio.total_cmp(&b.ratio))
}
