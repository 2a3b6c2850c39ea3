//! Whether a service has room for what it is asked.

use crate::facts::ids::ServiceId;
use crate::facts::names::metrics::{METRIC_QUEUE_DEPTH, METRIC_WORKERS};
use crate::facts::prepared::Prepared;
use crate::facts::server_spans::within;
use crate::facts::time::Window;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::signs::samples::gauge;

/// Utilisation of workers below which a service was not full, and growth of the wait for them above
/// which it was, in milliseconds a call.
const FULL_UTILIZATION: f64 = 0.9;
const FULL_WAIT_MS: f64 = 1.0;

/// Whether the service has no room for what it is asked: calls queue, and it is not plain that it could
/// take more.
pub(crate) fn is_full(case: &Case<'_, '_>, service: ServiceId) -> bool {
    let Comparison {
        prepared, window, ..
    } = case.compared;
    has_queue(prepared, service, window) && !has_room(&case.compared, service)
}

/// Whether the service that says it has no room has some: its workers were idle, and what it served
/// waited no longer than before. Then it keeps to a quota. Where it does not say how busy it is,
/// nobody can tell.
pub(super) fn has_room(compared: &Comparison<'_>, service: ServiceId) -> bool {
    let Comparison {
        prepared,
        window,
        baseline,
        ..
    } = *compared;
    let busiest = prepared
        .instances
        .of_service(service)
        .filter_map(|instance| {
            let samples = gauge(prepared, instance, METRIC_WORKERS, window);
            (!samples.is_empty()).then(|| samples.iter().sum::<f64>() / samples.len() as f64)
        });
    let busiest = busiest.reduce(f64::max);
    let wait_ms = |window: &Window| {
        let instances = prepared.instances.of_service(service);
        let server_spans =
            instances.flat_map(|instance| within(prepared.server_spans(instance), window));
        let (sum, count) = server_spans.fold((0.0, 0.0), |(sum, count), server_span| {
            (sum + f64::from(server_span.costs.queue), count + 1.0)
        });
        sum / f64::max(count, 1.0)
    };
    let waits_longer = wait_ms(window) > wait_ms(baseline) + FULL_WAIT_MS;
    busiest.is_some_and(|busiest| busiest < FULL_UTILIZATION) && !waits_longer
}

/// Whether calls of the service had to queue.
pub(super) fn has_queue(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> bool {
    prepared.instances.of_service(service).any(|instance| {
        let waits = within(prepared.server_spans(instance), window)
            .iter()
            .any(|server_span| server_span.costs.queue > 0.0);
        waits
            || gauge(prepared, instance, METRIC_QUEUE_DEPTH, window)
                .iter()
                .any(|&depth| depth > 0.0)
    })
}
