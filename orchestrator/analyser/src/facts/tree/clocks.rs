//! Clocks that are wrong. Machines do not agree on the time to the millisecond, and a span of one
//! that is ahead or behind lies outside of the call that it serves. Durations are right all the
//! same, so what a callee recorded is moved into the call: between its two ends, as if the way there
//! took as long as the way back.

use ragdoll_trace::{SpanKind, TraceSet};

use crate::facts::instances::Instances;
use crate::facts::names::spans::is_failed;
use crate::facts::tree::Tree;

/// Time by which an end may come too late and still be no sign of a wrong clock.
const NOTICE_NS: u64 = 1_000_000;

impl Tree {
    /// Moves what lies where it cannot have been. Returns whether anything was moved.
    pub(super) fn correct_clocks(&mut self, set: &TraceSet, instances: &Instances<'_>) -> bool {
        let mut moved = false;
        // A span is looked at after its parent was put right.
        let mut open = vec![self.root];
        let mut seen = 0;
        while let Some(at) = open.pop() {
            seen += 1;
            if seen > self.len() {
                break;
            }
            if let Some((served, shift_ns)) = self.misplaced(set, at) {
                let is_early = self.node(served).start_ns < self.node(at).start_ns;
                let spans = self.shift(served, shift_ns);
                let distance_ns = shift_ns.unsigned_abs();
                // A server has still to close its span when its answer is already there.
                if is_early || distance_ns > NOTICE_NS {
                    let service = instances.service(self.node(served).instance);
                    self.repairs.moved(service, spans, distance_ns);
                }
                moved = true;
            }
            open.extend(self.children(at));
        }
        moved
    }

    /// The span that serves a call and cannot have been where its clock says, and by how much it is
    /// to be moved. A server may begin, or go on, after its caller gave up; one that was heard to
    /// the end may not. Of several that serve one call it is not known which of them was heard.
    fn misplaced(&self, set: &TraceSet, at: usize) -> Option<(usize, i64)> {
        let call = self.node(at);
        let kind = |at: usize| self.span(set, at).kind;
        if !self.is_call(at) || kind(at) == SpanKind::Producer {
            return None;
        }
        let is_server = |&child: &usize| self.is_served(child) && kind(child) != SpanKind::Consumer;
        let mut servers = self.children(at).filter(is_server);
        let (only, None) = (servers.next()?, servers.next()) else {
            return None;
        };
        let served = self.node(only);
        if served.instance == call.instance {
            return None;
        }
        let was_heard = !is_failed(self.span(set, at));
        let (call_ns, served_ns) = (call.end_ns - call.start_ns, served.end_ns - served.start_ns);
        // Where no sides are said it may be a message, which is handled later, and for longer than
        // it takes to send it.
        let is_waited_for = kind(only) == SpanKind::Server || served_ns <= call_ns;
        let is_before = served.start_ns < call.start_ns;
        let is_after = was_heard && is_waited_for && served.end_ns > call.end_ns;
        if !is_before && !is_after {
            return None;
        }
        let way_there_ns = call_ns.saturating_sub(served_ns) / 2;
        let start_ns = call.start_ns + way_there_ns;
        let shift_ns = start_ns.wrapping_sub(served.start_ns).cast_signed();
        (shift_ns != 0).then_some((only, shift_ns))
    }

    /// Moves a span, and what its process recorded below it. Others have clocks of their own.
    /// Returns how many spans were moved.
    fn shift(&mut self, from: usize, shift_ns: i64) -> u64 {
        let mut moved = 0;
        let instance = self.node(from).instance;
        let mut open = vec![from];
        let mut left = self.len();
        while let Some(at) = open.pop()
            && left > 0
        {
            left -= 1;
            let node = &mut self.nodes[at];
            if node.instance == instance {
                node.start_ns = node.start_ns.saturating_add_signed(shift_ns);
                node.end_ns = node.end_ns.saturating_add_signed(shift_ns);
                node.awaited_until_ns = node.end_ns;
                moved += 1;
            }
            open.extend(self.children(at));
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ragdoll_trace::{Span, Status, TraceIndex};

    use super::*;
    use crate::facts::names::spans::Names;

    /// Service, parent position, kind, start and end in nanoseconds.
    type Row = (&'static str, Option<usize>, SpanKind, u64, u64);

    /// Start and end of every span once clocks are put right. Calls fail where `failed` says so.
    fn corrected(rows: &[Row], failed: bool) -> Vec<(u64, u64)> {
        let mut set = TraceSet::new();
        for (at, &(service, parent, kind, start_ns, end_ns)) in rows.iter().enumerate() {
            let (resource, name) = (set.resource(service, "0"), set.intern("work"));
            let is_failed = failed && kind == SpanKind::Client;
            set.push(Span {
                trace_id: 1,
                span_id: at as u64 + 1,
                parent_id: parent.and_then(|parent| NonZeroU64::new(parent as u64 + 1)),
                start_ns,
                end_ns,
                attributes: Box::default(),
                links: Box::default(),
                resource,
                name,
                kind,
                status: if is_failed {
                    Status::Error
                } else {
                    Status::Unset
                },
            });
        }
        let names = Names::new(&set);
        let instances = Instances::new(&set, &names);
        let index = TraceIndex::new(&set);
        let mut tree = Tree::default();
        tree.build(&set, &names, &instances, index.trace(0));
        tree.nodes.sort_by_key(|node| node.span);
        let times = tree.nodes.iter().map(|node| (node.start_ns, node.end_ns));
        times.collect()
    }

    /// A call of `b` by `a`, and one of `c` by `b`, with the clock of `b` wrong.
    fn two_calls(skew_ns: i64) -> Vec<Row> {
        let skewed = |at_ns: u64| at_ns.saturating_add_signed(skew_ns);
        vec![
            ("a", None, SpanKind::Server, 10_000, 10_200),
            ("a", Some(0), SpanKind::Client, 10_050, 10_150),
            (
                "b",
                Some(1),
                SpanKind::Server,
                skewed(10_060),
                skewed(10_140),
            ),
            (
                "b",
                Some(2),
                SpanKind::Client,
                skewed(10_080),
                skewed(10_120),
            ),
            ("c", Some(3), SpanKind::Server, 10_090, 10_110),
        ]
    }

    #[test]
    fn what_a_wrong_clock_stamped_goes_where_it_was_and_all_else_stays() {
        let right: Vec<(u64, u64)> = two_calls(0).iter().map(|row| (row.3, row.4)).collect();
        for skew_ns in [0, 5_000, -5_000, 60, -60] {
            assert_eq!(corrected(&two_calls(skew_ns), false), right, "{skew_ns}");
        }
    }

    #[test]
    fn a_server_that_outlasts_a_call_given_up_is_left_alone() {
        let rows = [
            ("a", None, SpanKind::Client, 100, 200),
            ("b", Some(0), SpanKind::Server, 110, 900),
        ];
        assert_eq!(corrected(&rows, true)[1], (110, 900));
        assert_ne!(
            corrected(&rows, false)[1],
            (110, 900),
            "it was heard to the end"
        );
    }

    #[test]
    fn of_several_servers_of_one_call_none_is_moved() {
        let rows = [
            ("a", None, SpanKind::Client, 100, 200),
            ("b", Some(0), SpanKind::Server, 110, 190),
            ("b", Some(0), SpanKind::Server, 120, 300),
        ];
        assert_eq!(corrected(&rows, false)[2], (120, 300));
    }
}
