//! Calls that were made at once and are now made one after the other: each of them takes as long as
//! before, and there are more of them on the critical path. That is the caller's doing, and not that of
//! the services that it calls.

use std::collections::BTreeSet;

use crate::facts::cause::Cause;
use crate::facts::fan_outs::{FanOut, within};
use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::server_spans;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::statistics::summary::mean;

/// Fan-outs in each window below which their mean says nothing.
const FAN_OUTS_MIN: usize = 20;

/// Share of the callee's growth that the calls' order must explain.
const EXPLAINED_MIN: f64 = 0.5;

/// Share of the time saved by making calls at once that may be left.
const LEFT_MAX: f64 = 0.6;

pub(super) struct CallsBecameSerial;

impl Rule for CallsBecameSerial {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        let (place, compared) = (suspect.place, &suspect.case.compared);
        let growth_ms = place.mean_growth_ms();
        let Some(serial) = calls_became_serial(compared, place.service, growth_ms) else {
            return Effect::GoOn;
        };
        guess.service = serial.caller;
        guess.cause = Cause::SerialCalls;
        guess.counted = vec![Cause::Compute, Cause::Network, Cause::Queue, Cause::Lock];
        guess.figures = serial.figures;
        Effect::Settled
    }
}

/// A caller that makes its calls one after the other.
pub(crate) struct SerialCalls {
    pub(crate) caller: ServiceId,
    pub(crate) figures: Vec<Figure>,
}

/// Who makes its calls of `callee`, or of that and others, one after the other and did not before, where
/// that explains the growth of the callee's time by `growth_ms`.
fn calls_became_serial(
    compared: &Comparison<'_>,
    callee: ServiceId,
    growth_ms: f64,
) -> Option<SerialCalls> {
    let Comparison {
        prepared,
        window,
        baseline,
        config,
    } = *compared;
    callers(prepared, callee, window)
        .into_iter()
        .flat_map(|caller| [(caller, Some(callee)), (caller, None)])
        .find_map(|(caller, called)| {
            let all = prepared.fan_outs.get(&(caller, called))?;
            let (now, before) = (within(all, window), within(all, baseline));
            if now.len() < FAN_OUTS_MIN || before.len() < FAN_OUTS_MIN {
                return None;
            }
            let (saved_ms, saved_before_ms) = (saved_ms(now), saved_ms(before));
            let wanted_ms = config.growth_floor_ms.max(EXPLAINED_MIN * growth_ms);
            let explains = saved_before_ms - saved_ms >= wanted_ms;
            let became_serial = explains && saved_ms <= LEFT_MAX * saved_before_ms;
            became_serial.then(|| SerialCalls {
                caller,
                figures: figures(prepared, caller, called, now, before),
            })
        })
}

fn callers(prepared: &Prepared<'_>, callee: ServiceId, window: &Window) -> BTreeSet<ServiceId> {
    let instances = prepared.instances.of_service(callee);
    let server_spans = instances
        .flat_map(|instance| server_spans::within(prepared.server_spans(instance), window));
    server_spans
        .filter_map(|server_span| server_span.caller)
        .collect()
}

fn figures(
    prepared: &Prepared<'_>,
    caller: ServiceId,
    called: Option<ServiceId>,
    now: &[FanOut],
    before: &[FanOut],
) -> Vec<Figure> {
    let calls = match called {
        Some(callee) => format!("calls of {}", prepared.instances.service_name(callee)),
        None => format!(
            "calls that {} makes",
            prepared.instances.service_name(caller)
        ),
    };
    vec![
        figure(
            format!("{calls} open at once, mean"),
            open_at_once(now),
            open_at_once(before),
            "",
        ),
        figure(
            format!("time saved by making {calls} at once, mean"),
            saved_ms(now),
            saved_ms(before),
            "ms",
        ),
    ]
}

/// Time that passes less because calls are open at once, a fan-out.
fn saved_ms(fan_outs: &[FanOut]) -> f64 {
    mean(
        fan_outs
            .iter()
            .map(|one| f64::from(one.total_ms - one.open_ms)),
    )
}

fn open_at_once(fan_outs: &[FanOut]) -> f64 {
    let total: f64 = fan_outs.iter().map(|one| f64::from(one.total_ms)).sum();
    let open: f64 = fan_outs.iter().map(|one| f64::from(one.open_ms)).sum();
    if open > 0.0 { total / open } else { 1.0 }
}
