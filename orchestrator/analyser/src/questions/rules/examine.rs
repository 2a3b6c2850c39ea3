//! What the rules make of a place whose time grew.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::request::Request;
use crate::questions::comparison::Comparison;
use crate::questions::findings::Figure;
use crate::questions::latency::slowdown::Scope;
use crate::questions::places::{Place, main_instance};
use crate::questions::rules::full_pool::pool_is_full;
use crate::questions::rules::inferred_queue::more_calls_wait;
use crate::questions::rules::kv_cache::kv_cache_is_full;
use crate::questions::rules::leak::memory_leaks;
use crate::questions::rules::pauses::process_paused;
use crate::questions::rules::pool_holder::pool_leads_to_slower;
use crate::questions::rules::queue_or_slow::{WaitExplained, explain_wait};
use crate::questions::rules::serial_calls::calls_became_serial;
use crate::questions::rules::standout::standout;
use crate::questions::rules::starved::process_is_starved;
use crate::questions::rules::stolen::processors_were_stolen;
use crate::questions::rules::throttled::processors_were_withheld;
use crate::questions::signs::figures::metric_figures;

/// A place with what the rules made of it.
pub(crate) struct Guess {
    pub(crate) service: ServiceId,
    pub(crate) cause: Cause,
    /// The service whose time counts as the bottleneck's: itself, or one that it calls.
    pub(crate) counted_at: ServiceId,
    /// Causes whose time there counts.
    pub(crate) counted: Vec<Cause>,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) figures: Vec<Figure>,
}

impl Guess {
    /// The place itself, before any rule.
    pub(crate) fn of(place: &Place) -> Guess {
        Guess {
            service: place.service,
            cause: place.cause,
            counted_at: place.service,
            counted: vec![place.cause],
            instance: None,
            figures: Vec::new(),
        }
    }

    /// Whether a place's time counts as this guess's.
    pub(crate) fn counts(&self, place: &Place) -> bool {
        place.service == self.counted_at && self.counted.contains(&place.cause)
    }
}

/// The guess at a place whose growth is to be explained; none where it is another service's doing.
pub(crate) fn examine(compared: &Comparison<'_, '_>, place: &Place, scope: Scope) -> Option<Guess> {
    let Comparison {
        prepared,
        now,
        before,
        config,
        ..
    } = *compared;
    let mut guess = Guess::of(place);
    let requests = if scope == Scope::Tail {
        &now.tail
    } else {
        &now.timed
    };
    let (window, baseline) = (&now.window, &before.window);
    let growth_ms = place.mean_growth_ms();
    if let Some(serial) =
        calls_became_serial(prepared, place.service, growth_ms, window, baseline, config)
    {
        guess.service = serial.caller;
        guess.cause = Cause::SerialCalls;
        guess.counted = vec![Cause::Compute, Cause::Network, Cause::Queue, Cause::Lock];
        guess.figures = serial.figures;
        return Some(guess);
    }
    if place.cause == Cause::ConnectionPool
        && pool_leads_to_slower(prepared, requests, place.service, window, baseline, config)
    {
        return None;
    }
    if !explained_wait(compared, &mut guess, place, requests) {
        return None;
    }
    if let Some((instance, figure)) =
        standout(prepared, guess.service, guess.cause, now, before, config)
    {
        guess.instance = Some(instance);
        guess.figures.insert(0, figure);
    }
    blame_the_process(compared, &mut guess, growth_ms);
    blame_what_ran_out(compared, &mut guess);
    if guess.cause == Cause::Compute
        && let Some(figures) = more_calls_wait(prepared, guess.service, window, baseline, config)
    {
        guess.cause = Cause::Queue;
        guess.figures.extend(figures);
    }
    for figure in metric_figures(prepared, guess.service, guess.instance, window, baseline) {
        if guess.figures.iter().all(|known| known.what != figure.what) {
            guess.figures.push(figure);
        }
    }
    Some(guess)
}

