//! Time that passes while a process stands still looks like work of its own, like the network, or like a
//! queue, as the moment has it. Its log says what it stood still for.

use ragdoll_trace::LogEvent;

use crate::config::Window;
use crate::evidence::figure;
use crate::names::{LOG_PAUSE, LOG_PAUSE_MS};
use crate::parties::{Party, ServiceId};
use crate::prepared::Prepared;
use crate::signs::only_one;
use crate::verdict::Figure;

/// Growth of the share of time in pauses from which they count.
const GROWTH_MIN: f64 = 0.01;

/// How long the longest pause is at least, as a share of the time that is to be explained.
const LENGTH_MIN: f64 = 0.5;

/// Whether processes of `service`, or its instance `party`, stopped to collect garbage for more of the
/// time than in the baseline, and for long enough that `growth_ms` of the slow requests may come of it: the
/// figure that says so, and the instance where it is only one of several.
pub(crate) fn process_paused(
    prepared: &Prepared<'_>,
    service: ServiceId,
    party: Option<Party>,
    growth_ms: f64,
    now: &Window,
    before: &Window,
) -> Option<(Option<Party>, Figure)> {
    only_one(prepared, service, party, |party| {
        let (pauses, pauses_before) = (
            pauses(prepared, party, now),
            pauses(prepared, party, before),
        );
        let share = |pauses: &[f64], window: &Window| {
            pauses.iter().sum::<f64>() / 1e3 / window.seconds().max(f64::MIN_POSITIVE)
        };
        let (share, share_before) = (share(&pauses, now), share(&pauses_before, before));
        let longest_ms = pauses.iter().copied().fold(0.0, f64::max);
        let explains = share - share_before >= GROWTH_MIN && longest_ms >= LENGTH_MIN * growth_ms;
        let name = prepared.parties.instance_name(party);
        let what = format!("time that {name} stood still to collect garbage");
        explains.then(|| {
            (
                share,
                figure(what, 100.0 * share, 100.0 * share_before, "%"),
            )
        })
    })
}

/// Milliseconds of every pause that a process noted.
fn pauses(prepared: &Prepared<'_>, party: Party, window: &Window) -> Vec<f64> {
    let logs = prepared.observations.logs.iter();
    let own = logs
        .filter(|log| prepared.parties.of(log.resource) == party && window.contains(log.time_ns));
    own.filter_map(|log| pause_ms(prepared, log)).collect()
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
