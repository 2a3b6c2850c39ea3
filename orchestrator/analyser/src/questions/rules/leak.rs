//! Work that takes longer in a process whose memory only grows, while its collector takes more and more of
//! the time or it is killed for it, is not the work's doing.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::metric_index::Holder;
use crate::questions::comparison::Comparison;
use crate::questions::rules::rule::{Disguise, Shown};
use crate::questions::signs::Signs;
use crate::questions::signs::alone::only_one_holder;
use crate::questions::signs::figures::growth_figures;
use crate::questions::signs::memory::growth;
use crate::questions::signs::withheld::pauses;

/// Growth of the share of time in pauses from which the collector works in vain.
const PAUSES_GROWTH_MIN: f64 = 0.02;

pub(super) const MEMORY_LEAK: Disguise = Disguise {
    seems: Cause::Compute,
    is: Cause::Memory,
    shown: memory_leaks,
};

/// Whether memory of `service`, or of its `instance`, grows as it did not in the baseline, and what
/// comes of full memory does too: the figures that say so, and the instance where it is only one of several.
fn memory_leaks(
    compared: &Comparison<'_>,
    service: ServiceId,
    instance: Option<InstanceId>,
) -> Option<Shown> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        ..
    } = *compared;
    let signs = |window| Signs::of(prepared, service, window);
    let is_killed = || signs(now).ran_out_of_memory(&signs(before));
    let collects_more = |holder: Holder| {
        let share = |window| pauses(prepared, holder, window).map(|pauses| pauses.share);
        let grew = share(now)
            .zip(share(before))
            .map(|(now, before)| now - before);
        grew.is_some_and(|grew| grew >= PAUSES_GROWTH_MIN)
    };
    only_one_holder(prepared, service, instance, |holder| {
        let growth = growth(compared, holder)?;
        let suffers = collects_more(holder) || is_killed();
        suffers.then(|| (growth.bytes_per_s, growth_figures(&growth)))
    })
}
