//! Work that takes longer on processors whose time others take is not the work's doing: the host says
//! how much of it went elsewhere.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::names::metrics::METRIC_CPU_STEAL;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::rules::rule::{Disguise, Shown};
use crate::questions::signs::alone::only_one;
use crate::questions::signs::samples::gauge_mean;

/// Growth of the share that others take from which it explains slower work.
const GROWTH_MIN: f64 = 0.02;

pub(super) const STOLEN_PROCESSORS: Disguise = Disguise {
    seems: Cause::Compute,
    is: Cause::Cpu,
    shown: processors_were_stolen,
};

/// Whether others took more of the processors' time of `service`, or of its `instance`, than in the
/// baseline: the figure that says so, and the instance where it is only one of several.
fn processors_were_stolen(
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
    let stolen = |instance, window| gauge_mean(prepared, instance, METRIC_CPU_STEAL, window);
    only_one(prepared, service, instance, |instance| {
        let (share, share_before) = (
            stolen(instance, now)?,
            stolen(instance, before).unwrap_or(0.0),
        );
        let grew = share - share_before >= GROWTH_MIN;
        let name = prepared.instances.instance_name(instance);
        let what = format!("processor time that others took from {name}");
        grew.then(|| {
            (
                share,
                vec![figure(what, 100.0 * share, 100.0 * share_before, "%")],
            )
        })
    })
}
