//! Two parts of what was read, told apart in time and by trace.

use rustc_hash::{FxHashMap, FxHashSet};

use super::ids::mix;
use crate::set::Observations;

/// Where the last part begins of what is held: how much of it was read before the last
/// [`Reader::mark`](crate::Reader::mark).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Spans.
    pub spans: usize,
    /// Log events.
    pub logs: usize,
    /// Metric points.
    pub metrics: usize,
    /// Sources of the report, those that were skipped among them.
    pub sources: usize,
}

/// Time between the parts, in nanoseconds, where one had to be moved.
const GAP_NS: i128 = 1_000_000_000;

/// First and last moment of something, in nanoseconds.
#[derive(Clone, Copy)]
struct Extent {
    first: u64,
    last: u64,
}

impl Extent {
    const NONE: Extent = Extent {
        first: u64::MAX,
        last: 0,
    };

    /// A time of 0 is one that is not known.
    fn add(&mut self, time_ns: u64) {
        if time_ns > 0 {
            self.first = self.first.min(time_ns);
            self.last = self.last.max(time_ns);
        }
    }
}

impl Observations {
    /// Makes one time line of two recordings, the baseline up to `mark` and what was read after it.
    /// Where the baseline does not end before the rest begins it is moved back in time as a whole,
    /// to end one second earlier (where time does not go back that far, the rest is moved on).
    /// Traces of the baseline whose ids occur in the rest get other ids.
    ///
    /// Returns when the spans of both parts begin, the baseline first: from the first start to just
    /// behind the last, in nanoseconds since the Unix epoch; `(0, 0)` where there are none.
    ///
    /// # Panics
    /// Where the mark is past the end.
    pub fn separate(&mut self, mark: &Mark) -> [(u64, u64); 2] {
        let (baseline, rest) = (self.extent(mark, true), self.extent(mark, false));
        if baseline.first <= baseline.last && rest.first <= rest.last && baseline.last >= rest.first
        {
            let shift = i128::from(baseline.last) - i128::from(rest.first) + GAP_NS;
            // Moments stay after 0, which would be an unknown one.
            let back = shift.min(i128::from(baseline.first) - 1);
            self.shift(mark, true, -back);
            self.shift(mark, false, shift - back);
        }
        self.rename_traces(mark);
        let (before, after) = self.traces.spans().split_at(mark.spans);
        [before, after].map(|spans| {
            let starts = spans.iter().map(|span| span.start_ns);
            let bounds = starts.clone().min().zip(starts.max());
            bounds.map_or((0, 0), |(first, last)| (first, last.saturating_add(1)))
        })
    }

    fn extent(&self, mark: &Mark, is_baseline: bool) -> Extent {
        let mut extent = Extent::NONE;
        for span in part(self.traces.spans(), mark.spans, is_baseline) {
            extent.add(span.start_ns);
            extent.add(span.end_ns);
        }
        for event in part(&self.logs, mark.logs, is_baseline) {
            extent.add(event.time_ns);
        }
        for point in part(&self.metrics, mark.metrics, is_baseline) {
            extent.add(point.time_ns);
        }
        extent
    }

    fn shift(&mut self, mark: &Mark, is_baseline: bool, by_ns: i128) {
        if by_ns == 0 {
            return;
        }
        let shift = |time_ns: &mut u64| {
            if *time_ns > 0 {
                let moved = (i128::from(*time_ns) + by_ns).clamp(1, i128::from(u64::MAX));
                *time_ns = moved as u64;
            }
        };
        for span in part_mut(self.traces.spans_mut(), mark.spans, is_baseline) {
            shift(&mut span.start_ns);
            shift(&mut span.end_ns);
        }
        for event in part_mut(&mut self.logs, mark.logs, is_baseline) {
            shift(&mut event.time_ns);
        }
        for point in part_mut(&mut self.metrics, mark.metrics, is_baseline) {
            shift(&mut point.time_ns);
        }
    }

    fn rename_traces(&mut self, mark: &Mark) {
        let (before, after) = self.traces.spans_mut().split_at_mut(mark.spans);
        let mut taken: FxHashSet<u128> = after.iter().map(|span| span.trace_id).collect();
        let in_both: Vec<u128> = before
            .iter()
            .map(|span| span.trace_id)
            .filter(|id| taken.contains(id))
            .collect();
        taken.extend(before.iter().map(|span| span.trace_id));
        let mut names: FxHashMap<u128, u128> = FxHashMap::default();
        for id in in_both {
            names.entry(id).or_insert_with(|| {
                let mut name = id;
                while name == 0 || !taken.insert(name) {
                    name = u128::from(mix(name, 1)) << 64 | u128::from(mix(name, 2));
                }
                name
            });
        }
        if names.is_empty() {
            return;
        }
        let rename = |id: &mut u128| {
            if let Some(name) = names.get(id) {
                *id = *name;
            }
        };
        for span in before {
            rename(&mut span.trace_id);
            span.links
                .iter_mut()
                .for_each(|link| rename(&mut link.trace_id));
        }
        for event in &mut self.logs[..mark.logs] {
            event.trace_id.iter_mut().for_each(rename);
        }
    }
}

fn part<T>(all: &[T], mark: usize, is_baseline: bool) -> &[T] {
    let (before, after) = all.split_at(mark);
    if is_baseline { before } else { after }
}

fn part_mut<T>(all: &mut [T], mark: usize, is_baseline: bool) -> &mut [T] {
    let (before, after) = all.split_at_mut(mark);
    if is_baseline { before } else { after }
}
