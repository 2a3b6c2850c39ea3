//! A service that takes more of each request's time since it is called more often, and not since it takes longer for a call:
//! that is the doing of whoever calls more, or of the cache that used to save those calls.

use std::collections::BTreeMap;

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::server_spans::{self, ServerSpan};
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::places::Place;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::questions::signs::hit_ratio::hit_ratio_fell;
use crate::statistics::summary::{mean, ratio};

/// Requests of the caller in each window, and calls now, below which their number says nothing.
const CALLS_MIN: usize = 30;

/// Calls of the baseline below which nobody can tell how long one took. Where there were hardly any, that they are made at all
/// is what changed.
const CALLS_BEFORE_MIN: usize = 5;

/// How many times as many calls a request makes, at least.
const TIMES_MIN: f64 = 1.3;

/// How many times as long a call may take where it waits for something: with more, that is what ran short, and what is named.
const SLOWER_MAX: f64 = 1.15;

/// Work may take so many times as long as the calls a second to this power: more calls at once slow each other down, near
/// saturation by more than in proportion.
const SLOWER_POWER: f64 = 1.5;

/// Share of the growth that the further calls must explain.
const EXPLAINED_MIN: f64 = 0.5;

/// How far up the callers are followed.
const DEPTH_MAX: usize = 16;

/// By how much the share of failing calls may grow: past that, failures are why others are asked.
const FAILED_MORE_MAX: f64 = 0.02;

/// Causes of a call's time that further calls add to.
const ADDED: [Cause; 7] = [
    Cause::Compute,
    Cause::Network,
    Cause::Queue,
    Cause::Lock,
    Cause::Io,
    Cause::Codec,
    Cause::Cpu,
];

pub(super) struct MoreCalls;

impl Rule for MoreCalls {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        let (place, compared) = (suspect.place, &suspect.case.compared);
        if !ADDED.contains(&place.cause) {
            return Effect::GoOn;
        }
        let Some((caller, figures)) = more_calls(compared, place) else {
            return Effect::GoOn;
        };
        let lost = hit_ratio_fell(compared, caller);
        guess.service = caller;
        guess.cause = match lost {
            Some(_) => Cause::Cache,
            None => Cause::Amplification,
        };
        guess.counted = ADDED.to_vec();
        guess.figures = lost.into_iter().chain(figures).collect();
        Effect::Settled
    }
}

/// The calls that a service serves in one window. Attempts that were followed by another, and copies whose answer came too late,
/// are no calls of their own.
struct Served {
    count: usize,
    by_caller: BTreeMap<ServiceId, usize>,
    mean_ms: f64,
    /// All attempts and copies a second.
    per_s: f64,
    /// Share of all attempts and copies that failed.
    failed: f64,
}

impl Served {
    fn new(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> Served {
        let spans: Vec<&ServerSpan> = prepared
            .instances
            .of_service(service)
            .flat_map(|instance| server_spans::within(prepared.server_spans(instance), window))
            .collect();
        let attempts = spans.len() as f64;
        let failed = spans.iter().filter(|span| span.failed).count() as f64;
        let spans: Vec<&ServerSpan> = spans.into_iter().filter(|span| !span.superseded).collect();
        let mut by_caller = BTreeMap::new();
        for caller in spans.iter().filter_map(|span| span.caller) {
            *by_caller.entry(caller).or_default() += 1;
        }
        Served {
            count: spans.len(),
            by_caller,
            mean_ms: mean(spans.iter().map(|span| f64::from(span.duration_ms))),
            per_s: attempts / window.seconds().max(f64::MIN_POSITIVE),
            failed: failed / attempts.max(1.0),
        }
    }
}

/// Who calls more often than before for each request of its own, so that `callee` takes more time, or somebody on the
/// way to it; where that explains the growth of its time.
fn more_calls(compared: &Comparison<'_>, place: &Place) -> Option<(ServiceId, Vec<Figure>)> {
    let Comparison {
        prepared,
        window,
        baseline,
        ..
    } = *compared;
    let served = |service| {
        let now = Served::new(prepared, service, window);
        (now, Served::new(prepared, service, baseline))
    };
    let (now, before) = served(place.service);
    if now.count < CALLS_MIN || now.failed > before.failed + FAILED_MORE_MAX {
        return None;
    }
    let busier = ratio(now.per_s, before.per_s).unwrap_or(1.0);
    let (took_ms, slower) = match before.count >= CALLS_BEFORE_MIN {
        true => (before.mean_ms, ratio(now.mean_ms, before.mean_ms)?),
        false if place.cause == Cause::Compute => (now.mean_ms, 1.0),
        // What is waited for might have run short, for all that is known.
        false => return None,
    };
    let (mut at, mut now, mut before) = (place.service, now, before);
    for _ in 0..DEPTH_MAX {
        let caller = main_caller(&now)?;
        let (caller_now, caller_before) = served(caller);
        // Whoever serves nobody, such as the users, makes as many calls as it likes.
        let is_known = caller_now.count >= CALLS_MIN && caller_before.count >= CALLS_MIN;
        if !is_known || caller_now.failed > caller_before.failed + FAILED_MORE_MAX {
            return None;
        }
        let of_caller = |calls: &Served| calls.by_caller.get(&caller).copied().unwrap_or(0) as f64;
        let each = of_caller(&now) / caller_now.count as f64;
        let each_before = of_caller(&before) / caller_before.count as f64;
        let times = each / each_before.max(f64::MIN_POSITIVE);
        if times >= TIMES_MIN {
            let slower_max = match place.cause {
                Cause::Compute => busier.powf(SLOWER_POWER).max(SLOWER_MAX),
                _ => SLOWER_MAX,
            };
            let explained_ms = (each - each_before) * took_ms;
            let name = |service| prepared.instances.service_name(service);
            let what = format!("calls of {} for each request of {}", name(at), name(caller));
            let is_enough = explained_ms >= EXPLAINED_MIN * place.mean_growth_ms();
            return (is_enough && slower <= slower_max)
                .then(|| (caller, vec![figure(what, each, each_before, "")]));
        }
        (at, now, before) = (caller, caller_now, caller_before);
    }
    None
}

/// Who makes most of the calls.
fn main_caller(served: &Served) -> Option<ServiceId> {
    let callers = served.by_caller.iter();
    callers
        .max_by_key(|&(_, calls)| calls)
        .map(|(&caller, _)| caller)
}