/// Corrects a wait that grew because what is waited for takes longer. False where that is a service
/// that the process calls.
fn explained_wait(
    compared: &Comparison<'_, '_>,
    guess: &mut Guess,
    place: &Place,
    requests: &[&Request],
) -> bool {
    let Comparison {
        prepared,
        now,
        before,
        config,
        ..
    } = *compared;
    while matches!(guess.cause, Cause::Queue | Cause::ConnectionPool) {
        let Some((instance, _)) = main_instance(prepared, requests, guess.service, place.cause)
        else {
            break;
        };
        let (explained, figures) = explain_wait(
            prepared,
            instance,
            guess.cause,
            &now.window,
            &before.window,
            config,
        );
        guess.figures.extend(figures);
        match explained {
            WaitExplained::Slower(cause) => {
                guess.cause = cause;
                guess.counted.push(cause);
            }
            WaitExplained::Downstream => return false,
            WaitExplained::Wait => {
                if guess.cause == Cause::Queue && kv_cache_is_full(prepared, instance, &now.window)
                {
                    guess.cause = Cause::KvCache;
                    guess.counted.push(Cause::KvCache);
                }
                break;
            }
        }
    }
    true
}

/// Corrects work, and time on the way, that pass because the process stands still or gets too little of
/// its processors.
fn blame_the_process(compared: &Comparison<'_, '_>, guess: &mut Guess, growth_ms: f64) {
    let Comparison {
        prepared,
        now,
        before,
        config,
        ..
    } = *compared;
    let (window, baseline) = (&now.window, &before.window);
    let (service, instance) = (guess.service, guess.instance);
    let reason = match guess.cause {
        Cause::Compute | Cause::Network | Cause::Queue | Cause::Lock => {
            process_paused(prepared, service, instance, growth_ms, window, baseline)
                .map(|(alone, figure)| (Cause::Memory, alone, figure))
        }
        _ => None,
    };
    let stolen = || {
        let is_work = guess.cause == Cause::Compute;
        let found = is_work
            .then(|| processors_were_stolen(prepared, service, instance, window, baseline))
            .flatten();
        found.map(|(alone, figure)| (Cause::Cpu, alone, figure))
    };
    let starved = || {
        let is_network = guess.cause == Cause::Network;
        let found = is_network
            .then(|| process_is_starved(prepared, service, instance, window, baseline, config))
            .flatten();
        found.map(|(alone, figure)| (Cause::Cpu, alone, figure))
    };
    if let Some((cause, alone, figure)) = reason.or_else(stolen).or_else(starved) {
        guess.cause = cause;
        guess.instance = guess.instance.or(alone);
        guess.figures.insert(0, figure);
    } else if let Some(instance) = guess.instance
        && matches!(guess.cause, Cause::Compute | Cause::Network)
        && prepared.is_parallel(instance)
    {
        guess.cause = Cause::Straggler;
    }
}

/// Corrects work of which no span says why it takes longer, where metrics say that its process ran out of
/// something.
fn blame_what_ran_out(compared: &Comparison<'_, '_>, guess: &mut Guess) {
    let Comparison {
        prepared,
        now,
        before,
        config,
        ..
    } = *compared;
    if guess.cause != Cause::Compute {
        return;
    }
    let (window, baseline) = (&now.window, &before.window);
    let (service, instance) = (guess.service, guess.instance);
    let leaks = || {
        let found = memory_leaks(prepared, service, instance, window, baseline);
        found.map(|(alone, figures)| (Cause::Memory, alone, figures))
    };
    let withheld = || {
        let found = processors_were_withheld(prepared, service, instance, window, baseline, config);
        found.map(|(alone, figure)| (Cause::Cpu, alone, vec![figure]))
    };
    let full = || {
        let found = pool_is_full(prepared, service, instance, window, baseline, config);
        found.map(|(alone, figures)| (Cause::ConnectionPool, alone, figures))
    };
    if let Some((cause, alone, figures)) = leaks().or_else(withheld).or_else(full) {
        guess.cause = cause;
        guess.instance = guess.instance.or(alone);
        guess.figures.splice(0..0, figures);
    }
}
