//! What is held of everything that was read: all of it, or so much that limits are obeyed.

use super::ids::SpanIds;
use super::merge::{Renumbering, forget_unused};
use super::separate::Mark;
use super::thinned::{Thinned, ThinnedKind};
use super::thinning::{Thinning, log_hash, metric_hash, trace_hash};
use crate::logs::{LogEvent, Severity};
use crate::metrics::MetricPoint;
use crate::oddities::Tally;
use crate::set::Observations;
use crate::span::Span;

/// How much is held at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) spans: usize,
    /// Log events below `WARN`.
    pub(super) log_events: usize,
    /// Log events from `WARN` on. They have a bound of their own since they are few and each tells
    /// more, such as that a process ran out of memory.
    pub(super) warnings: usize,
    pub(super) metric_points: usize,
}

/// How many spans, log events and metric points were read, those that are not held among them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) spans: u64,
    pub(super) log_events: u64,
    pub(super) warnings: u64,
    pub(super) metric_points: u64,
}

/// The spans, log events and metric points that are held.
///
/// Texts, resources and known ids grow with what is held and not with what was read: once anything
/// was let go, a part's texts are taken over when something held uses them, and each time that
/// something is let go the set is built anew without what only that used. Since that happens when
/// what is held has doubled, it costs no more than a constant for each thing that is held.
#[derive(Debug)]
pub(super) struct Held {
    seen: Observations,
    ids: SpanIds,
    mark: Mark,
    read: Counts,
    traces: Thinning,
    log_events: Thinning,
    warnings: Thinning,
    metric_points: Thinning,
}

impl Held {
    pub(super) fn new(bounds: Bounds) -> Self {
        Held {
            seen: Observations::default(),
            ids: SpanIds::default(),
            mark: Mark::default(),
            read: Counts::default(),
            traces: Thinning::new(bounds.spans),
            log_events: Thinning::new(bounds.log_events),
            warnings: Thinning::new(bounds.warnings),
            metric_points: Thinning::new(bounds.metric_points),
        }
    }

    pub(super) fn read(&self) -> Counts {
        self.read
    }

    #[cfg(test)]
    pub(super) fn text_count(&self) -> usize {
        self.seen.traces.symbol_count()
    }

    /// Begins another part, after this many sources.
    pub(super) fn mark(&mut self, sources: usize) {
        self.ids = SpanIds::default();
        self.mark = Mark {
            spans: self.seen.traces.spans().len(),
            logs: self.seen.logs.len(),
            metrics: self.seen.metrics.len(),
            sources,
        };
    }

    /// Appends a part. While all is held symbols and resources are numbered by first appearance, as
    /// if all parts had been read as one.
    pub(super) fn append(&mut self, mut part: Observations, tally: &mut Tally) {
        let spans = std::mem::take(part.traces.spans_mut());
        let mut names = Renumbering::new(part.traces);
        if self.is_all_held() {
            names.take_all(&mut self.seen.traces);
        }
        let mut let_go = self.append_spans(spans, &mut names, tally);
        let_go |= self.append_logs(part.logs, &mut names);
        let_go |= self.append_metrics(part.metrics, &mut names);
        if let_go {
            forget_unused(&mut self.seen);
        }
    }

    /// What is held, the mark in it, and what is held in part only.
    pub(super) fn finish(mut self) -> (Observations, Mark, Vec<(ThinnedKind, Thinned)>) {
        if !self.is_all_held() {
            // Numbers now depend on what is held alone, and not on when the rest was let go.
            forget_unused(&mut self.seen);
        }
        self.seen.traces.set_halvings(self.traces.halvings());
        let thinned = self.thinned();
        (self.seen, self.mark, thinned)
    }

    fn thinned(&self) -> Vec<(ThinnedKind, Thinned)> {
        let Counts {
            spans,
            log_events,
            warnings,
            metric_points,
        } = self.read;
        let all = [
            (ThinnedKind::Spans, &self.traces, spans),
            (ThinnedKind::LogEvents, &self.log_events, log_events),
            (ThinnedKind::Warnings, &self.warnings, warnings),
            (
                ThinnedKind::MetricPoints,
                &self.metric_points,
                metric_points,
            ),
        ];
        let partly = all.into_iter().filter(|(_, kept, _)| !kept.is_all_held());
        partly
            .map(|(kind, kept, read)| {
                let thinned = Thinned {
                    read,
                    held: kept.held() as u64,
                    limit: kept.limit() as u64,
                    halvings: kept.halvings(),
                };
                (kind, thinned)
            })
            .collect()
    }

