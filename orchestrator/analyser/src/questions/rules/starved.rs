//! A process that gets too little of its processors is slow in all that it does: its own work takes
//! longer, and so does taking what arrives and sending what it answers, which looks like the network.
//! A slow network leaves the work alone.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::server_spans::within;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::rules::rule::{Disguise, Shown};
use crate::questions::signs::alone::only_one;
use crate::statistics::summary::{mean, quantile};

/// Server spans in each window below which their mean says nothing.
const SERVER_SPANS_MIN: usize = 5;

/// How many times its baseline the work of a call is where the process is starved.
const TIMES_MIN: f64 = 2.0;

/// Share of the calls whose work takes longer than that of nearly all in the baseline, from which it is
/// the process that is slow and not one pause that a few calls met.
const SLOW_SHARE_MIN: f64 = 0.15;

/// The share of the baseline's calls that are "nearly all".
const NEARLY_ALL: f64 = 0.95;

pub(super) const STARVED_PROCESS: Disguise = Disguise {
    seems: Cause::Network,
    is: Cause::Cpu,
    shown: process_is_starved,
};

/// Whether a call's work takes so much longer at `service`, or at its `instance`, that the network
/// alone cannot be to blame: the figure that says so, and the instance where it is only one of several.
fn process_is_starved(
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
    only_one(prepared, service, instance, |instance| {
        let work_ms = |window: &Window| -> Vec<f64> {
            let server_spans = within(prepared.server_spans(instance), window).iter();
            server_spans
                .map(|server_span| server_span.costs.get(Some(Cause::Compute)))
                .collect()
        };
        let (work, work_before) = (work_ms(now), work_ms(before));
        if work.len().min(work_before.len()) < SERVER_SPANS_MIN {
            return None;
        }
        let (now_ms, before_ms) = (
            mean(work.iter().copied()),
            mean(work_before.iter().copied()),
        );
        let usual_ms = quantile(work_before, NEARLY_ALL);
        let slow = work.iter().filter(|&&ms| ms > usual_ms).count();
        let growth_ms = now_ms - before_ms;
        let starved = growth_ms >= config.growth_floor_ms
            && now_ms >= TIMES_MIN * before_ms
            && slow as f64 >= SLOW_SHARE_MIN * work.len() as f64;
        let name = prepared.instances.instance_name(instance);
        let what = format!("own work of {name}, mean a call");
        starved.then(|| (growth_ms, vec![figure(what, now_ms, before_ms, "ms")]))
    })
}
