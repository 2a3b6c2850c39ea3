//! Waits that nobody recorded. Many systems have no span for the time that a call waits before it is
//! served: it looks like work of the callee. Where more calls arrive, and what each of them takes is what
//! calls took before with as many beside them, or the quickest take no longer than ever, or those that find
//! few others take no longer than those that found as few, the work is the same and the rest is a queue.

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::server_spans::{ServerSpan, within};
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::load::LoadChange;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::questions::saturation::load_change;
use crate::statistics::line::Line;
use crate::statistics::summary::{mean, quantile, ratio};

/// Server spans in each window below which they say nothing.
const SERVER_SPANS_MIN: usize = 20;

/// How many times as many calls arrive, from which load may be the reason.
const ARRIVALS_MIN: f64 = 1.2;

/// Share of the present time of a call that the load must explain.
const EXPLAINED_MIN: f64 = 0.6;

/// The quickest calls, of which none waits unless all do.
const QUICKEST: f64 = 0.1;

/// Server spans that the line is fitted to.
const POINTS_MAX: usize = 4000;

/// The server spans of a service in one window.
struct ServiceCalls {
    work_ms: Vec<f64>,
    /// Other server spans that were open when each began.
    others: Vec<f64>,
    arrivals_per_s: f64,
    waits_are_recorded: bool,
}

impl ServiceCalls {
    fn new(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> Self {
        let instances = prepared.instances.of_service(service);
        let of_instances: Vec<&[ServerSpan]> = instances
            .map(|instance| within(prepared.server_spans(instance), window))
            .collect();
        let mut load = ServiceCalls {
            work_ms: Vec::new(),
            others: Vec::new(),
            arrivals_per_s: 0.0,
            waits_are_recorded: false,
        };
        for server_spans in of_instances {
            let mut ends: Vec<u64> = server_spans.iter().map(ServerSpan::end_ns).collect();
            ends.sort_unstable();
            for (started, server_span) in server_spans.iter().enumerate() {
                let ended = ends.partition_point(|&end| end <= server_span.start_ns);
                load.others.push(started.saturating_sub(ended) as f64);
                load.work_ms
                    .push(server_span.costs.get(Some(Cause::Compute)));
                let costs = &server_span.costs;
                load.waits_are_recorded |= costs.queue + costs.lock + costs.pool > 0.0;
            }
        }
        let seconds = window.seconds().max(f64::MIN_POSITIVE);
        load.arrivals_per_s = load.work_ms.len() as f64 / seconds;
        load
    }

    fn mean_ms(&self) -> f64 {
        mean(self.work_ms.iter().copied())
    }

    fn quickest_ms(&self) -> f64 {
        quantile(self.work_ms.clone(), QUICKEST)
    }

    fn line(&self) -> Option<Line> {
        let step = self.work_ms.len().div_ceil(POINTS_MAX).max(1);
        let points = self.others.iter().zip(&self.work_ms).step_by(step);
        let points: Vec<(f64, f64)> = points.map(|(&others, &ms)| (others, ms)).collect();
        Line::fit(&points)
    }
}

pub(super) struct InferredQueue;

impl Rule for InferredQueue {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        if guess.cause == Cause::Compute
            && let Some(figures) = more_calls_wait(&suspect.case.compared, guess.service)
        {
            guess.cause = Cause::Queue;
            guess.figures.extend(figures);
        }
        Effect::GoOn
    }
}

/// Whether the work of a service's calls seems to have grown only because more of them arrive, where its
/// waits are not recorded: the figures that say so.
fn more_calls_wait(compared: &Comparison<'_>, service: ServiceId) -> Option<Vec<Figure>> {
    let Comparison {
        prepared,
        window,
        baseline,
        config,
    } = *compared;
    let (now, before) = (
        ServiceCalls::new(prepared, service, window),
        ServiceCalls::new(prepared, service, baseline),
    );
    let too_few = now.work_ms.len().min(before.work_ms.len()) < SERVER_SPANS_MIN;
    if too_few || now.waits_are_recorded || before.waits_are_recorded {
        return None;
    }
    let more = ratio(now.arrivals_per_s, before.arrivals_per_s)?;
    if more < ARRIVALS_MIN {
        return None;
    }
    let others = mean(now.others.iter().copied());
    let expected_ms = before.line().map_or(0.0, |line| line.highest_at(others));
    let quickest = ratio(now.quickest_ms(), before.quickest_ms()).unwrap_or(f64::INFINITY);
    let is_load = expected_ms >= EXPLAINED_MIN * now.mean_ms()
        || quickest < 1.0 + config.service_time_growth_min
        || load_change(compared, service) == LoadChange::MoreLoad;
    let name = prepared.instances.service_name(service);
    is_load.then(|| {
        vec![
            figure(
                format!("arrival rate of {name}"),
                now.arrivals_per_s,
                before.arrivals_per_s,
                "1/s",
            ),
            figure(
                format!("own time of the quickest tenth of calls of {name}"),
                now.quickest_ms(),
                before.quickest_ms(),
                "ms",
            ),
            figure(
                format!("other calls open at {name} when one begins, mean"),
                others,
                mean(before.others.iter().copied()),
                "",
            ),
        ]
    })
}