    fn is_all_held(&self) -> bool {
        let kinds = [
            &self.traces,
            &self.log_events,
            &self.warnings,
            &self.metric_points,
        ];
        kinds.into_iter().all(Thinning::is_all_held)
    }

    fn append_spans(
        &mut self,
        spans: Vec<Span>,
        names: &mut Renumbering,
        tally: &mut Tally,
    ) -> bool {
        let mut let_go = false;
        self.reserve_spans(spans.len());
        for mut span in spans {
            let hash = trace_hash(span.trace_id);
            if !self.traces.holds(hash) {
                self.read.spans += 1;
                continue;
            }
            names.span(&mut self.seen.traces, &mut span);
            if !self.ids.push(&mut self.seen.traces, span, tally) {
                continue;
            }
            self.read.spans += 1;
            if self.traces.add(hash) {
                let_go = true;
                let (traces, mark) = (&self.traces, &mut self.mark.spans);
                retain(self.seen.traces.spans_mut(), mark, |span| {
                    traces.holds(trace_hash(span.trace_id))
                });
                self.ids.rebuild(&self.seen.traces, self.mark.spans);
            }
        }
        let_go
    }

    /// Makes room as a vector does, but for no more spans than are ever held: the limit and the one
    /// that goes beyond it.
    fn reserve_spans(&mut self, more: usize) {
        let spans = self.seen.traces.spans_mut();
        let left = (self.traces.limit() + 1).saturating_sub(spans.len());
        let wanted = more.min(left);
        if spans.capacity() - spans.len() < wanted {
            spans.reserve_exact(wanted.max(spans.len()).min(left));
        }
    }

    fn append_logs(&mut self, events: Vec<LogEvent>, names: &mut Renumbering) -> bool {
        let mut let_go = false;
        for mut event in events {
            let is_warning = is_warning(&event);
            let (kept, read) = match is_warning {
                true => (&mut self.warnings, &mut self.read.warnings),
                false => (&mut self.log_events, &mut self.read.log_events),
            };
            *read += 1;
            let hash = log_hash(names.from(), &event);
            if !kept.holds(hash) {
                continue;
            }
            names.log(&mut self.seen.traces, &mut event);
            self.seen.logs.push(event);
            if kept.add(hash) {
                let_go = true;
                let set = &self.seen.traces;
                retain(&mut self.seen.logs, &mut self.mark.logs, |event| {
                    is_warning != self::is_warning(event) || kept.holds(log_hash(set, event))
                });
            }
        }
        let_go
    }

    fn append_metrics(&mut self, points: Vec<MetricPoint>, names: &mut Renumbering) -> bool {
        let mut let_go = false;
        for mut point in points {
            self.read.metric_points += 1;
            let hash = metric_hash(names.from(), &point);
            if !self.metric_points.holds(hash) {
                continue;
            }
            names.metric(&mut self.seen.traces, &mut point);
            self.seen.metrics.push(point);
            if self.metric_points.add(hash) {
                let_go = true;
                let (kept, set) = (&self.metric_points, &self.seen.traces);
                retain(&mut self.seen.metrics, &mut self.mark.metrics, |point| {
                    kept.holds(metric_hash(set, point))
                });
            }
        }
        let_go
    }
}

pub(super) fn is_warning(event: &LogEvent) -> bool {
    event.severity >= Severity::Warn
}

/// Lets go what is not kept, and leaves the mark between the same two things as before.
fn retain<T>(all: &mut Vec<T>, mark: &mut usize, keeps: impl Fn(&T) -> bool) {
    let (mut at, mut kept_before) = (0, 0);
    all.retain(|one| {
        let kept = keeps(one);
        kept_before += usize::from(kept && at < *mark);
        at += 1;
        kept
    });
    *mark = kept_before;
}
