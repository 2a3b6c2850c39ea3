//! Where the time of requests goes: places, each a service with a cause.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::instances::Instances;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::ms;
use crate::questions::findings::Attribution;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::population::Population;

/// Nanoseconds on critical paths by service and cause, over a number of requests.
pub(crate) struct Times {
    ns: Vec<[u64; Cause::ALL.len()]>,
    requests: u64,
}

impl Times {
    pub(crate) fn new(
        prepared: &Prepared<'_>,
        requests: &[&Request],
        owners: &NetworkOwners,
    ) -> Self {
        let mut ns = vec![[0; Cause::ALL.len()]; prepared.instances.service_count()];
        for request in requests {
            for part in prepared.parts(request) {
                let service = owners.owner(prepared, part);
                let sum = &mut ns[service.0 as usize][part.cause as usize];
                *sum = u64::saturating_add(*sum, part.ns);
            }
        }
        Times {
            ns,
            requests: requests.len() as u64,
        }
    }

    /// Mean milliseconds a request.
    pub(crate) fn mean_ms(&self, service: ServiceId, cause: Cause) -> f64 {
        ms(self.ns[service.0 as usize][cause as usize]) / self.requests.max(1) as f64
    }
}

/// Milliseconds of one request's critical path that a service owns for a cause.
pub(crate) fn place_ms(
    prepared: &Prepared<'_>,
    request: &Request,
    service: ServiceId,
    cause: Cause,
    owners: &NetworkOwners,
) -> f64 {
    let parts = prepared
        .parts(request)
        .iter()
        .filter(|part| part.cause == cause && owners.owner(prepared, part) == service);
    parts.map(|part| ms(part.ns)).sum()
}

/// A service with a cause, and how its time changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) service: ServiceId,
    pub(crate) cause: Cause,
    pub(crate) tail_ms: f64,
    pub(crate) baseline_tail_ms: f64,
    pub(crate) mean_ms: f64,
    pub(crate) baseline_mean_ms: f64,
}

impl Place {
    pub(crate) fn tail_growth_ms(&self) -> f64 {
        self.tail_ms - self.baseline_tail_ms
    }

    pub(crate) fn mean_growth_ms(&self) -> f64 {
        self.mean_ms - self.baseline_mean_ms
    }

    pub(crate) fn attribution(&self, instances: &Instances<'_>) -> Attribution {
        Attribution {
            service: instances.service_name(self.service).to_owned(),
            cause: self.cause,
            tail_ms: self.tail_ms,
            baseline_tail_ms: self.baseline_tail_ms,
            mean_ms: self.mean_ms,
            baseline_mean_ms: self.baseline_mean_ms,
        }
    }
}

/// All places that own time in either population, largest share of the tail first.
pub(crate) fn places(
    prepared: &Prepared<'_>,
    now: &Population<'_>,
    before: &Population<'_>,
    owners: &NetworkOwners,
) -> Vec<Place> {
    let tail = Times::new(prepared, &now.tail, owners);
    let baseline_tail = Times::new(prepared, &before.tail, owners);
    let mean = Times::new(prepared, &now.timed, owners);
    let baseline_mean = Times::new(prepared, &before.timed, owners);
    let mut places = Vec::new();
    for service in (0..prepared.instances.service_count() as u32).map(ServiceId) {
        for cause in Cause::ALL {
            let place = Place {
                service,
                cause,
                tail_ms: tail.mean_ms(service, cause),
                baseline_tail_ms: baseline_tail.mean_ms(service, cause),
                mean_ms: mean.mean_ms(service, cause),
                baseline_mean_ms: baseline_mean.mean_ms(service, cause),
            };
            if place.mean_ms > 0.0 || place.baseline_mean_ms > 0.0 {
                places.push(place);
            }
        }
    }
    places.sort_by(|a, b| {
        let name = |place: &Place| prepared.instances.service_name(place.service);
        b.tail_ms
            .total_cmp(&a.tail_ms)
            .then_with(|| (name(a), a.cause).cmp(&(name(b), b.cause)))
    });
    places
}

/// The process that owns most of a place's time in these requests, with its share.
pub(crate) fn main_instance(
    prepared: &Prepared<'_>,
    requests: &[&Request],
    service: ServiceId,
    cause: Cause,
) -> Option<(InstanceId, f64)> {
    let mut ns = vec![0_u64; prepared.instances.len()];
    for request in requests {
        for part in prepared.parts(request) {
            if part.cause == cause && prepared.instances.service(part.instance) == service {
                let sum = &mut ns[part.instance.0 as usize];
                *sum = u64::saturating_add(*sum, part.ns);
            }
        }
    }
    let total = ns.iter().copied().fold(0, u64::saturating_add);
    let most = (0..ns.len()).rev().max_by_key(|&instance| ns[instance])?;
    (total > 0).then(|| (InstanceId(most as u32), ns[most] as f64 / total as f64))
}
