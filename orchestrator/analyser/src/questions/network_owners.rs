//! Whose doing the time is that passes between a caller's span and its callee's. It is put down to the
//! callee's side, unless the caller waits longer for nearly everyone that it calls: then it is slow
//! itself to send what it asks and to notice what it is answered.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::request::Part;
use crate::facts::server_spans::within;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::statistics::config::Config;
use crate::statistics::summary::ratio;

/// Calls over an edge in each window below which their mean says nothing.
const CALLS_MIN: f64 = 5.0;

/// Edges of one caller that must have data before it is compared with those that it calls.
const EDGES_MIN: usize = 3;

/// Share of a caller's edges that must have grown alike.
const ALIKE_SHARE: f64 = 0.75;

/// Growth of an edge, as a share of the largest of its caller's, from which it is alike.
const ALIKE_MIN: f64 = 0.25;

/// How many times its baseline an edge's time is where it has grown at all.
const GROWN_MIN: f64 = 1.5;

/// Edges whose time is the caller's.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkOwners {
    of_caller: BTreeSet<(ServiceId, ServiceId)>,
}

/// Mean milliseconds a call between the two spans of a call, over one edge.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    now_ms: f64,
    before_ms: f64,
}

impl Edge {
    fn growth_ms(self) -> f64 {
        self.now_ms - self.before_ms
    }

    fn has_grown(self, largest_ms: f64, config: &Config) -> bool {
        self.growth_ms() >= config.growth_floor_ms.max(ALIKE_MIN * largest_ms)
            && ratio(self.now_ms, self.before_ms).is_none_or(|ratio| ratio >= GROWN_MIN)
    }
}

impl NetworkOwners {
    /// Compares every caller's edges with each other.
    pub(crate) fn new(compared: &Comparison<'_>) -> Self {
        let config = compared.config;
        let mut by_caller: BTreeMap<ServiceId, Vec<(ServiceId, Edge)>> = BTreeMap::new();
        for ((caller, callee), edge) in edges(compared) {
            by_caller.entry(caller).or_default().push((callee, edge));
        }
        let mut owners = NetworkOwners::default();
        for (caller, edges) in by_caller {
            let growths = edges.iter().map(|(_, edge)| edge.growth_ms());
            let largest_ms = growths.fold(0.0, f64::max);
            let grown: Vec<ServiceId> = edges
                .iter()
                .filter(|(_, edge)| edge.has_grown(largest_ms, config))
                .map(|&(callee, _)| callee)
                .collect();
            if edges.len() >= EDGES_MIN && grown.len() as f64 >= ALIKE_SHARE * edges.len() as f64 {
                let grown = grown.into_iter().map(|callee| (caller, callee));
                owners.of_caller.extend(grown);
            }
        }
        owners
    }

    /// The service that owns a part of a critical path.
    pub(crate) fn owner(&self, prepared: &Prepared<'_>, part: &Part) -> ServiceId {
        let callee = prepared.instances.service(part.instance);
        if part.cause == Cause::Network && self.of_caller.contains(&(part.recorder, callee)) {
            part.recorder
        } else {
            callee
        }
    }
}

/// The edges over which there are enough calls in both windows.
fn edges(compared: &Comparison<'_>) -> BTreeMap<(ServiceId, ServiceId), Edge> {
    let Comparison {
        prepared,
        window,
        baseline,
        ..
    } = *compared;
    let (now, before) = (sums(prepared, window), sums(prepared, baseline));
    let both = now.into_iter().filter_map(|(edge, (calls, ms))| {
        let &(calls_before, before_ms) = before.get(&edge)?;
        let enough = calls >= CALLS_MIN && calls_before >= CALLS_MIN;
        enough.then(|| {
            let mean = Edge {
                now_ms: ms / calls,
                before_ms: before_ms / calls_before,
            };
            (edge, mean)
        })
    });
    both.collect()
}

/// Calls over every edge, and the time between their spans, in milliseconds.
fn sums(prepared: &Prepared<'_>, window: &Window) -> BTreeMap<(ServiceId, ServiceId), (f64, f64)> {
    let mut sums: BTreeMap<(ServiceId, ServiceId), (f64, f64)> = BTreeMap::new();
    for instance in prepared.instances.all() {
        let callee = prepared.instances.service(instance);
        for server_span in within(prepared.server_spans(instance), window) {
            let Some(caller) = server_span.caller else {
                continue;
            };
            let sum = sums.entry((caller, callee)).or_default();
            sum.0 += 1.0;
            sum.1 += f64::from(server_span.costs.network);
        }
    }
    sums
}
