//! Whether a wait grew for its own sake, or because what is waited for takes longer.
//!
//! A queue grows when more calls arrive, when servers are fewer, or when each call is served for
//! longer. Only in the last case the queue is a victim. What a call holds while others wait behind
//! it is compared before and after; an engine that batches serves each call somewhat slower when
//! the batch is full, so the comparison is at the same number of calls in service, by a line
//! through the baseline's server spans.

use crate::facts::cause::Cause;
use crate::facts::ids::InstanceId;
use crate::facts::names::metrics::METRIC_WORKERS;
use crate::facts::prepared::Prepared;
use crate::facts::server_spans::{ServerSpan, within};
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::places::main_instance;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::questions::signs::samples::gauge_mean;
use crate::statistics::config::Config;
use crate::statistics::line::Line;
use crate::statistics::summary::{mean, quantile, ratio};

/// Server spans of the baseline that the line is fitted to.
const POINTS_MAX: usize = 4000;

const SERVER_SPANS_MIN: usize = 20;

/// Costs that a call may have while others wait behind it; `None` is calls of other services.
const HELD: [Option<Cause>; 10] = [
    Some(Cause::ConnectionPool),
    Some(Cause::Lock),
    Some(Cause::Compute),
    Some(Cause::Io),
    Some(Cause::Codec),
    Some(Cause::Cpu),
    Some(Cause::Memory),
    Some(Cause::KvCache),
    Some(Cause::FanIn),
    None,
];

pub(super) struct QueueOrSlow;

impl Rule for QueueOrSlow {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        let compared = &suspect.case.compared;
        let (requests, waited_for) = (suspect.requests, suspect.place.cause);
        while matches!(guess.cause, Cause::Queue | Cause::ConnectionPool) {
            let main = main_instance(compared.prepared, requests, guess.service, waited_for);
            let Some((instance, _)) = main else {
                break;
            };
            let (explained, figures) = explain_wait(compared, instance, guess.cause);
            guess.figures.extend(figures);
            match explained {
                WaitExplained::Slower(cause) => {
                    guess.cause = cause;
                    guess.counted.push(cause);
                }
                WaitExplained::Downstream => return Effect::NotToBlame,
                WaitExplained::Wait => break,
            }
        }
        Effect::GoOn
    }
}

/// Why a wait grew.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WaitExplained {
    /// The wait is the cause.
    Wait,
    /// The process itself is slower, for this cause.
    Slower(Cause),
    /// A service that the process calls is slower.
    Downstream,
}

/// The server spans of one process in one window.
struct InstanceCalls<'a> {
    server_spans: Vec<&'a ServerSpan>,
    arrivals_per_s: f64,
    utilization: Option<f64>,
    wait: Cause,
    /// Ends of service in ascending order, and starts.
    starts: Vec<u64>,
    ends: Vec<u64>,
}

impl<'a> InstanceCalls<'a> {
    fn new(prepared: &'a Prepared<'_>, instance: InstanceId, wait: Cause, window: &Window) -> Self {
        let all = within(prepared.server_spans(instance), window);
        // Where calls generate tokens, those that generated none were refused.
        let generates = all
            .iter()
            .any(|server_span| server_span.output_tokens > 0.0);
        let server_spans: Vec<&ServerSpan> = all
            .iter()
            .filter(|server_span| !generates || server_span.output_tokens > 0.0)
            .collect();
        let mut starts: Vec<u64> = server_spans
            .iter()
            .map(|server_span| server_span.served_from_ns())
            .collect();
        let mut ends: Vec<u64> = server_spans
            .iter()
            .map(|server_span| server_span.end_ns())
            .collect();
        starts.sort_unstable();
        ends.sort_unstable();
        InstanceCalls {
            server_spans,
            arrivals_per_s: all.len() as f64 / window.seconds().max(f64::MIN_POSITIVE),
            utilization: gauge_mean(prepared, instance, METRIC_WORKERS, window),
            wait,
            starts,
            ends,
        }
    }

    /// Milliseconds that a server span holds its server: for each token, where it generates them.
    fn held_ms(&self, server_span: &ServerSpan) -> f64 {
        server_span.costs.held_behind(self.wait) / f64::from(server_span.output_tokens).max(1.0)
    }

    fn mean_held_ms(&self) -> f64 {
        mean(
            self.server_spans
                .iter()
                .map(|server_span| self.held_ms(server_span)),
        )
    }

    /// Other calls in service in the middle of a server span's own service.
    fn others_in_service(&self, server_span: &ServerSpan) -> f64 {
        let middle = u64::midpoint(server_span.served_from_ns(), server_span.end_ns());
        let started = self.starts.partition_point(|&start| start <= middle);
        let ended = self.ends.partition_point(|&end| end <= middle);
        started.saturating_sub(ended + 1) as f64
    }

    fn mean_others(&self) -> f64 {
        mean(
            self.server_spans
                .iter()
                .map(|server_span| self.others_in_service(server_span)),
        )
    }

