//! A service that refuses calls because of a limit, and not for want of room.

use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::server_spans::within;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::statistics::line::Line;
use crate::statistics::summary::{mean, quantile};

const SECOND_NS: u64 = 1_000_000_000;

/// Seconds with refusals that are needed to tell.
const SECONDS_MIN: usize = 20;

/// Variance of arrivals in a second from which they vary, as a share of their mean. It is 1 where they come
/// independently of each other.
const DISPERSION_MIN: f64 = 0.5;

/// Standard errors by which a limit must be plainer than chance: once in 700 cases it looks like that by chance.
const ERRORS: f64 = 3.0;

/// Largest share of the variance by chance that a limit leaves. Of 20 seconds chance passes it in 3 of 1,000 cases
/// (chi-square with 19 degrees of freedom below 6.3).
const VARIANCE_SHARE: f64 = 1.0 / 3.0;

/// Growth of the slow calls up to which a service is as quick as it was.
const SLOWER: f64 = 1.2;
const SLOWER_MS: f64 = 1.0;

/// What shows that a service takes the same number of calls in each second with refusals, however many arrive,
/// and is no slower: figures.
pub(super) fn keeps_to_a_limit(
    compared: &Comparison<'_>,
    service: ServiceId,
    failed: &[&Request],
) -> Option<Vec<Figure>> {
    let Comparison {
        prepared,
        window,
        baseline,
        ..
    } = *compared;
    let seconds = Seconds::of(prepared, service, window, failed);
    let points = seconds.taken_where_refused();
    if points.len() < SECONDS_MIN || !is_capped(&points, seconds.refused_share()) {
        return None;
    }
    let slow_ms = |window: &Window| slow_ms(prepared, service, window);
    if slow_ms(window) > SLOWER * slow_ms(baseline) + SLOWER_MS {
        return None;
    }
    let name = prepared.instances.service_name(service);
    let (taken, variance) = mean_and_variance(points.iter().map(|point| point.1));
    Some(vec![
        figure(
            format!("calls that {name} takes in a second with refusals, mean"),
            taken,
            None,
            "1/s",
        ),
        figure(
            "standard deviation of that".to_owned(),
            variance.sqrt(),
            None,
            "1/s",
        ),
    ])
}

/// Whether a limit shows in arrived and taken calls of each second. Were calls refused by chance, it would take its
/// share of each further call; the line through the points has at most half of that slope. Where arrivals do not
/// vary, chance leaves the variance of draws from them.
fn is_capped(points: &[(f64, f64)], refused_share: f64) -> bool {
    let (arrived, arrived_variance) = mean_and_variance(points.iter().map(|point| point.0));
    if arrived_variance >= DISPERSION_MIN * arrived {
        let line = Line::fit(points);
        return line.is_some_and(|line| line.slope_at_most(ERRORS) < (1.0 - refused_share) / 2.0);
    }
    let (taken, variance) = mean_and_variance(points.iter().map(|point| point.1));
    taken > 0.0 && variance < VARIANCE_SHARE * refused_share * taken
}

fn mean_and_variance(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let mean_value = mean(values.clone());
    (
        mean_value,
        mean(values.map(|value| (value - mean_value).powi(2))),
    )
}

/// Calls of a service, by the second in which they arrive.
struct Seconds {
    arrived: Vec<u32>,
    refused: Vec<u32>,
}

impl Seconds {
    fn of(
        prepared: &Prepared<'_>,
        service: ServiceId,
        window: &Window,
        failed: &[&Request],
    ) -> Seconds {
        // What is left of a second that the window cuts holds fewer calls.
        let count = window.seconds() as usize;
        let mut seconds = Seconds {
            arrived: vec![0; count],
            refused: vec![0; count],
        };
        let add = |counts: &mut Vec<u32>, start_ns: u64| {
            let second = (start_ns - window.start_ns) / SECOND_NS;
            if let Some(count) = counts.get_mut(second as usize) {
                *count += 1;
            }
        };
        for instance in prepared.instances.of_service(service) {
            for server_span in within(prepared.server_spans(instance), window) {
                add(&mut seconds.arrived, server_span.start_ns);
            }
        }
        for request in failed {
            let origin = prepared.origin(request);
            let is_its =
                origin.is_some_and(|origin| prepared.instances.service(origin.instance) == service);
            if is_its && window.contains(request.start_ns) {
                add(&mut seconds.refused, request.start_ns);
            }
        }
        seconds
    }

    /// Arrived and taken calls of each second with refusals.
    fn taken_where_refused(&self) -> Vec<(f64, f64)> {
        let both = self.arrived.iter().zip(&self.refused);
        both.filter(|&(_, &refused)| refused > 0)
            .map(|(&arrived, &refused)| {
                (
                    f64::from(arrived),
                    f64::from(arrived.saturating_sub(refused)),
                )
            })
            .collect()
    }

    fn refused_share(&self) -> f64 {
        let sum = |counts: &[u32]| counts.iter().map(|&count| f64::from(count)).sum::<f64>();
        sum(&self.refused) / sum(&self.arrived).max(1.0)
    }
}

/// How long the slowest tenth of a service's calls takes at least, in milliseconds.
fn slow_ms(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> f64 {
    let instances = prepared.instances.of_service(service);
    let calls = instances.flat_map(|instance| within(prepared.server_spans(instance), window));
    quantile(calls.map(|call| f64::from(call.duration_ms)).collect(), 0.9)
}
