//! Why do requests fail?

mod cause;
mod circuit_breakers;
mod deadlock;
mod rate_limit;
mod room;

use std::collections::BTreeMap;

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::errors::cause::{cause, errors_of};
use crate::questions::errors::circuit_breakers::Breakers;
use crate::questions::evidence::{figure, trace_ids};
use crate::questions::findings::{Bottleneck, ErrorOrigin, Figure, Question};
use crate::questions::population::Population;
use crate::questions::signs::figures::metric_figures;
use crate::statistics::config::Config;
use crate::statistics::noise::Noise;

/// Failures without any in the baseline that are no accident, however they are spread, where the
/// baseline is large enough to have had some.
const FAILURES_MIN: usize = 10;

/// Share of a service's failures that one of its instances causes where it stands out.
const MAIN_SHARE: f64 = 0.8;

/// Growth of the share of all requests that go wrong at a service, from which a further service is
/// named, as a share of the first one's growth.
const FURTHER_MIN: f64 = 0.05;

/// A service that makes requests fail, with the failing requests that are its doing.
pub(crate) struct Failing<'p> {
    pub(crate) bottleneck: Bottleneck,
    pub(crate) requests: Vec<&'p Request>,
}

/// The services that make requests fail, where they fail more often beyond noise: the one first at
/// which the largest share of requests goes wrong that did not before.
pub(crate) fn errors<'p>(case: &Case<'_, 'p>) -> Vec<Failing<'p>> {
    if !fail_more_often(case) {
        return Vec::new();
    }
    let breakers = Breakers::new(case);
    let origins = grown_origins(case, &breakers);
    let next = |at: usize| origins.get(at + 1).map_or(0.0, |origin| origin.1);
    let named = origins
        .iter()
        .enumerate()
        .filter(|(_, origin)| origin.1 >= FURTHER_MIN * origins[0].1);
    named
        .map(|(at, &(service, growth))| {
            let confidence = surely_more(growth, next(at), case.now.all.len());
            failing(case, service, confidence, &breakers)
        })
        .collect()
}

/// Probability that the first of two shares of the same number of requests is the larger one: normal
/// approximation of the difference of two shares of a multinomial sample.
fn surely_more(share: f64, other: f64, requests: usize) -> f64 {
    let difference = share - other;
    let variance = (share + other - difference * difference) / requests.max(1) as f64;
    if variance <= 0.0 {
        return if difference > 0.0 { 1.0 } else { 0.5 };
    }
    1.0 - 0.5 * libm::erfc(difference / (2.0 * variance).sqrt())
}

fn failing<'p>(
    case: &Case<'_, 'p>,
    service: ServiceId,
    confidence: f64,
    breakers: &Breakers,
) -> Failing<'p> {
    let Case {
        compared: Comparison {
            prepared, config, ..
        },
        now,
        before,
        ..
    } = *case;
    let failed = of_origin(prepared, now, service, breakers);
    let failed_before = of_origin(prepared, before, service, breakers);
    let (cause, mut evidence) = cause(case, service, &failed);
    evidence.extend(metric_figures(&case.compared, service, None));
    evidence.extend(failing_figures(case, service, &failed));

    let rate = |part: usize, all: usize| part as f64 / all.max(1) as f64;
    let growth = now.error_rate() - before.error_rate();
    let own_growth =
        rate(failed.len(), now.all.len()) - rate(failed_before.len(), before.all.len());
    let mut worst = failed.clone();
    worst.sort_by_key(|request| (!request.duration_ns, request.trace_id));
    let bottleneck = Bottleneck {
        service: prepared.instances.service_name(service).to_owned(),
        instance: instance(prepared, service, &failed),
        cause,
        question: Question::Errors,
        share: rate(failed.len(), now.failed.len()),
        baseline_share: rate(failed_before.len(), before.failed.len()),
        explains: (own_growth / growth).clamp(0.0, 1.0),
        confidence,
        evidence,
        example_traces: trace_ids(
            worst.iter().map(|request| &request.trace_id),
            config.examples,
        ),
    };
    Failing {
        bottleneck,
        requests: failed,
    }
}

fn failing_figures(case: &Case<'_, '_>, service: ServiceId, failed: &[&Request]) -> Vec<Figure> {
    let Case {
        compared: Comparison { prepared, .. },
        now,
        before,
        ..
    } = *case;
    let name = prepared.instances.service_name(service);
    let percent = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
    let mut figures = vec![
        figure(
            "requests that fail",
            percent(now.failed.len(), now.all.len()),
            percent(before.failed.len(), before.all.len()),
            "%",
        ),
        figure(
            format!("failing requests that go wrong first at {name}"),
            percent(failed.len(), now.failed.len()),
            None,
            "%",
        ),
    ];
    for (error, count) in errors_of(prepared, failed) {
        let what = format!("failing requests of {name} with {error}");
        figures.push(figure(what, percent(count, failed.len()), None, "%"));
    }
    figures
}

