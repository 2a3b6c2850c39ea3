//! A pool whose connections are held for longer has too few of them, but not for a reason of its own:
//! the service that they lead to has slowed down.

use std::collections::BTreeSet;

use ragdoll_trace::Symbol;

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::server_spans::within;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};

/// Slowdowns below this are no reason for a queue, whatever their share.
const FLOOR_MS: f64 = 1.0;

pub(super) struct PoolHolder;

impl Rule for PoolHolder {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        let (place, requests) = (suspect.place, suspect.requests);
        let is_held = place.cause == Cause::ConnectionPool
            && pool_leads_to_slower(&suspect.case.compared, requests, guess.service);
        if is_held {
            Effect::NotToBlame
        } else {
            Effect::GoOn
        }
    }
}

/// Whether the service behind the pools that `service` waits for answers more slowly. A pool is
/// taken to lead to the service that it is named after; one that is not named after a service says
/// nothing.
fn pool_leads_to_slower(
    compared: &Comparison<'_>,
    requests: &[&Request],
    service: ServiceId,
) -> bool {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        config,
    } = *compared;
    pools_of(prepared, requests, service)
        .into_iter()
        .any(|pool| {
            let behind = prepared.instances.service_named(pool);
            behind.is_some_and(|behind| {
                let now_ms = mean_server_span_ms(prepared, behind, now);
                let before_ms = mean_server_span_ms(prepared, behind, before);
                let growth_ms = now_ms - before_ms;
                growth_ms >= FLOOR_MS.max(config.service_time_growth_min * before_ms)
            })
        })
}

/// Names of the pools that the requests' spans of this service waited for.
fn pools_of(
    prepared: &Prepared<'_>,
    requests: &[&Request],
    service: ServiceId,
) -> BTreeSet<Symbol> {
    let set = &prepared.observations.traces;
    let traces = requests
        .iter()
        .filter_map(|request| prepared.index.find(request.trace_id));
    let spans = traces.flat_map(|trace| trace.spans.iter().map(|&at| &set.spans()[at as usize]));
    spans
        .filter(|span| {
            prepared
                .instances
                .service(prepared.instances.of(span.resource))
                == service
        })
        .filter_map(|span| prepared.names.pool(span))
        .collect()
}

fn mean_server_span_ms(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> f64 {
    let server_spans = prepared
        .instances
        .of_service(service)
        .flat_map(|instance| within(prepared.server_spans(instance), window));
    let (count, total_ms) = server_spans.fold((0_u32, 0.0), |(count, total_ms), server_span| {
        (count + 1, total_ms + f64::from(server_span.duration_ms))
    });
    total_ms / f64::from(count.max(1))
}
