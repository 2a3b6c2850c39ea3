//! What is worked out of a share of the traces. The shares of several threads are put together in the
//! order of the traces.

use std::collections::BTreeMap;
use std::ops::Range;

use ragdoll_trace::{TraceIndex, TraceSet};

use crate::facts::cause::Cause;
use crate::facts::critical_path::Walk;
use crate::facts::error_origin::{Origin, origin};
use crate::facts::fan_outs::{Gathering, gatherings};
use crate::facts::ids::{Party, ServiceId};
use crate::facts::instances::Parties;
use crate::facts::names::spans::{Names, is_failed};
use crate::facts::repairs::Repairs;
use crate::facts::request::{Part, Request};
use crate::facts::server_spans::{Costs, Visit};
use crate::facts::steps::Steps;
use crate::facts::time::ms;
use crate::facts::tree::Tree;

/// Requests, critical paths, error origins and visits of some traces.
#[derive(Debug, Default)]
pub(crate) struct Share {
    pub(crate) requests: Vec<Request>,
    pub(crate) parts: Vec<Part>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) visits: Vec<Vec<Visit>>,
    pub(crate) parallel: Vec<bool>,
    pub(crate) gatherings: BTreeMap<(ServiceId, Option<ServiceId>), Vec<Gathering>>,
    pub(crate) steps: Steps,
    pub(crate) repairs: Repairs,
}

/// What the work on every trace needs.
struct Around<'a> {
    set: &'a TraceSet,
    names: &'a Names,
    parties: &'a Parties<'a>,
}

impl Share {
    /// Works through the traces at these positions of the index.
    pub(crate) fn of(
        set: &TraceSet,
        names: &Names,
        parties: &Parties<'_>,
        index: &TraceIndex,
        positions: Range<usize>,
    ) -> Share {
        let around = Around {
            set,
            names,
            parties,
        };
        let mut share = Share {
            visits: vec![Vec::new(); parties.len()],
            parallel: vec![false; parties.service_count()],
            ..Share::default()
        };
        let (mut tree, mut walk) = (Tree::default(), Walk::default());
        share.requests.reserve(positions.len());
        for position in positions {
            let trace = index.trace(position);
            tree.build(set, names, parties, trace);
            share.add_request(&around, &tree, &mut walk, trace.trace_id);
            share.add_visits(&around, &tree, &mut walk);
            share.mark_parallel(parties, &tree);
            share.add_gatherings(parties, &tree);
            share.steps.add(&tree, set, names, parties);
        }
        share
    }

    /// Adds what was worked out of the traces that follow.
    pub(crate) fn append(&mut self, other: Share) {
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
        for (own, others) in self.visits.iter_mut().zip(other.visits) {
            own.extend(others);
        }
        for (own, other) in self.parallel.iter_mut().zip(other.parallel) {
            *own |= other;
        }
        for (edge, others) in other.gatherings {
            self.gatherings.entry(edge).or_default().extend(others);
        }
        self.steps.append(other.steps);
        self.repairs.add(&other.repairs);
    }

    /// The same in the order of time.
    pub(crate) fn sorted(mut self) -> Share {
        self.requests.sort_by_key(|request| request.start_ns);
        for visits in &mut self.visits {
            visits.sort_by_key(|visit| visit.start_ns);
        }
        for gatherings in self.gatherings.values_mut() {
            gatherings.sort_by_key(|gathering| gathering.start_ns);
        }
        self.steps.sort();
        self
    }

    fn add_request(&mut self, around: &Around<'_>, tree: &Tree, walk: &mut Walk, trace_id: u128) {
        let set = around.set;
        let first = self.parts.len();
        let parts = &mut self.parts;
        walk.whole_trace(tree, set, around.names, |piece| {
            let recorder = around.parties.service(tree.node(piece.node).party);
            let same = parts[first..].iter_mut().find(|part| {
                part.party == piece.party && part.cause == piece.cause && part.recorder == recorder
            });
            match same {
                Some(part) => part.ns += piece.ns,
                None => parts.push(Part {
                    party: piece.party,
                    cause: piece.cause,
                    recorder,
                    ns: piece.ns,
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
                .push(origin(tree, set, around.names, around.parties));
        }
        self.repairs.add(&tree.repairs);
        self.requests.push(Request {
            trace_id,
            start_ns: root.start_ns,
            duration_ns: root.end_ns - root.start_ns,
            service: around.parties.service(root.party),
            operation: root_span.name,
            failed,
            parts: (first as u32, self.parts.len() as u32),
            origin: origin_at,
        });
    }

    fn add_visits(&mut self, around: &Around<'_>, tree: &Tree, walk: &mut Walk) {
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
            self.visits[node.party.0 as usize].push(Visit {
                start_ns: node.start_ns,
                duration_ms: ms(duration_ns) as f32,
                costs,
                caller: call.map(|call| around.parties.service(call.party)),
                output_tokens: around.names.output_tokens(span) as f32,
            });
        }
    }

    fn add_gatherings(&mut self, parties: &Parties<'_>, tree: &Tree) {
        let all = &mut self.gatherings;
        gatherings(tree, parties, |caller, callee, one| {
            all.entry((caller, callee)).or_default().push(one);
        });
    }

    /// A service is called in parallel where two calls of it by the same parent, to different
    /// instances, are open at once.
    fn mark_parallel(&mut self, parties: &Parties<'_>, tree: &Tree) {
        for at in 0..tree.len() {
            let mut earlier: Option<(Party, u64)> = None;
            for child in tree.children(at) {
                let node = tree.node(child);
                let Some(callee) = node.callee else { continue };
                let service = parties.service(callee);
                if let Some((other, other_start_ns)) = earlier
                    && other != callee
                    && parties.service(other) == service
                    && node.end_ns > other_start_ns
                {
                    self.parallel[service.0 as usize] = true;
                }
                earlier = Some((callee, node.start_ns));
            }
        }
    }
}
