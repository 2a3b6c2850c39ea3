//! The place that a verdict names over time, for a plot.

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::request::Request;
use crate::facts::time::{Window, ms};
use crate::questions::case::Case;
use crate::questions::findings::Bottleneck;
use crate::questions::load::{Series, SeriesPoint};
use crate::questions::population::Population;
use crate::questions::saturation::open_by_bin;
use crate::questions::saturation::tally::{BINS, part_of};

/// The series of a verdict's place, as many points for each window whatever its length; none where the
/// named service is not in the traces.
pub(crate) fn series(case: &Case<'_, '_>, named: &Bottleneck) -> Option<Series> {
    let prepared = case.compared.prepared;
    let symbol = prepared.observations.traces.symbol(&named.service)?;
    let service = prepared.instances.service_named(symbol)?;
    // Some causes, such as calls one after the other, own no time by themselves.
    let owns_time = case
        .places
        .iter()
        .any(|place| place.service == service && place.cause == named.cause);
    let cause = owns_time.then_some(named.cause);
    Some(Series {
        service: named.service.clone(),
        cause,
        now: points(case, case.now, service, cause),
        before: points(case, case.before, service, cause),
    })
}

fn points(
    case: &Case<'_, '_>,
    population: &Population<'_>,
    service: ServiceId,
    cause: Option<Cause>,
) -> Vec<SeriesPoint> {
    let window = &population.window;
    let (mut requests, mut sums_ms) = ([0_u64; BINS], [0.0; BINS]);
    for request in &population.all {
        let bin = part_of(window, request.start_ns, BINS);
        requests[bin] += 1;
        sums_ms[bin] += owned_ms(case, request, service, cause);
    }
    let open = open_by_bin(case.compared.prepared, service, window)
        .unwrap_or_else(|| open_requests(&population.all, window));
    let bin_s = window.seconds() / BINS as f64;
    (0..BINS)
        .map(|bin| SeriesPoint {
            from_s: bin as f64 * bin_s,
            requests: requests[bin],
            place_ms: (requests[bin] > 0).then(|| sums_ms[bin] / requests[bin] as f64),
            open: open[bin],
        })
        .collect()
}

/// Milliseconds of a request's critical path that the place owns.
fn owned_ms(
    case: &Case<'_, '_>,
    request: &Request,
    service: ServiceId,
    cause: Option<Cause>,
) -> f64 {
    let prepared = case.compared.prepared;
    let parts = prepared.parts(request).iter().filter(|part| {
        cause.is_none_or(|cause| part.cause == cause)
            && case.owners.owner(prepared, part) == service
    });
    parts.map(|part| ms(part.ns)).sum()
}

/// Mean number of requests that are open, by part of the window.
fn open_requests(requests: &[&Request], window: &Window) -> [f64; BINS] {
    let bin_s = (window.seconds() / BINS as f64).max(1e-9);
    let mut open = [0.0; BINS];
    for request in requests {
        let after = |ns: u64| ns.saturating_sub(window.start_ns) as f64 / 1e9;
        let from_s = after(request.start_ns);
        let to_s = after(request.start_ns.saturating_add(request.duration_ns));
        let first = part_of(window, request.start_ns, BINS);
        for (bin, sum) in open.iter_mut().enumerate().skip(first) {
            let (starts_s, ends_s) = (bin as f64 * bin_s, (bin + 1) as f64 * bin_s);
            if starts_s >= to_s {
                break;
            }
            *sum += (to_s.min(ends_s) - from_s.max(starts_s)).max(0.0) / bin_s;
        }
    }
    open
}
