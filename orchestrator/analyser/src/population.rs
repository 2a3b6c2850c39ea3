//! The requests of one window, and where their time goes.

use crate::blocks::Active;
use crate::config::{Config, Window};
use crate::parties::{Parties, Party, ServiceId};
use crate::prepared::{Prepared, Request, ms};
use crate::roots::Root;
use crate::sides::Sides;
use crate::verdict::{Attribution, Cause};

const CAUSES: usize = 13;

/// The requests of one operation in one window.
pub(crate) struct Population<'p> {
    pub(crate) window: Window,
    /// The time of the window as blocks cut it.
    pub(crate) active: Active,
    pub(crate) all: Vec<&'p Request>,
    pub(crate) failed: Vec<&'p Request>,
    /// Requests whose latency counts: those that succeeded, else, where too few did, all.
    pub(crate) timed: Vec<&'p Request>,
    /// The slowest of those, slowest first.
    pub(crate) tail: Vec<&'p Request>,
}

impl<'p> Population<'p> {
    pub(crate) fn new(
        prepared: &'p Prepared<'_>,
        window: &Window,
        root: Option<Root>,
        config: &Config,
    ) -> Self {
        let mut population = Population::without_tail(prepared, window, root, config);
        population.take_tail(tail_share([&population], config));
        population
    }

    /// A window and its baseline. The slow tail is the same share of both: that of fewer requests would
    /// else be a larger one, and faster.
    pub(crate) fn pair(
        prepared: &'p Prepared<'_>,
        (window, baseline): (&Window, &Window),
        root: Option<Root>,
        config: &Config,
    ) -> (Self, Self) {
        let of = |window| Population::without_tail(prepared, window, root, config);
        let (mut now, mut before) = (of(window), of(baseline));
        let share = tail_share([&now, &before], config);
        now.take_tail(share);
        before.take_tail(share);
        (now, before)
    }

    fn without_tail(
        prepared: &'p Prepared<'_>,
        window: &Window,
        root: Option<Root>,
        config: &Config,
    ) -> Self {
        let all: Vec<&Request> = prepared
            .requests(window)
            .iter()
            .filter(|request| root.is_some_and(|root| root.has(request)))
            .collect();
        let starts = all.iter().map(|request| request.start_ns);
        let active = Active::new(window, starts, config.blocks);
        let (failed, succeeded): (Vec<_>, Vec<_>) =
            all.iter().copied().partition(|request| request.failed);
        let timed = if succeeded.len() >= config.requests_min {
            succeeded
        } else {
            all.clone()
        };
        Population {
            window: *window,
            active,
            all,
            failed,
            timed,
            tail: Vec::new(),
        }
    }

    fn take_tail(&mut self, share: f64) {
        // A share that is a number of requests by a number of requests may be off by a rounding.
        let wanted = (share * self.timed.len() as f64 - 1e-6).ceil().max(0.0) as usize;
        self.tail.clone_from(&self.timed);
        self.tail
            .sort_by_key(|request| (!request.duration_ns, request.start_ns, request.trace_id));
        self.tail.truncate(wanted);
    }

    pub(crate) fn error_rate(&self) -> f64 {
        self.failed.len() as f64 / self.all.len().max(1) as f64
    }

    pub(crate) fn tail_share(&self) -> f64 {
        self.tail.len() as f64 / self.timed.len().max(1) as f64
    }
}

/// Share of the requests that are the slow tail: enough for the smallest population's to have a number
/// of them, up to half of it.
fn tail_share<const N: usize>(populations: [&Population<'_>; N], config: &Config) -> f64 {
    let least = populations.map(|population| population.timed.len());
    let least = least.into_iter().min().unwrap_or(0);
    let enough = config.tail_requests_min.min(least / 2) as f64 / least.max(1) as f64;
    config.tail_share.max(enough)
}

pub(crate) fn mean_ms(requests: &[&Request]) -> f64 {
    // A sum of numbers, since spans without a start last for decades.
    let total_ms: f64 = requests.iter().map(|request| ms(request.duration_ns)).sum();
    total_ms / requests.len().max(1) as f64
}

/// Nanoseconds on critical paths by service and cause, over a number of requests.
pub(crate) struct Times {
    ns: Vec<[u64; CAUSES]>,
    requests: u64,
}

impl Times {
    pub(crate) fn new(prepared: &Prepared<'_>, requests: &[&Request], sides: &Sides) -> Self {
        let mut ns = vec![[0; CAUSES]; prepared.parties.service_count()];
        for request in requests {
            for part in prepared.parts(request) {
                let service = sides.owner(prepared, part);
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
    sides: &Sides,
) -> f64 {
    let parts = prepared
        .parts(request)
        .iter()
        .filter(|part| part.cause == cause && sides.owner(prepared, part) == service);
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

    pub(crate) fn attribution(&self, parties: &Parties<'_>) -> Attribution {
        Attribution {
            service: parties.service_name(self.service).to_owned(),
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
    sides: &Sides,
) -> Vec<Place> {
    let tail = Times::new(prepared, &now.tail, sides);
    let baseline_tail = Times::new(prepared, &before.tail, sides);
    let mean = Times::new(prepared, &now.timed, sides);
    let baseline_mean = Times::new(prepared, &before.timed, sides);
    let mut places = Vec::new();
    for service in (0..prepared.parties.service_count() as u32).map(ServiceId) {
        for cause in CAUSE_BY_NUMBER {
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
        let name = |place: &Place| prepared.parties.service_name(place.service);
        b.tail_ms
            .total_cmp(&a.tail_ms)
            .then_with(|| (name(a), a.cause).cmp(&(name(b), b.cause)))
    });
    places
}

/// Every cause, at the position of its number.
pub(crate) const CAUSE_BY_NUMBER: [Cause; CAUSES] = [
    Cause::Queue,
    Cause::Lock,
    Cause::ConnectionPool,
    Cause::Compute,
    Cause::Cpu,
    Cause::Memory,
    Cause::KvCache,
    Cause::Network,
    Cause::Retries,
    Cause::Straggler,
    Cause::FanIn,
    Cause::SerialCalls,
    Cause::Errors,
];

/// The process that owns most of a place's time in these requests, with its share.
pub(crate) fn main_party(
    prepared: &Prepared<'_>,
    requests: &[&Request],
    service: ServiceId,
    cause: Cause,
) -> Option<(Party, f64)> {
    let mut ns = vec![0_u64; prepared.parties.len()];
    for request in requests {
        for part in prepared.parts(request) {
            if part.cause == cause && prepared.parties.service(part.party) == service {
                let sum = &mut ns[part.party.0 as usize];
                *sum = u64::saturating_add(*sum, part.ns);
            }
        }
    }
    let total = ns.iter().copied().fold(0, u64::saturating_add);
    let most = (0..ns.len()).rev().max_by_key(|&party| ns[party])?;
    (total > 0).then(|| (Party(most as u32), ns[most] as f64 / total as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_at_their_numbers() {
        for (number, cause) in CAUSE_BY_NUMBER.into_iter().enumerate() {
            assert_eq!(cause as usize, number, "{cause}");
        }
    }
}
