//! How much of a place is in use: what its own gauge says, else what spans show.

use crate::facts::ids::InstanceId;
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::saturation::gauges::in_use;
use crate::questions::saturation::plateau::by_bin;
use crate::questions::saturation::tally::{BINS, Tally};

/// Use of one place in one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Share in use, 0 to 1.
    pub(super) mean: f64,
    pub(super) by_bin: [f64; BINS],
    /// Whether spans show it, and no gauge.
    pub(super) is_inferred: bool,
    /// What counts it among others: its servers, where spans show them.
    weight: f64,
}

impl Usage {
    pub(super) fn of_process(
        prepared: &Prepared<'_>,
        instance: InstanceId,
        window: &Window,
        tally: &Tally,
        servers: Option<f64>,
    ) -> Option<Usage> {
        if let Some((mean, by_bin)) = in_use(prepared, instance, window) {
            return Some(Usage {
                mean,
                by_bin,
                is_inferred: false,
                weight: 1.0,
            });
        }
        let servers = servers?;
        let by_bin = by_bin(tally, servers);
        Some(Usage {
            mean: by_bin.iter().sum::<f64>() / BINS as f64,
            by_bin,
            is_inferred: true,
            weight: servers,
        })
    }

    /// Use of several places together: of those with a gauge where there is one, else of all, where all
    /// show it.
    pub(super) fn of_all(all: &[Option<Usage>]) -> Option<Usage> {
        let gauged: Vec<&Usage> = all
            .iter()
            .flatten()
            .filter(|one| !one.is_inferred)
            .collect();
        let counted = match gauged.is_empty() {
            false => gauged,
            true => all.iter().map(Option::as_ref).collect::<Option<_>>()?,
        };
        let weight: f64 = counted.iter().map(|one| one.weight).sum();
        let mean = |of: &dyn Fn(&Usage) -> f64| {
            let sum: f64 = counted.iter().map(|one| one.weight * of(one)).sum();
            sum / weight
        };
        (weight > 0.0).then(|| Usage {
            mean: mean(&|one| one.mean),
            by_bin: std::array::from_fn(|bin| mean(&|one| one.by_bin[bin])),
            is_inferred: counted.iter().all(|one| one.is_inferred),
            weight,
        })
    }
}
