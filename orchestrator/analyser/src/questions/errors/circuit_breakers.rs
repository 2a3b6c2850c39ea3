//! Callers that stop asking. A circuit breaker, or a list of ready instances that is empty, makes a
//! service fail at once for what it was last told by another: its failures have no failing call below
//! them. They are put down to where its calls fail while it still makes some, unless it is short of room
//! itself.

use std::collections::BTreeMap;

use crate::facts::error_origin::Origin;
use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::questions::case::Case;
use crate::questions::errors::room::is_full;

/// Requests that must have failed below a service, for which it may have stopped asking.
const ASKED_MIN: usize = 5;

/// The same as a share of the requests that failed at the service itself.
const ASKED_SHARE_MIN: f64 = 0.05;

/// Services that stopped asking, with the one whose doing their own failures are.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    opened_for: BTreeMap<ServiceId, ServiceId>,
}

impl Breakers {
    /// Looks at the failing requests of a window.
    pub(crate) fn new(case: &Case<'_, '_>) -> Self {
        let prepared = case.compared.prepared;
        let origins: Vec<&Origin> = case
            .now
            .failed
            .iter()
            .filter_map(|request| prepared.origin(request))
            .collect();
        let mut unasked: BTreeMap<ServiceId, usize> = BTreeMap::new();
        for origin in origins.iter().filter(|origin| origin.unasked) {
            *unasked
                .entry(prepared.instances.service(origin.instance))
                .or_default() += 1;
        }
        let opened_for = unasked.into_iter().filter_map(|(service, count)| {
            let enough = ASKED_MIN.max((ASKED_SHARE_MIN * count as f64).ceil() as usize);
            let below = most_frequent_below(prepared, &origins, service)
                .filter(|&(_, asked)| asked >= enough)?;
            let is_full = is_full(case, service);
            (!is_full).then_some((service, below.0))
        });
        Breakers {
            opened_for: opened_for.collect(),
        }
    }

    /// The service whose doing a failure is.
    pub(crate) fn blamed(&self, prepared: &Prepared<'_>, origin: &Origin) -> ServiceId {
        let mut service = prepared.instances.service(origin.instance);
        if !origin.unasked {
            return service;
        }
        // One breaker may open for another: each service is passed once at most.
        for _ in 0..self.opened_for.len() {
            match self.opened_for.get(&service) {
                Some(&below) => service = below,
                None => break,
            }
        }
        service
    }
}

/// The service at which most requests went wrong that this one passed on.
fn most_frequent_below(
    prepared: &Prepared<'_>,
    origins: &[&Origin],
    service: ServiceId,
) -> Option<(ServiceId, usize)> {
    let name = prepared.instances.service_name(service);
    let mut counts: BTreeMap<ServiceId, usize> = BTreeMap::new();
    for origin in origins {
        if origin.path[1..].iter().any(|passed| passed == name) {
            let below = prepared.instances.service(origin.instance);
            *counts.entry(below).or_default() += 1;
        }
    }
    counts.remove(&service);
    counts
        .into_iter()
        .max_by_key(|&(below, count)| (count, std::cmp::Reverse(below)))
}