/// Where failing requests go wrong first, most frequent first.
pub(crate) fn error_origins(
    prepared: &Prepared<'_>,
    now: &Population<'_>,
    config: &Config,
) -> Vec<ErrorOrigin> {
    let mut groups: BTreeMap<(&str, &str), ErrorOrigin> = BTreeMap::new();
    for request in &now.failed {
        let Some(origin) = prepared.origin(request) else {
            continue;
        };
        let service = prepared.instances.service_name_of(origin.instance);
        let group = groups
            .entry((service, &origin.error))
            .or_insert_with(|| ErrorOrigin {
                service: service.to_owned(),
                error: origin.error.clone(),
                requests: 0,
                path: origin.path.clone(),
                example_traces: Vec::new(),
            });
        group.requests += 1;
        if group.example_traces.len() < config.examples {
            group
                .example_traces
                .push(format!("{:032x}", request.trace_id));
        }
    }
    let mut origins: Vec<ErrorOrigin> = groups.into_values().collect();
    origins.sort_by_key(|origin| std::cmp::Reverse(origin.requests));
    origins
}

/// How much more often requests fail, in thresholds.
pub(crate) fn failures_growth(case: &Case<'_, '_>) -> f64 {
    let growth = case.now.error_rate() - case.before.error_rate();
    growth / case.compared.config.error_growth_min
}

fn fail_more_often(case: &Case<'_, '_>) -> bool {
    let Case {
        compared: Comparison { config, .. },
        now,
        before,
        ..
    } = *case;
    if now.error_rate() - before.error_rate() < config.error_growth_min {
        return false;
    }
    let noise = Noise::new(
        (&now.all, &now.active),
        (&before.all, &before.active),
        config,
    );
    let new = before.failed.is_empty() && now.failed.len() >= FAILURES_MIN;
    (new && noise.failures_are_no_chance()) || noise.failure_rate_grew()
}

fn service_of(
    prepared: &Prepared<'_>,
    request: &Request,
    breakers: &Breakers,
) -> Option<ServiceId> {
    let origin = prepared.origin(request)?;
    Some(breakers.blamed(prepared, origin))
}

fn of_origin<'p>(
    prepared: &Prepared<'_>,
    population: &Population<'p>,
    service: ServiceId,
    breakers: &Breakers,
) -> Vec<&'p Request> {
    let failed = population.failed.iter().copied();
    failed
        .filter(|request| service_of(prepared, request, breakers) == Some(service))
        .collect()
}

/// The services at which a larger share of all requests goes wrong than before, with the growth of that
/// share: the largest first.
fn grown_origins(case: &Case<'_, '_>, breakers: &Breakers) -> Vec<(ServiceId, f64)> {
    let Case {
        compared: Comparison { prepared, .. },
        now,
        before,
        ..
    } = *case;
    let mut growths = vec![0.0; prepared.instances.service_count()];
    for (population, sign) in [(now, 1.0), (before, -1.0)] {
        for request in &population.failed {
            if let Some(service) = service_of(prepared, request, breakers) {
                growths[service.0 as usize] += sign / population.all.len() as f64;
            }
        }
    }
    let mut grown: Vec<(ServiceId, f64)> = growths
        .into_iter()
        .enumerate()
        .map(|(number, growth)| (ServiceId(number as u32), growth))
        .filter(|&(_, growth)| growth > 0.0)
        .collect();
    grown.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    grown
}

fn instance(prepared: &Prepared<'_>, service: ServiceId, failed: &[&Request]) -> Option<String> {
    if prepared.instances.of_service(service).count() < 2 {
        return None;
    }
    let mut counts: BTreeMap<InstanceId, usize> = BTreeMap::new();
    for request in failed {
        let origin = prepared.origin(request);
        if let Some(origin) = origin.filter(|origin| {
            // Those of callers that stopped asking say nothing of the instance.
            prepared.instances.service(origin.instance) == service
        }) {
            *counts.entry(origin.instance).or_default() += 1;
        }
    }
    let total: usize = counts.values().sum();
    let (&instance, &count) = counts.iter().max_by_key(|&(_, &count)| count)?;
    let name = prepared.instances.instance_name(instance);
    let main = count as f64 >= MAIN_SHARE * total as f64;
    (main && !name.is_empty()).then(|| name.to_owned())
}
