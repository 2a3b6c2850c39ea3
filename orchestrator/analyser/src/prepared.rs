//! What is worked out once for every trace.

use std::collections::BTreeMap;

use ragdoll_trace::{Observations, Symbol, TraceIndex};

use crate::config::Window;
use crate::gatherings::{Gathering, gatherings};
use crate::names::{Names, is_call, is_failed, is_served};
use crate::origin::{Origin, origin};
use crate::parties::{Parties, Party, ServiceId};
use crate::path::Walk;
use crate::tree::Tree;
use crate::verdict::Cause;
use crate::visits::{Costs, Visit};

/// Time on one critical path that one (process, cause) owns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) party: Party,
    pub(crate) cause: Cause,
    pub(crate) ns: u64,
}

/// One trace.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) trace_id: u128,
    pub(crate) start_ns: u64,
    pub(crate) duration_ns: u64,
    pub(crate) operation: Symbol,
    pub(crate) failed: bool,
    parts: (u32, u32),
    origin: u32,
}

/// The critical paths, error origins and visits of all traces of a run. It costs a few
/// microseconds a trace; windows are then analysed without looking at spans again, but for those
/// of the requests whose shared traits are sought.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(crate) observations: &'a Observations,
    pub(crate) index: TraceIndex,
    pub(crate) names: Names,
    pub(crate) parties: Parties<'a>,
    /// In the order of start, then of trace id.
    requests: Vec<Request>,
    parts: Vec<Part>,
    origins: Vec<Origin>,
    /// Visits of each party, in the order of start.
    visits: Vec<Vec<Visit>>,
    /// Whether instances of a service are called in parallel by one caller, by service.
    parallel: Vec<bool>,
    /// By caller and callee, in the order of start.
    pub(crate) gatherings: BTreeMap<(ServiceId, ServiceId), Vec<Gathering>>,
    orphans: u64,
    roots_lost: u64,
}

impl<'a> Prepared<'a> {
    /// Works through every trace.
    pub fn new(observations: &'a Observations) -> Self {
        let set = &observations.traces;
        let mut prepared = Prepared {
            observations,
            index: TraceIndex::new(set),
            names: Names::new(set),
            parties: Parties::new(set),
            requests: Vec::new(),
            parts: Vec::new(),
            origins: Vec::new(),
            visits: Vec::new(),
            parallel: Vec::new(),
            gatherings: BTreeMap::new(),
            orphans: 0,
            roots_lost: 0,
        };
        let index = std::mem::take(&mut prepared.index);
        let mut tree = Tree::default();
        let mut walk = Walk::default();
        prepared.requests.reserve(index.len());
        for trace in index.iter() {
            tree.build(set, &prepared.names, &mut prepared.parties, trace);
            prepared
                .visits
                .resize_with(prepared.parties.len(), Vec::new);
            prepared
                .parallel
                .resize(prepared.parties.service_count(), false);
            prepared.add_request(&tree, &mut walk, trace.trace_id);
            prepared.add_visits(&tree, &mut walk);
            prepared.mark_parallel(&tree);
            prepared.add_gatherings(&tree);
        }
        prepared.index = index;
        prepared.requests.sort_by_key(|request| request.start_ns);
        for visits in &mut prepared.visits {
            visits.sort_by_key(|visit| visit.start_ns);
        }
        for gatherings in prepared.gatherings.values_mut() {
            gatherings.sort_by_key(|gathering| gathering.start_ns);
        }
        prepared
    }

    /// Requests that start in a window, in the order of start.
    pub(crate) fn requests(&self, window: &Window) -> &[Request] {
        let requests = &self.requests;
        let from = requests.partition_point(|request| request.start_ns < window.start_ns);
        let to = requests.partition_point(|request| request.start_ns < window.end_ns);
        &requests[from..to.max(from)]
    }

    /// Parts of a request's critical path, which sum to its duration.
    pub(crate) fn parts(&self, request: &Request) -> &[Part] {
        &self.parts[request.parts.0 as usize..request.parts.1 as usize]
    }

