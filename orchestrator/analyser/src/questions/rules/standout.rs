//! One instance among several whose time grew far more than its siblings'.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::server_spans::{Costs, within};
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::places::main_instance;
use crate::questions::rules::rule::{Effect, Guess, Rule, Suspect};
use crate::statistics::summary::{mean, quantile};

/// Server spans in each window below which the mean of an instance says nothing.
const SERVER_SPANS_MIN: usize = 10;

/// Share of the place's time in the slow tail that an instance owns, where server spans do not tell.
const MAIN_SHARE: f64 = 0.8;

pub(super) struct StandoutInstance;

impl Rule for StandoutInstance {
    fn examine(&self, suspect: &Suspect<'_, '_>, guess: &mut Guess) -> Effect {
        if let Some((instance, figure)) = standout(suspect.case, guess.service, guess.cause) {
            guess.instance = Some(instance);
            guess.figures.insert(0, figure);
        }
        Effect::GoOn
    }
}

/// The instance that stands out, with the figure that shows it.
fn standout(case: &Case<'_, '_>, service: ServiceId, cause: Cause) -> Option<(InstanceId, Figure)> {
    let Case {
        compared: Comparison {
            prepared, config, ..
        },
        now,
        before,
        ..
    } = *case;
    if prepared.instances.of_service(service).count() < 2 {
        return None;
    }
    if matches!(cause, Cause::Retries | Cause::Errors) {
        let (instance, share) = main_instance(prepared, &now.tail, service, cause)?;
        let name = prepared.instances.instance_name(instance);
        if name.is_empty() || share < MAIN_SHARE {
            return None;
        }
        // What an instance does not answer leaves no server span there whose time could be compared.
        let of = prepared.instances.service_name(service);
        let what = format!("{} of {of} that are {name}'s", cause.words());
        return Some((instance, figure(what, 100.0 * share, None, "%")));
    }
    let mut changes: Vec<(InstanceId, f64, f64)> = Vec::new();
    for instance in prepared.instances.of_service(service) {
        let server_spans = within(prepared.server_spans(instance), &now.window);
        let server_spans_before = within(prepared.server_spans(instance), &before.window);
        if server_spans.len() >= SERVER_SPANS_MIN && server_spans_before.len() >= SERVER_SPANS_MIN {
            let cost = |costs: &Costs| costs.get(Some(cause));
            changes.push((
                instance,
                mean(
                    server_spans
                        .iter()
                        .map(|server_span| cost(&server_span.costs)),
                ),
                mean(
                    server_spans_before
                        .iter()
                        .map(|server_span| cost(&server_span.costs)),
                ),
            ));
        }
    }
    let growth = |&(_, now, before): &(InstanceId, f64, f64)| now - before;
    let most = *changes
        .iter()
        .max_by(|a, b| growth(a).total_cmp(&growth(b)))?;
    let others: Vec<f64> = changes
        .iter()
        .filter(|change| change.0 != most.0)
        .map(growth)
        .collect();
    if others.is_empty() {
        return None;
    }
    let typical = quantile(others, 0.5).max(0.0);
    let grew = growth(&most);
    let stands_out = grew >= config.growth_floor_ms
        && grew >= config.standout_ratio * typical
        && grew >= 0.5 * most.2;
    let (instance, now_ms, before_ms) = most;
    stands_out.then(|| {
        let name = prepared.instances.instance_name(instance);
        let what = format!("{} of {name}, mean a call", cause.words());
        (instance, figure(what, now_ms, before_ms, "ms"))
    })
}
