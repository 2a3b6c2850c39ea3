//! A wait for a connection that nobody recorded looks like work of the one that waits. The pool's gauges
//! say that it was given out to the last connection.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::names::limits::Kind;
use crate::facts::server_spans::{ServerSpan, within};
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::rules::rule::{Disguise, Shown};
use crate::questions::signs::alone::only_one_holder;
use crate::questions::signs::bounded::{AtLimit, at_limit};
use crate::questions::signs::figures::limit_figures;
use crate::statistics::summary::mean;

/// Share of the samples at the limit from which calls had to wait, and its least growth.
const SHARE_MIN: f64 = 0.5;
const GROWTH_MIN: f64 = 0.3;

/// Growth below this of what calls hold a connection for is no reason for a full pool, in milliseconds.
const FLOOR_MS: f64 = 1.0;

pub(super) const FULL_POOL: Disguise = Disguise {
    seems: Cause::Compute,
    is: Cause::ConnectionPool,
    shown: pool_is_full,
};

/// Whether calls of `service`, or of its `instance`, have to wait for a connection, where no wait
/// for one is recorded: the figures that say so, and the instance where it is only one of several. A pool
/// that is full since what the service calls has slowed down is the doing of that.
fn pool_is_full(
    compared: &Comparison<'_>,
    service: ServiceId,
    instance: Option<InstanceId>,
) -> Option<Shown> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        config,
    } = *compared;
    let is_full = |pool: &AtLimit| {
        let grew = pool
            .share_before
            .is_some_and(|before| pool.share - before >= GROWTH_MIN);
        pool.kind == Kind::Connections && pool.share >= SHARE_MIN && grew
    };
    let found = only_one_holder(prepared, service, instance, |holder| {
        let pools = at_limit(compared, holder);
        let full = pools.into_iter().find(is_full)?;
        Some((full.share, limit_figures(&full)))
    })?;
    let server_spans = |window: &Window| -> Vec<&ServerSpan> {
        let instances = prepared.instances.of_service(service);
        instances
            .flat_map(|instance| within(prepared.server_spans(instance), window))
            .collect()
    };
    let (server_spans, server_spans_before) = (server_spans(now), server_spans(before));
    let mut both = server_spans.iter().chain(&server_spans_before);
    if both.any(|server_span| server_span.costs.get(Some(Cause::ConnectionPool)) > 0.0) {
        return None;
    }
    let called_ms = |server_spans: &[&ServerSpan]| {
        mean(
            server_spans
                .iter()
                .map(|server_span| server_span.costs.get(None)),
        )
    };
    let (called_ms, called_before_ms) = (called_ms(&server_spans), called_ms(&server_spans_before));
    let slower_ms = FLOOR_MS.max(config.service_time_growth_min * called_before_ms);
    if called_ms - called_before_ms >= slower_ms {
        return None;
    }
    Some(found)
}
