//! Time that passes while a process stands still looks like work of its own, like the network, or like a
//! queue, as the moment has it. Its log, or the counters of its collector, say what it stood still for.

use ragdoll_trace::LogEvent;

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::metric_index::Holder;
use crate::facts::names::metrics::{LOG_PAUSE, LOG_PAUSE_MS};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::rules::rule::{Effect, Guess, Rule, Shown, Suspect};
use crate::questions::signs::alone::only_one_holder;
use crate::questions::signs::figures::pauses_figure;
use crate::questions::signs::withheld;

/// Growth of the share of time in pauses from which they count.
const GROWTH_MIN: f64 = 0.01;

/// How long the longest pause is at least, as a share of the time that is to be explained.
const LENGTH_MIN: f64 = 0.5;

pub(super) struct ProcessPauses;

impl Rule for ProcessPauses {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        let is_time_of_a_process = matches!(
            guess.cause,
            Cause::Compute | Cause::Network | Cause::Queue | Cause::Lock
        );
        if !is_time_of_a_process {
            return Effect::GoOn;
        }
        let growth_ms = suspect.place.mean_growth_ms();
        let compared = &suspect.case.compared;
        let shown = process_paused(compared, guess.service, guess.instance, growth_ms);
        guess.become_where_shown(Cause::Memory, shown)
    }
}

/// Whether processes of `service`, or its `instance`, stopped to collect garbage for more of the
/// time than in the baseline, and for long enough that `growth_ms` of the slow requests may come of it: the
/// figure that says so, and the instance where it is only one of several.
fn process_paused(
    compared: &Comparison<'_>,
    service: ServiceId,
    instance: Option<InstanceId>,
    growth_ms: f64,
) -> Option<Shown> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        ..
    } = *compared;
    only_one_holder(prepared, service, instance, |holder| {
        let (taken, taken_before) = (
            pauses(prepared, holder, now),
            pauses(prepared, holder, before),
        );
        let explains = taken.share - taken_before.share >= GROWTH_MIN
            && taken.longest_ms >= LENGTH_MIN * growth_ms;
        let shares = (holder, taken.share, taken_before.share);
        explains.then(|| (taken.share, vec![pauses_figure(prepared, shares)]))
    })
}

/// What pauses took of a window.
struct Pauses {
    /// Share of the time, 0 to 1.
    share: f64,
    /// The longest that is known of: of counters, which know none, the mean.
    longest_ms: f64,
}

/// The pauses that a process noted, or else counted.
fn pauses(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> Pauses {
    let noted_ms: Vec<f64> = match holder {
        Holder::Instance(instance) => {
            let lines = prepared
                .log_index
                .within(prepared.observations, instance, window);
            lines.filter_map(|log| pause_ms(prepared, log)).collect()
        }
        Holder::Pod(..) => Vec::new(),
    };
    let counted = withheld::pauses(prepared, holder, window);
    match counted {
        Some(counted) if noted_ms.is_empty() => Pauses {
            share: counted.share,
            longest_ms: counted.mean_ms.unwrap_or(0.0),
        },
        _ => Pauses {
            share: noted_ms.iter().fold(0.0, |sum, ms| sum + ms)
                / 1e3
                / window.seconds().max(f64::MIN_POSITIVE),
            longest_ms: noted_ms.into_iter().fold(0.0, f64::max),
        },
    }
}

fn pause_ms(prepared: &Prepared<'_>, log: &LogEvent) -> Option<f64> {
    if !LOG_PAUSE.iter().any(|words| log.message.contains(words)) {
        return None;
    }
    let set = &prepared.observations.traces;
    let mut fields = log.fields.iter();
    let length = fields.find(|field| set.text(field.key) == LOG_PAUSE_MS)?;
    length.value.as_f64()
}
