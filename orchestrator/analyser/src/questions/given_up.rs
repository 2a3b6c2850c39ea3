//! Calls that their caller gave up while the callee went on: work for nobody, which takes the
//! callee's capacity from calls that somebody still waits for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::ids::ServiceId;
use crate::facts::names::spans::is_failed;
use crate::facts::prepared::Prepared;
use crate::facts::time::{Window, ms};
use crate::facts::trace_details::{Trace, look};

/// Requests that are looked at; of more, evenly spread ones.
const REQUESTS_MAX: usize = 5000;

/// Time for which a callee may go on and still have been told in time.
const NOTICE_NS: u64 = 1_000_000;

/// Share of the calls that succeeded from which it is the callee's way to go on after its answer:
/// such calls are one-way, and nobody gave them up.
const ONE_WAY_MIN: f64 = 0.5;

/// Calls of one service by another that were given up while the callee went on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GivenUp {
    /// `service.name` of the caller.
    pub caller: String,
    /// `service.name` of the callee.
    pub callee: String,
    /// Calls that were given up, among the requests that were looked at: all of a window, or 5,000
    /// evenly spread.
    pub calls: u64,
    /// Work of the callee after its caller had gone, in milliseconds a request, 0 or more.
    pub wasted_ms: f64,
    /// That work as a share of all work of the callee, 0 to 1.
    pub share: f64,
}

/// The calls of one service by another.
#[derive(Default)]
struct Edge {
    answered: u64,
    /// Calls that succeeded, and of which the callee went on.
    answered_early: Abandoned,
    /// Calls that failed, and of which the callee went on.
    failed: Abandoned,
}

#[derive(Clone, Copy, Default)]
struct Abandoned {
    calls: u64,
    ns: u64,
}

impl Abandoned {
    fn add(&mut self, ns: u64) {
        self.calls += 1;
        self.ns = self.ns.saturating_add(ns);
    }
}

/// Who gave up calls in a window while the callee went on, most wasted time first: the call was
/// cancelled, its deadline passed, its connection broke, or its span just ended first.
pub fn given_up(prepared: &Prepared<'_>, window: &Window) -> Vec<GivenUp> {
    let mut edges: BTreeMap<(ServiceId, ServiceId), Edge> = BTreeMap::new();
    let mut work_ns = vec![0_u64; prepared.instances.service_count()];
    let requests = look(prepared, window, REQUESTS_MAX, |trace| {
        add(prepared, &trace, &mut edges, &mut work_ns);
    });
    let mut all: Vec<GivenUp> = edges
        .into_iter()
        .filter_map(|((caller, callee), edge)| {
            let abandoned = edge.abandoned();
            let service = |id| prepared.instances.service_name(id).to_owned();
            (abandoned.calls > 0).then(|| GivenUp {
                caller: service(caller),
                callee: service(callee),
                calls: abandoned.calls,
                wasted_ms: ms(abandoned.ns) / requests.max(1) as f64,
                share: abandoned.ns as f64 / work_ns[callee.0 as usize].max(1) as f64,
            })
        })
        .collect();
    all.sort_by(|a, b| {
        let names = |one: &GivenUp| (one.caller.clone(), one.callee.clone());
        b.wasted_ms
            .total_cmp(&a.wasted_ms)
            .then_with(|| names(a).cmp(&names(b)))
    });
    all
}

impl Edge {
    fn abandoned(&self) -> Abandoned {
        let early = self.answered_early;
        let is_one_way = early.calls as f64 >= ONE_WAY_MIN * self.answered as f64;
        if is_one_way {
            return self.failed;
        }
        Abandoned {
            calls: self.failed.calls + early.calls,
            ns: self.failed.ns.saturating_add(early.ns),
        }
    }
}

fn add(
    prepared: &Prepared<'_>,
    trace: &Trace<'_>,
    edges: &mut BTreeMap<(ServiceId, ServiceId), Edge>,
    work_ns: &mut [u64],
) {
    let (tree, instances) = (trace.tree, &prepared.instances);
    let set = &prepared.observations.traces;
    for at in (0..tree.len()).filter(|&at| tree.is_served(at)) {
        let served = tree.node(at);
        let callee = instances.service(served.instance);
        let duration_ns = served.end_ns - served.start_ns;
        work_ns[callee.0 as usize] = work_ns[callee.0 as usize].saturating_add(duration_ns);
        let Some(call_at) = tree.parent(at).filter(|&parent| tree.is_call(parent)) else {
            continue;
        };
        let is_message = |kind| {
            use ragdoll_trace::SpanKind::{Consumer, Producer};
            matches!(kind, Producer | Consumer)
        };
        if is_message(tree.span(set, call_at).kind) || is_message(tree.span(set, at).kind) {
            continue;
        }
        let call = tree.node(call_at);
        let edge = edges
            .entry((instances.service(call.instance), callee))
            .or_default();
        let failed = is_failed(tree.span(set, call_at));
        edge.answered += u64::from(!failed);
        if served.end_ns <= call.end_ns.saturating_add(NOTICE_NS) {
            continue;
        }
        let gone_on_ns = served.end_ns - served.start_ns.max(call.end_ns);
        if failed {
            edge.failed.add(gone_on_ns);
        } else {
            edge.answered_early.add(gone_on_ns);
        }
    }
}
