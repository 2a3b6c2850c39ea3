//! Spans grouped into traces.

use rustc_hash::FxHashMap;

use crate::set::TraceSet;

/// The spans of every trace of a set: traces in the order of their ids, the spans of each in the
/// order of start, then span id, then position in the set. It does not depend on the order in
/// which spans were pushed, except for spans that are alike in all three.
#[derive(Clone, Debug, Default)]
pub struct TraceIndex {
    ids: Vec<u128>,
    /// Where the spans of each trace begin in `order`, and one more: where the last end.
    starts: Vec<u32>,
    order: Vec<u32>,
}

/// The spans of one trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSpans<'a> {
    /// Trace id.
    pub trace_id: u128,
    /// Positions in [`TraceSet::spans`], at least one.
    pub spans: &'a [u32],
}

impl TraceIndex {
    /// Groups the spans of a set.
    pub fn new(set: &TraceSet) -> Self {
        let spans = set.spans();
        assert!(
            spans.len() < u32::MAX as usize,
            "{} spans in one set",
            spans.len()
        );
        let mut group_by_id: FxHashMap<u128, u32> = FxHashMap::default();
        let mut groups: Vec<(u128, u32)> = Vec::new();
        let mut last = (0, u32::MAX);
        let group_of_span: Vec<u32> = spans
            .iter()
            .map(|span| {
                if last.1 == u32::MAX || last.0 != span.trace_id {
                    let group = *group_by_id.entry(span.trace_id).or_insert_with(|| {
                        groups.push((span.trace_id, 0));
                        groups.len() as u32 - 1
                    });
                    last = (span.trace_id, group);
                }
                groups[last.1 as usize].1 += 1;
                last.1
            })
            .collect();

        let mut by_id: Vec<u32> = (0..groups.len() as u32).collect();
        by_id.sort_unstable_by_key(|&group| groups[group as usize].0);
        let mut starts = Vec::with_capacity(groups.len() + 1);
        let mut next_of_group = vec![0; groups.len()];
        let mut total = 0;
        for &group in &by_id {
            starts.push(total);
            next_of_group[group as usize] = total;
            total += groups[group as usize].1;
        }
        starts.push(total);

        let mut order = vec![0; spans.len()];
        for (position, group) in group_of_span.into_iter().enumerate() {
            let next = &mut next_of_group[group as usize];
            order[*next as usize] = position as u32;
            *next += 1;
        }
        for bounds in starts.windows(2) {
            order[bounds[0] as usize..bounds[1] as usize].sort_unstable_by_key(|&position| {
                let span = &spans[position as usize];
                (span.start_ns, span.span_id, position)
            });
        }
        let ids = by_id
            .iter()
            .map(|&group| groups[group as usize].0)
            .collect();
        TraceIndex { ids, starts, order }
    }

    /// Number of traces.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The trace at this position, in the order of trace ids.
    ///
    /// # Panics
    /// Where `position` is not below [`TraceIndex::len`].
    pub fn trace(&self, position: usize) -> TraceSpans<'_> {
        TraceSpans {
            trace_id: self.ids[position],
            spans: &self.order[self.starts[position] as usize..self.starts[position + 1] as usize],
        }
    }

    /// Position of the trace with this id.
    pub fn position(&self, trace_id: u128) -> Option<usize> {
        self.ids.binary_search(&trace_id).ok()
    }

    /// The trace with this id.
    pub fn find(&self, trace_id: u128) -> Option<TraceSpans<'_>> {
        self.position(trace_id).map(|position| self.trace(position))
    }

    /// All traces in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TraceSpans<'_>> {
        (0..self.len()).map(|position| self.trace(position))
    }
}
