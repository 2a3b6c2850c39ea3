//! One window by itself, without a baseline.

use std::collections::BTreeMap;

use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::population::Population;
use crate::questions::root_operations::main_root;
use crate::statistics::config::Config;

/// What the requests of one window look like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// Share of the mean critical path's time, 0 to 1, by `service.name`. Services off every
    /// critical path are absent.
    pub shares: BTreeMap<String, f64>,
    /// A typical trace of the slow tail: the middle one. None without requests.
    pub slow_trace: Option<u128>,
}

/// Looks at the requests of a window.
pub fn overview(prepared: &Prepared<'_>, window: &Window, config: &Config) -> Overview {
    let root = main_root(prepared, &[window], config);
    let population = Population::new(prepared, window, root, config);
    let mut time_ns: BTreeMap<&str, u64> = BTreeMap::new();
    for request in &population.timed {
        for part in prepared.parts(request) {
            let service = prepared.instances.service_name_of(part.instance);
            let sum = time_ns.entry(service).or_default();
            *sum = u64::saturating_add(*sum, part.ns);
        }
    }
    let total_ns = time_ns.values().map(|&ns| ns as f64).sum::<f64>().max(1.0);
    let tail = &population.tail;
    Overview {
        shares: time_ns
            .into_iter()
            .map(|(service, ns)| (service.to_owned(), ns as f64 / total_ns))
            .collect(),
        slow_trace: tail.get(tail.len() / 2).map(|request| request.trace_id),
    }
}
