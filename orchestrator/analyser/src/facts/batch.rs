//! What is worked out of a batch of traces. The batches of several threads are put together in the
//! order of the traces.

use std::collections::BTreeMap;
use std::ops::Range;

use ragdoll_trace::{TraceIndex, TraceSet};

use crate::facts::cause::Cause;
use crate::facts::critical_path::Walk;
use crate::facts::error_origin::{Origin, origin};
use crate::facts::fan_outs::{FanOut, fan_outs};
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::instances::Instances;
use crate::facts::names::spans::{Names, is_failed};
use crate::facts::repairs::Repairs;
use crate::facts::request::{Part, Request};
use crate::facts::server_spans::{Costs, ServerSpan};
use crate::facts::steps::Steps;
use crate::facts::time::ms;
use crate::facts::tree::Tree;

/// Requests, critical paths, error origins and server spans of some traces.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) requests: Vec<Request>,
    pub(crate) parts: Vec<Part>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) server_spans: Vec<Vec<ServerSpan>>,
    pub(crate) parallel: Vec<bool>,
    pub(crate) fan_outs: BTreeMap<(ServiceId, Option<ServiceId>), Vec<FanOut>>,
    pub(crate) steps: Steps,
    pub(crate) repairs: Repairs,
}

/// What the work on every trace needs.
struct Around<'a> {
    set: &'a TraceSet,
    names: &'a Names,
    instances: &'a Instances<'a>,
}

impl Batch {
    /// Works through the traces at these positions of the index.
    pub(crate) fn of(
        set: &TraceSet,
        names: &Names,
        instances: &Instances<'_>,
        index: &TraceIndex,
        positions: Range<usize>,
    ) -> Batch {
        let around = Around {
            set,
            names,
            instances,
        };
        let mut batch = Batch {
            server_spans: vec![Vec::new(); instances.len()],
            parallel: vec![false; instances.service_count()],
            ..Batch::default()
        };
        let (mut tree, mut walk) = (Tree::default(), Walk::default());
        batch.requests.reserve(positions.len());
        for position in positions {
            let trace = index.trace(position);
            tree.build(set, names, instances, trace);
            batch.add_request(&around, &tree, &mut walk, trace.trace_id);
            batch.add_server_spans(&around, &tree, &mut walk);
            batch.mark_parallel(instances, &tree);
            batch.add_fan_outs(instances, &tree);
            batch.steps.add(&tree, set, names, instances);
        }
        batch
    }

    /// Adds what was worked out of the traces that follow.
    pub(crate) fn append(&mut self, other: Batch) {
        let (parts, origins) = (self.parts.len() as u32, self.origins.len() as u32);
        self.requests
            .extend(other.requests.into_iter().map(|mut request| {
                request.parts.0 += parts;
                request.parts.1 += parts;
                if request.failed {
                    request.origin += origins;
                }
                request
            }));
        self.parts.extend(other.parts);
        self.origins.extend(other.origins);
        for (own, others) in self.server_spans.iter_mut().zip(other.server_spans) {
            own.extend(others);
        }
        for (own, other) in self.parallel.iter_mut().zip(other.parallel) {
            *own |= other;
        }
        for (edge, others) in other.fan_outs {
            self.fan_outs.entry(edge).or_default().extend(others);
        }
        self.steps.append(other.steps);
        self.repairs.add(&other.repairs);
    }

    /// The same in the order of time.
    pub(crate) fn sorted(mut self) -> Batch {
        self.requests.sort_by_key(|request| request.start_ns);
        for server_spans in &mut self.server_spans {
            server_spans.sort_by_key(|server_span| server_span.start_ns);
        }
        for fan_outs in self.fan_outs.values_mut() {
            fan_outs.sort_by_key(|fan_out| fan_out.start_ns);
        }
        self.steps.sort();
        self
    }

    fn add_request(&mut self, around: &Around<'_>, tree: &Tree, walk: &mut Walk, trace_id: u128) {
        let set = around.set;
        let first = self.parts.len();
        let parts = &mut self.parts;
        walk.whole_trace(tree, set, around.names, |interval| {
            let recorder = around.instances.service(tree.node(interval.node).instance);
            let same = parts[first..].iter_mut().find(|part| {
                part.instance == interval.instance
                    && part.cause == interval.cause
                    && part.recorder == recorder
            });
            match same {
                Some(part) => part.ns += interval.ns,
                None => parts.push(Part {
                    instance: interval.instance,
                    cause: interval.cause,
                    recorder,
                    ns: interval.ns,
                }),
            }
        });
        let root = tree.node(tree.root);
        let root_span = tree.span(set, tree.root);
        let failed = is_failed(root_span);
        let mut origin_at = u32::MAX;
        if failed {
            origin_at = self.origins.len() as u32;
            self.origins
                .push(origin(tree, set, around.names, around.instances));
        }
        self.repairs.add(&tree.repairs);
        self.requests.push(Request {
            trace_id,
            start_ns: root.start_ns,
            duration_ns: root.end_ns - root.start_ns,
            service: around.instances.service(root.instance),
            operation: root_span.name,
            failed,
            parts: (first as u32, self.parts.len() as u32),
            origin: origin_at,
        });
    }

    fn add_server_spans(&mut self, around: &Around<'_>, tree: &Tree, walk: &mut Walk) {
        let set = around.set;
        for at in 0..tree.len() {
            let span = tree.span(set, at);
            if !tree.is_served(at) {
                continue;
            }
            let node = tree.node(at);
            let mut costs = Costs::default();
            walk.one_process(tree, set, around.names, at, |cause, ns| {
                costs.add(cause, ms(ns) as f32);
            });
            let call = tree
                .parent(at)
                .filter(|&parent| tree.is_call(parent))
                .map(|parent| tree.node(parent));
            let duration_ns = node.end_ns - node.start_ns;
            if let Some(call) = call {
                let gap_ns = (call.end_ns - call.start_ns).saturating_sub(duration_ns);
                costs.add(Some(Cause::Network), ms(gap_ns) as f32);
            }
            self.server_spans[node.instance.0 as usize].push(ServerSpan {
                start_ns: node.start_ns,
                duration_ms: ms(duration_ns) as f32,
                costs,
                caller: call.map(|call| around.instances.service(call.instance)),
                output_tokens: around.names.output_tokens(span) as f32,
                failed: is_failed(span),
                superseded: call.is_some_and(|call| call.retried || call.outrun),
            });
        }
    }

    fn add_fan_outs(&mut self, instances: &Instances<'_>, tree: &Tree) {
        let all = &mut self.fan_outs;
        fan_outs(tree, instances, |caller, callee, one| {
            all.entry((caller, callee)).or_default().push(one);
        });
    }

    /// A service is called in parallel where two calls of it by the same parent, to different
    /// instances, are open at once.
    fn mark_parallel(&mut self, instances: &Instances<'_>, tree: &Tree) {
        for at in 0..tree.len() {
            let mut earlier: Option<(InstanceId, u64)> = None;
            for child in tree.children(at) {
                let node = tree.node(child);
                let Some(callee) = node.callee else { continue };
                let service = instances.service(callee);
                if let Some((other, other_start_ns)) = earlier
                    && other != callee
                    && instances.service(other) == service
                    && node.end_ns > other_start_ns
                {
                    self.parallel[service.0 as usize] = true;
                }
                earlier = Some((callee, node.start_ns));
            }
        }
    }
}
