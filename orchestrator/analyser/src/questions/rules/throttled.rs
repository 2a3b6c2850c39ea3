//! Work that takes longer in a container whose processor quota runs out more often, though it takes no more
//! processor time than before, is not the work's doing: the quota is smaller, or shared with others.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::questions::comparison::Comparison;
use crate::questions::rules::rule::{Disguise, Shown};
use crate::questions::signs::alone::only_one_holder;
use crate::questions::signs::figures::throttled_figure;
use crate::questions::signs::withheld::{processors_used, throttled_share};

/// Share of the quota's periods in which the container had to stop, from which its calls felt it; and how
/// many times the baseline's it is at least.
const SHARE_MIN: f64 = 0.25;
const TIMES_MIN: f64 = 2.0;

pub(super) const THROTTLED_PROCESSORS: Disguise = Disguise {
    seems: Cause::Compute,
    is: Cause::Cpu,
    shown: processors_were_withheld,
};

/// Whether the processor quota of `service`, or of its `instance`, runs out more often than in the
/// baseline: the figure that says so, and the instance where it is only one of several.
fn processors_were_withheld(
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
    only_one_holder(prepared, service, instance, |holder| {
        let share = throttled_share(prepared, holder, now)?;
        let share_before = throttled_share(prepared, holder, before)?;
        let (used, used_before) = (
            processors_used(prepared, holder, now)?,
            processors_used(prepared, holder, before)?,
        );
        let takes_more = used > (1.0 + config.service_time_growth_min) * used_before;
        let ran_out = share >= SHARE_MIN && share >= TIMES_MIN * share_before && !takes_more;
        let figure = || throttled_figure(prepared, (holder, share, share_before));
        ran_out.then(|| (share, vec![figure()]))
    })
}
