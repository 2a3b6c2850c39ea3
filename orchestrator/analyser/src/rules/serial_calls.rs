//! Calls of one service that were made at once and are now made one after the other: each of them
//! takes as long as before, and there are more of them on the critical path. That is the caller's
//! doing, and not the service's.

use crate::config::{Config, Window};
use crate::evidence::figure;
use crate::gatherings::{Gathering, within};
use crate::parties::ServiceId;
use crate::prepared::Prepared;
use crate::statistics::mean;
use crate::verdict::Figure;

/// Gatherings in each window below which their mean says nothing.
const GATHERINGS_MIN: usize = 20;

/// Share of the callee's growth that the calls' order must explain.
const EXPLAINED_MIN: f64 = 0.5;

/// How many times fewer calls are open at once.
const FEWER_AT_ONCE: f64 = 1.5;

/// A caller that makes its calls one after the other.
pub(crate) struct SerialCalls {
    pub(crate) caller: ServiceId,
    pub(crate) figures: Vec<Figure>,
}

/// Who makes its calls of `callee` one after the other and did not before, where that explains the
/// growth of the callee's time by `growth_ms`.
pub(crate) fn calls_became_serial(
    prepared: &Prepared<'_>,
    callee: ServiceId,
    growth_ms: f64,
    window: &Window,
    baseline: &Window,
    config: &Config,
) -> Option<SerialCalls> {
    let callers = prepared.gatherings.iter();
    let mut callers = callers.filter(|((_, called), _)| *called == callee);
    callers.find_map(|((caller, _), all)| {
        let (now, before) = (within(all, window), within(all, baseline));
        if now.len() < GATHERINGS_MIN || before.len() < GATHERINGS_MIN {
            return None;
        }
        let (lost_ms, lost_before_ms) = (lost_ms(now), lost_ms(before));
        let wanted_ms = config.growth_floor_ms.max(EXPLAINED_MIN * growth_ms);
        let explains = lost_ms - lost_before_ms >= wanted_ms;
        let (at_once, at_once_before) = (open_at_once(now), open_at_once(before));
        if !explains || at_once * FEWER_AT_ONCE > at_once_before {
            return None;
        }
        let name = prepared.parties.service_name(callee);
        Some(SerialCalls {
            caller: *caller,
            figures: vec![
                figure(
                    format!("calls of {name} open at once, mean"),
                    at_once,
                    at_once_before,
                    "",
                ),
                figure(
                    format!("time of calls of {name} beyond the longest of them, mean"),
                    lost_ms,
                    lost_before_ms,
                    "ms",
                ),
            ],
        })
    })
}

/// Time that would not have passed if all calls had been made at once, a gathering.
fn lost_ms(gatherings: &[Gathering]) -> f64 {
    mean(
        gatherings
            .iter()
            .map(|one| f64::from(one.open_ms - one.longest_ms)),
    )
}

fn open_at_once(gatherings: &[Gathering]) -> f64 {
    let total: f64 = gatherings.iter().map(|one| f64::from(one.total_ms)).sum();
    let open: f64 = gatherings.iter().map(|one| f64::from(one.open_ms)).sum();
    if open > 0.0 { total / open } else { 1.0 }
}
