//! Whether requests became slower, and which of them.

use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::ms;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::places::Place;
use crate::questions::population::mean_ms;
use crate::statistics::config::Config;
use crate::statistics::noise::Noise;
use crate::statistics::significance::rank_p;

/// Which requests are compared: the slow tail where it became slower, else all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Tail,
    All,
}

impl Scope {
    pub(crate) fn growth_ms(self, place: &Place) -> f64 {
        match self {
            Scope::Tail => place.tail_growth_ms(),
            Scope::All => place.mean_growth_ms(),
        }
    }

    pub(crate) fn now_and_before_ms(self, place: &Place) -> (f64, f64) {
        match self {
            Scope::Tail => (place.tail_ms, place.baseline_tail_ms),
            Scope::All => (place.mean_ms, place.baseline_mean_ms),
        }
    }

    /// The requests in words that fit into a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Scope::Tail => "the slowest requests",
            Scope::All => "requests",
        }
    }
}

/// Requests in each window below which those that a service takes part in say nothing.
const FEW_MIN: usize = 8;

/// Share of all requests from which those that a service takes part in are as good as all.
const NEARLY_ALL: f64 = 0.9;

fn is_slower(now_ms: f64, before_ms: f64, growth_min: f64, config: &Config) -> bool {
    now_ms - before_ms >= threshold_ms(before_ms, growth_min, config)
}

/// Growth from which something is slower.
fn threshold_ms(before_ms: f64, growth_min: f64, config: &Config) -> f64 {
    (growth_min * before_ms).max(config.growth_floor_ms)
}

/// How much slower requests became, in thresholds: the slow tail or all, whichever grew more.
pub(crate) fn duration_growth(case: &Case<'_, '_>) -> f64 {
    let config = case.compared.config;
    let thresholds = |now: &[&Request], before: &[&Request], growth_min: f64| {
        let before_ms = mean_ms(before);
        (mean_ms(now) - before_ms) / threshold_ms(before_ms, growth_min, config)
    };
    let (now, before) = (case.now, case.before);
    thresholds(&now.tail, &before.tail, config.tail_growth_min).max(thresholds(
        &now.timed,
        &before.timed,
        config.mean_growth_min,
    ))
}

/// What became slower beyond noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slowdown {
    /// The requests as a whole.
    Whole(Scope),
    /// Only those that some service takes part in.
    Few,
    /// Nothing.
    Nothing,
}

impl Slowdown {
    /// What is to be compared.
    pub(crate) fn scope(self) -> Scope {
        match self {
            Slowdown::Whole(scope) => scope,
            Slowdown::Few | Slowdown::Nothing => Scope::All,
        }
    }
}

/// What became slower beyond noise.
pub(crate) fn slowdown(case: &Case<'_, '_>) -> Slowdown {
    let Case {
        compared: Comparison { config, .. },
        now,
        before,
        ..
    } = *case;
    if now.timed.len() < config.requests_min || before.timed.len() < config.requests_min {
        return Slowdown::Nothing;
    }
    let tail = is_slower(
        mean_ms(&now.tail),
        mean_ms(&before.tail),
        config.tail_growth_min,
        config,
    );
    let mean = is_slower(
        mean_ms(&now.timed),
        mean_ms(&before.timed),
        config.mean_growth_min,
        config,
    );
    if tail || mean {
        let noise = Noise::new(
            (&now.timed, &now.active),
            (&before.timed, &before.active),
            config,
        );
        if tail && noise.tail_grew(now.tail_share(), before.tail_share()) {
            return Slowdown::Whole(Scope::Tail);
        }
        if mean && noise.mean_grew() {
            return Slowdown::Whole(Scope::All);
        }
    }
    if few_slowed(case) {
        Slowdown::Few
    } else {
        Slowdown::Nothing
    }
}

/// Whether the requests that some service takes part in became slower, where they are too few to move
/// the whole.
fn few_slowed(case: &Case<'_, '_>) -> bool {
    let services = case.compared.prepared.instances.service_count() as u32;
    (0..services).map(ServiceId).any(|service| {
        let Case {
            compared: Comparison {
                prepared, config, ..
            },
            now,
            before,
            owners,
            ..
        } = *case;
        let few = with_part_of(prepared, &now.timed, service, owners);
        let few_before = with_part_of(prepared, &before.timed, service, owners);
        let enough = few.len() >= FEW_MIN && few_before.len() >= FEW_MIN;
        let is_part = (few.len() as f64) < NEARLY_ALL * now.timed.len() as f64;
        if !enough || !is_part {
            return false;
        }
        let slower = is_slower(
            mean_ms(&few),
            mean_ms(&few_before),
            config.tail_growth_min,
            config,
        );
        let durations = |requests: &[&Request]| -> Vec<f64> {
            requests
                .iter()
                .map(|request| ms(request.duration_ns))
                .collect()
        };
        slower
            && rank_p(&durations(&few), &durations(&few_before))
                <= config.noise_tail / f64::from(services)
            && Noise::new((&few, &now.active), (&few_before, &before.active), config).mean_grew()
    })
}

/// Requests on whose critical path a service has a part.
fn with_part_of<'p>(
    prepared: &Prepared<'_>,
    requests: &[&'p Request],
    service: ServiceId,
    owners: &NetworkOwners,
) -> Vec<&'p Request> {
    let takes_part = |request: &&&Request| {
        let mut parts = prepared.parts(request).iter();
        parts.any(|part| owners.owner(prepared, part) == service)
    };
    requests.iter().filter(takes_part).copied().collect()
}