    /// Where a failing request went wrong.
    pub(crate) fn origin(&self, request: &Request) -> Option<&Origin> {
        self.origins.get(request.origin as usize)
    }

    pub(crate) fn visits(&self, party: Party) -> &[Visit] {
        &self.visits[party.0 as usize]
    }

    pub(crate) fn is_parallel(&self, party: Party) -> bool {
        self.parallel[self.parties.service(party).0 as usize]
    }

    /// What was repaired while reading.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.orphans > 0 {
            notes.push(format!(
                "{} spans name a parent that is missing; they were put under the call that they \
                 belong to, or under the root",
                self.orphans
            ));
        }
        if self.roots_lost > 0 {
            notes.push(format!(
                "{} traces have lost their root span",
                self.roots_lost
            ));
        }
        notes
    }

    fn add_request(&mut self, tree: &Tree, walk: &mut Walk, trace_id: u128) {
        let set = &self.observations.traces;
        let first = self.parts.len();
        let parts = &mut self.parts;
        walk.whole_trace(tree, set, &self.names, |piece| {
            let same = parts[first..]
                .iter_mut()
                .find(|part| part.party == piece.party && part.cause == piece.cause);
            match same {
                Some(part) => part.ns += piece.ns,
                None => parts.push(Part {
                    party: piece.party,
                    cause: piece.cause,
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
                .push(origin(tree, set, &self.names, &self.parties));
        }
        self.orphans += u64::from(tree.orphans);
        self.roots_lost += u64::from(tree.root_lost);
        self.requests.push(Request {
            trace_id,
            start_ns: root.start_ns,
            duration_ns: root.end_ns - root.start_ns,
            operation: root_span.name,
            failed,
            parts: (first as u32, self.parts.len() as u32),
            origin: origin_at,
        });
    }

    fn add_visits(&mut self, tree: &Tree, walk: &mut Walk) {
        let set = &self.observations.traces;
        for at in 0..tree.len() {
            let span = tree.span(set, at);
            if !is_served(span) {
                continue;
            }
            let node = tree.node(at);
            let mut costs = Costs::default();
            walk.one_process(tree, set, &self.names, at, |cause, ns| {
                costs.add(cause, ms(ns) as f32);
            });
            let call = tree
                .parent(at)
                .filter(|&parent| is_call(tree.span(set, parent)));
            let duration_ns = node.end_ns - node.start_ns;
            if let Some(call) = call {
                let call = tree.node(call);
                let gap_ns = (call.end_ns - call.start_ns).saturating_sub(duration_ns);
                costs.add(Some(Cause::Network), ms(gap_ns) as f32);
            }
            self.visits[node.party.0 as usize].push(Visit {
                start_ns: node.start_ns,
                duration_ms: ms(duration_ns) as f32,
                costs,
                output_tokens: self.names.output_tokens(span) as f32,
            });
        }
    }

    fn add_gatherings(&mut self, tree: &Tree) {
        let all = &mut self.gatherings;
        let set = &self.observations.traces;
        gatherings(tree, set, &self.parties, |caller, callee, one| {
            all.entry((caller, callee)).or_default().push(one);
        });
    }

    /// A service is called in parallel where two calls of it by the same parent, to different
    /// instances, are open at once.
    fn mark_parallel(&mut self, tree: &Tree) {
        for at in 0..tree.len() {
            let mut earlier: Option<(Party, u64)> = None;
            for child in tree.children(at) {
                let node = tree.node(child);
                let Some(callee) = node.callee else { continue };
                let service = self.parties.service(callee);
                if let Some((other, other_start_ns)) = earlier
                    && other != callee
                    && self.parties.service(other) == service
                    && node.end_ns > other_start_ns
                {
                    self.parallel[service.0 as usize] = true;
                }
                earlier = Some((callee, node.start_ns));
            }
        }
    }
}

pub(crate) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
