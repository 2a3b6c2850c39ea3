//! What processes say themselves of how much of them is in use.

use std::collections::BTreeMap;

use ragdoll_trace::Symbol;

use super::tally::{BINS, part_of};
use crate::config::Window;
use crate::names::METRIC_UTILIZATION;
use crate::parties::Party;
use crate::prepared::Prepared;

/// Samples of one gauge in one window: sum and number by part of it.
#[derive(Clone, Debug)]
struct Samples {
    sums: [f64; BINS],
    counts: [u32; BINS],
}

/// The gauges of every process in one window, read in one pass.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    samples: BTreeMap<(Party, usize), Samples>,
}

impl Gauges {
    /// Of every window, in their order.
    pub(super) fn of_windows<const N: usize>(
        prepared: &Prepared<'_>,
        windows: [&Window; N],
    ) -> [Gauges; N] {
        let mut all: [Gauges; N] = std::array::from_fn(|_| Gauges::default());
        let set = &prepared.observations.traces;
        let names: Vec<Option<Symbol>> = METRIC_UTILIZATION
            .iter()
            .map(|name| set.symbol(name))
            .collect();
        if names.iter().all(Option::is_none) {
            return all;
        }
        for point in &prepared.observations.metrics {
            let name = names.iter().position(|&name| name == Some(point.name));
            let Some(name) = name.filter(|_| point.value.is_finite()) else {
                continue;
            };
            for (gauges, window) in all.iter_mut().zip(windows) {
                if window.contains(point.time_ns) {
                    let party = prepared.parties.of(point.resource);
                    let bin = part_of(window, point.time_ns, BINS);
                    gauges.add((party, name), bin, point.value);
                }
            }
        }
        all
    }

    fn add(&mut self, of: (Party, usize), bin: usize, value: f64) {
        let samples = self.samples.entry(of).or_insert(Samples {
            sums: [0.0; BINS],
            counts: [0; BINS],
        });
        samples.sums[bin] += value;
        samples.counts[bin] += 1;
    }

    fn of(&self, party: Party) -> impl Iterator<Item = &Samples> {
        let all = self.samples.range((party, 0)..=(party, usize::MAX));
        all.map(|(_, samples)| samples)
    }

    /// Mean of the gauge that is highest, 0 to 1.
    pub(super) fn mean(&self, party: Party) -> Option<f64> {
        let means = self.of(party).map(|samples| {
            let count: u32 = samples.counts.iter().sum();
            samples.sums.iter().sum::<f64>() / f64::from(count.max(1))
        });
        means.reduce(f64::max)
    }

    /// The highest gauge by part of the window; a part without a sample is like the one before.
    pub(super) fn by_bin(&self, party: Party) -> Option<[f64; BINS]> {
        let all = self.of(party).map(|samples| {
            let mut last = 0.0;
            std::array::from_fn(|bin| {
                if samples.counts[bin] > 0 {
                    last = samples.sums[bin] / f64::from(samples.counts[bin]);
                }
                last
            })
        });
        all.reduce(|a: [f64; BINS], b: [f64; BINS]| std::array::from_fn(|bin| a[bin].max(b[bin])))
    }
}
