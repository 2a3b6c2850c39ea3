//! A wait for a connection that nobody recorded looks like work of the one that waits. The pool's gauges
//! say that it was given out to the last connection.

use crate::facts::cause::Cause;
use crate::facts::ids::{Party, ServiceId};
use crate::facts::names::limits::Kind;
use crate::facts::prepared::Prepared;
use crate::facts::server_spans::{Visit, within};
use crate::facts::time::Window;
use crate::questions::findings::Figure;
use crate::questions::signs::alone::only_one_holder;
use crate::questions::signs::bounded::{AtLimit, at_limit};
use crate::questions::signs::figures::limit_figures;
use crate::statistics::config::Config;
use crate::statistics::summary::mean;

/// Share of the samples at the limit from which calls had to wait, and its least growth.
const SHARE_MIN: f64 = 0.5;
const GROWTH_MIN: f64 = 0.3;

/// Growth below this of what calls hold a connection for is no reason for a full pool, in milliseconds.
const FLOOR_MS: f64 = 1.0;

/// Whether calls of `service`, or of its instance `party`, have to wait for a connection, where no wait
/// for one is recorded: the figures that say so, and the instance where it is only one of several. A pool
/// that is full since what the service calls has slowed down is the doing of that.
pub(crate) fn pool_is_full(
    prepared: &Prepared<'_>,
    service: ServiceId,
    party: Option<Party>,
    now: &Window,
    before: &Window,
    config: &Config,
) -> Option<(Option<Party>, Vec<Figure>)> {
    let is_full = |pool: &AtLimit| {
        let grew = pool
            .share_before
            .is_some_and(|before| pool.share - before >= GROWTH_MIN);
        pool.kind == Kind::Connections && pool.share >= SHARE_MIN && grew
    };
    let found = only_one_holder(prepared, service, party, |holder| {
        let pools = at_limit(prepared, holder, now, before);
        let full = pools.into_iter().find(is_full)?;
        Some((full.share, limit_figures(&full)))
    })?;
    let visits = |window: &Window| -> Vec<&Visit> {
        let parties = prepared.parties.of_service(service);
        parties
            .flat_map(|party| within(prepared.visits(party), window))
            .collect()
    };
    let (visits, visits_before) = (visits(now), visits(before));
    let mut both = visits.iter().chain(&visits_before);
    if both.any(|visit| visit.costs.get(Some(Cause::ConnectionPool)) > 0.0) {
        return None;
    }
    let called_ms = |visits: &[&Visit]| mean(visits.iter().map(|visit| visit.costs.get(None)));
    let (called_ms, called_before_ms) = (called_ms(&visits), called_ms(&visits_before));
    let slower_ms = FLOOR_MS.max(config.service_time_growth_min * called_before_ms);
    if called_ms - called_before_ms >= slower_ms {
        return None;
    }
    Some(found)
}
