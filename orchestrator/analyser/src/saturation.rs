//! How busy every instance is.

use crate::config::Window;
use crate::names::METRIC_UTILIZATION;
use crate::parties::Party;
use crate::prepared::Prepared;
use crate::signs::gauge_mean;
use crate::statistics::mean;
use crate::verdict::Saturation;
use crate::visits::within;

/// Load of every instance that served calls or has a gauge, by service and instance.
pub(crate) fn saturation(prepared: &Prepared<'_>, window: &Window) -> Vec<Saturation> {
    let mut all: Vec<Saturation> = (0..prepared.parties.len() as u32)
        .map(Party)
        .filter_map(|party| {
            let visits = within(prepared.visits(party), window);
            let utilization = METRIC_UTILIZATION
                .iter()
                .filter_map(|name| gauge_mean(prepared, party, name, window))
                .reduce(f64::max);
            if visits.is_empty() && utilization.is_none() {
                return None;
            }
            let rate = visits.len() as f64 / window.seconds().max(f64::MIN_POSITIVE);
            let duration_ms = mean(visits.iter().map(|visit| f64::from(visit.duration_ms)));
            Some(Saturation {
                service: prepared.parties.service_name_of(party).to_owned(),
                instance: prepared.parties.instance_name(party).to_owned(),
                arrival_rate_per_s: rate,
                concurrency: rate * duration_ms / 1e3,
                utilization,
            })
        })
        .collect();
    all.sort_by(|a, b| (&a.service, &a.instance).cmp(&(&b.service, &b.instance)));
    all
}
