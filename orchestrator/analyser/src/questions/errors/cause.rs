//! Why a service makes requests fail.

use std::collections::BTreeMap;

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::names::failures::{Failure, failure};
use crate::facts::names::metrics::METRIC_QUEUE_DEPTH;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::server_spans::within;
use crate::facts::time::Window;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::errors::deadlock::given_up_on_a_lock;
use crate::questions::errors::rate_limit::keeps_to_a_limit;
use crate::questions::errors::room::{has_queue, has_room, is_full};
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::places::{Times, main_instance};
use crate::questions::rules::queue_or_slow::{WaitExplained, explain_wait};
use crate::questions::signs::Signs;
use crate::questions::signs::samples::gauge;

/// The cause that the errors of the failing requests, and what the service shows beside them, point to.
pub(crate) fn cause(
    case: &Case<'_, '_>,
    service: ServiceId,
    failed: &[&Request],
) -> (Cause, Vec<Figure>) {
    let compared = &case.compared;
    let prepared = compared.prepared;
    // A request that starts in the window may meet its end after it.
    let longest_ns = failed
        .iter()
        .map(|request| request.duration_ns)
        .max()
        .unwrap_or(0);
    let window = Window {
        start_ns: compared.window.start_ns,
        end_ns: compared.window.end_ns.saturating_add(longest_ns),
    };
    let signs = Signs::of(prepared, service, &window);
    let signs_before = Signs::of(prepared, service, compared.baseline);
    if signs.ran_out_of_memory(&signs_before) {
        return (
            Cause::Memory,
            memory_figures(prepared, service, &signs, &signs_before),
        );
    }
    let errors = errors_of(prepared, failed);
    let count = |kind: Failure| -> usize {
        let of_kind = errors.iter().filter(|(error, _)| failure(error) == kind);
        of_kind.map(|(_, count)| count).sum()
    };
    let half = failed.len().div_ceil(2);
    let limited = count(Failure::RateLimit);
    let either = limited + count(Failure::Exhausted);
    let overflow = either + count(Failure::Overflow);
    let maybe = count(Failure::MaybeOverflow);
    let refuses = overflow >= half
        || (overflow + maybe >= half && has_queue(prepared, service, compared.window));
    if refuses {
        if either >= half && !is_full(case, service) {
            let shown = keeps_to_a_limit(compared, service, failed);
            if limited >= half || shown.is_some() {
                return (Cause::RateLimit, shown.unwrap_or_default());
            }
        }
        if !has_room(compared, service) {
            return (Cause::Queue, queue_figures(compared, service));
        }
    }
    if count(Failure::Conflict) >= half
        && let Some(figure) = given_up_on_a_lock(case, service, failed)
    {
        return (Cause::Lock, vec![figure]);
    }
    if count(Failure::Deadline) >= half {
        return late_cause(case, service, failed);
    }
    (Cause::Errors, Vec::new())
}

/// Why calls of the service took longer than their callers' patience: what grew most against the
/// baseline's requests.
fn late_cause(
    case: &Case<'_, '_>,
    service: ServiceId,
    failed: &[&Request],
) -> (Cause, Vec<Figure>) {
    let prepared = case.compared.prepared;
    let times = Times::new(prepared, failed, &NetworkOwners::default());
    let times_before = Times::new(prepared, &case.before.timed, &NetworkOwners::default());
    let growth =
        |cause: Cause| times.mean_ms(service, cause) - times_before.mean_ms(service, cause);
    let most = Cause::ALL
        .into_iter()
        .max_by(|&a, &b| growth(a).total_cmp(&growth(b)));
    let Some(most) = most.filter(|&cause| growth(cause) > 0.0) else {
        return (Cause::Errors, Vec::new());
    };
    let mut cause = most;
    let name = prepared.instances.service_name(service);
    let mut figures = vec![figure(
        format!(
            "{} of {name} on the critical path of failing requests, mean",
            most.words()
        ),
        times.mean_ms(service, most),
        times_before.mean_ms(service, most),
        "ms",
    )];
    while matches!(cause, Cause::Queue | Cause::ConnectionPool) {
        let Some((instance, _)) = main_instance(prepared, failed, service, most) else {
            break;
        };
        let (explained, more) = explain_wait(&case.compared, instance, cause);
        figures.extend(more);
        let WaitExplained::Slower(slower) = explained else {
            break;
        };
        cause = slower;
    }
    (cause, figures)
}

fn queue_figures(compared: &Comparison<'_>, service: ServiceId) -> Vec<Figure> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        ..
    } = *compared;
    let name = prepared.instances.service_name(service);
    let depth = |window: &Window| {
        let instances = prepared.instances.of_service(service);
        instances
            .flat_map(|instance| gauge(prepared, instance, METRIC_QUEUE_DEPTH, window))
            .reduce(f64::max)
    };
    let rate = |window: &Window| {
        let instances = prepared.instances.of_service(service);
        let server_spans = instances.map(|instance| prepared.server_spans(instance));
        let count: usize = server_spans.map(|all| within(all, window).len()).sum();
        count as f64 / window.seconds().max(f64::MIN_POSITIVE)
    };
    let mut figures = vec![figure(
        format!("arrival rate of {name}"),
        rate(now),
        rate(before),
        "1/s",
    )];
    if let Some(deepest) = depth(now) {
        let what = format!("longest queue of {name}");
        figures.insert(0, figure(what, deepest, depth(before), ""));
    }
    figures
}

fn memory_figures(
    prepared: &Prepared<'_>,
    service: ServiceId,
    signs: &Signs,
    before: &Signs,
) -> Vec<Figure> {
    let name = prepared.instances.service_name(service);
    let mut figures = vec![
        figure(
            format!("out-of-memory log lines of {name}"),
            signs.out_of_memory_logs as f64,
            before.out_of_memory_logs as f64,
            "",
        ),
        figure(
            format!("restarts of {name}"),
            signs.restarts as f64,
            before.restarts as f64,
            "",
        ),
    ];
    if signs.out_of_memory_kills > before.out_of_memory_kills {
        figures.push(figure(
            format!("kills of {name} for its memory"),
            signs.out_of_memory_kills as f64,
            before.out_of_memory_kills as f64,
            "",
        ));
    }
    if let Some(peak) = signs.memory_peak {
        figures.push(figure(
            format!("highest memory use of {name}, share of its limit"),
            100.0 * peak,
            before.memory_peak.map(|share| 100.0 * share),
            "%",
        ));
    }
    figures
}

/// Errors of these requests where they went wrong, most frequent first.
pub(crate) fn errors_of<'p>(
    prepared: &'p Prepared<'_>,
    failed: &[&Request],
) -> Vec<(&'p str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for request in failed {
        if let Some(origin) = prepared.origin(request) {
            *counts.entry(&origin.error).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts
}