    /// Number of servers that work and utilisation imply, up to a constant factor.
    fn servers(&self) -> Option<f64> {
        let held_ms = mean(
            self.server_spans
                .iter()
                .map(|server_span| server_span.costs.held_behind(self.wait)),
        );
        let utilization = self.utilization.filter(|&share| share > 0.0)?;
        Some(self.arrivals_per_s * held_ms / utilization)
    }

    fn cost_ms(&self, cause: Option<Cause>) -> f64 {
        mean(
            self.server_spans
                .iter()
                .map(|server_span| server_span.costs.get(cause)),
        )
    }

    fn line(&self) -> Option<Line> {
        let step = self.server_spans.len().div_ceil(POINTS_MAX).max(1);
        let points: Vec<(f64, f64)> = self
            .server_spans
            .iter()
            .step_by(step)
            .map(|server_span| {
                (
                    self.others_in_service(server_span),
                    self.held_ms(server_span),
                )
            })
            .collect();
        Line::fit(&points)
    }
}

/// Explains the growth of a queue or a wait for a connection at one process, with figures.
pub(crate) fn explain_wait(
    compared: &Comparison<'_>,
    instance: InstanceId,
    wait: Cause,
) -> (WaitExplained, Vec<Figure>) {
    let Comparison {
        prepared,
        window,
        baseline,
        config,
    } = *compared;
    let now = InstanceCalls::new(prepared, instance, wait, window);
    let before = InstanceCalls::new(prepared, instance, wait, baseline);
    if now.server_spans.len() < SERVER_SPANS_MIN || before.server_spans.len() < SERVER_SPANS_MIN {
        return (WaitExplained::Wait, Vec::new());
    }
    let explained = if is_slower(&now, &before, config) {
        match most_grown(&now, &before) {
            Some(cause) => WaitExplained::Slower(cause),
            None => WaitExplained::Downstream,
        }
    } else {
        WaitExplained::Wait
    };
    (explained, figures(prepared, instance, &now, &before))
}

fn is_slower(now: &InstanceCalls<'_>, before: &InstanceCalls<'_>, config: &Config) -> bool {
    let held_ms = now.mean_held_ms();
    let expected_ms = match before.line() {
        Some(line) => line.highest_at(now.mean_others()),
        None => before.mean_held_ms(),
    };
    let (Some(raw), Some(slower)) = (
        ratio(held_ms, before.mean_held_ms()),
        ratio(held_ms, expected_ms),
    ) else {
        return false;
    };
    let more_calls = ratio(now.arrivals_per_s, before.arrivals_per_s).unwrap_or(1.0);
    let fewer_servers = match (now.servers(), before.servers()) {
        (Some(servers), Some(servers_before)) => ratio(servers_before, servers).unwrap_or(1.0),
        _ => 1.0,
    };
    let grown = 1.0 + config.service_time_growth_min;
    raw >= grown && slower >= grown && slower >= more_calls && slower >= fewer_servers
}

/// The cost that grew most while others waited; `None` is calls of other services.
fn most_grown(now: &InstanceCalls<'_>, before: &InstanceCalls<'_>) -> Option<Cause> {
    let growth = |cause: &Option<Cause>| now.cost_ms(*cause) - before.cost_ms(*cause);
    HELD.into_iter()
        .filter(|cause| now.wait == Cause::Queue || *cause != Some(Cause::ConnectionPool))
        .max_by(|a, b| growth(a).total_cmp(&growth(b)))
        .flatten()
}

fn figures(
    prepared: &Prepared<'_>,
    instance: InstanceId,
    now: &InstanceCalls<'_>,
    before: &InstanceCalls<'_>,
) -> Vec<Figure> {
    let service = prepared.instances.service_name_of(instance);
    let p95 = |calls: &InstanceCalls<'_>| {
        let waits = calls
            .server_spans
            .iter()
            .map(|server_span| server_span.costs.get(Some(calls.wait)));
        quantile(waits.collect(), 0.95)
    };
    let generates = now
        .server_spans
        .iter()
        .any(|server_span| server_span.output_tokens > 0.0);
    let unit_of_work = if generates {
        "an output token"
    } else {
        "a call"
    };
    let mut figures = vec![
        figure(
            format!("{} of {service}, p95", now.wait.words()),
            p95(now),
            p95(before),
            "ms",
        ),
        figure(
            format!("service time of {service}, mean {unit_of_work}"),
            now.mean_held_ms(),
            before.mean_held_ms(),
            "ms",
        ),
        figure(
            format!("arrival rate of {service}"),
            now.arrivals_per_s,
            before.arrivals_per_s,
            "1/s",
        ),
    ];
    if let Some(utilization) = now.utilization {
        figures.push(figure(
            format!("utilisation of {service}"),
            100.0 * utilization,
            before.utilization.map(|share| 100.0 * share),
            "%",
        ));
    }
    figures
}
