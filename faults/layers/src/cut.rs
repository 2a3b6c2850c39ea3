//! Connections that are cut: messages wait on their side until the fault is over, as TCP would go on
//! sending them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body::{Frame, SizeHint};
use ragdoll_model::InstanceId;
use ragdoll_runtime::{Body, Clock};
use ragdoll_telemetry::RequestContext;

use crate::armed::Armed;
use crate::direction::Direction;

/// The way of a message over an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From caller to callee.
    Request,
    /// From callee to caller.
    Answer,
}

/// A fault that cuts connections, as one edge meets it.
pub(crate) struct Cut {
    armed: Arc<Armed>,
    requests: bool,
    answers: bool,
}

impl Cut {
    /// What a fault does to the calls of `from` to `to`; `None` where it leaves them alone.
    pub(crate) fn of(armed: &Arc<Armed>, from: &InstanceId, to: &InstanceId) -> Option<Cut> {
        let direction = armed.fault.cut()?;
        let spec = &armed.planned.spec;
        let (sends, receives) = (direction != Direction::To, direction != Direction::From);
        let callee =
            spec.target.matches(to) || spec.target.matches_edge(from.service(), to.service());
        let caller = spec.target.matches(from);
        let cut = Cut {
            armed: armed.clone(),
            requests: (callee && receives) || (caller && sends),
            answers: (callee && sends) || (caller && receives),
        };
        (spec.probability > 0.0 && (callee || caller)).then_some(cut)
    }

    fn holds(&self, way: Way, now_us: u64) -> bool {
        let concerned = match way {
            Way::Request => self.requests,
            Way::Answer => self.answers,
        };
        concerned && self.armed.in_force(now_us)
    }

    /// When the time in force that `now_us` lies in ends, in microseconds of the run.
    fn healed_us(&self, now_us: u64) -> u64 {
        let window = self.armed.timing.next(now_us);
        window.map_or(now_us, |(_, stop_us)| stop_us)
    }

    /// When it is healed for good, in microseconds of the run.
    fn stop_us(&self) -> u64 {
        self.armed.timing.stop_us()
    }
}

/// The connection that carries one call, where it may be cut.
pub(crate) struct Line {
    clock: Clock,
    cuts: Arc<[Cut]>,
    call: RequestContext,
}

impl Line {
    /// The line of a call that is sent now; `None` where nothing can cut it any more.
    pub(crate) fn of(
        clock: &Clock,
        cuts: &Arc<[Cut]>,
        call: impl FnOnce() -> RequestContext,
    ) -> Option<Line> {
        let now_us = clock.now_us();
        cuts.iter().any(|cut| now_us < cut.stop_us()).then(|| Line {
            clock: clock.clone(),
            cuts: cuts.clone(),
            call: call(),
        })
    }

    fn is_cut(&self, way: Way) -> bool {
        let now_us = self.clock.now_us();
        self.cuts.iter().any(|cut| cut.holds(way, now_us))
    }

    /// Waits until a message passes.
    pub(crate) async fn pass(&self, way: Way) {
        while self.is_cut(way) {
            let now_us = self.clock.now_us();
            let holding = self.cuts.iter().filter(|cut| cut.holds(way, now_us));
            let held: Vec<Held<'_>> = holding.map(|cut| Held::by(self, cut)).collect();
            let until_us = held.iter().map(|held| held.cut.healed_us(now_us)).max();
            let healed = self.clock.sleep_until_us(until_us.unwrap_or(now_us));
            // Any that is taken back before its time is reason enough to look again.
            let mut taken_back: FuturesUnordered<_> =
                held.iter().map(|held| held.cut.armed.stopped()).collect();
            tokio::select! {
                biased;
                () = healed => {}
                _ = taken_back.next() => {}
            }
        }
    }
}

/// A message that a fault holds; dropping it, because the fault is over or the caller gave up,
/// counts the time.
struct Held<'a> {
    line: &'a Line,
    cut: &'a Cut,
    since_us: u64,
}

impl<'a> Held<'a> {
    fn by(line: &'a Line, cut: &'a Cut) -> Self {
        let call = &line.call;
        let trace_id = || call.span.trace_id().to_string();
        cut.armed.witness.opportunity();
        cut.armed.witness.firing(0, &call.request_id, trace_id);
        Held {
            line,
            cut,
            since_us: line.clock.now_us(),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let until_us = self.line.clock.now_us().min(self.cut.stop_us());
        let held_us = until_us.saturating_sub(self.since_us);
        self.cut.armed.witness.add_time(held_us);
    }
}

/// The body of an answer: of one that is streamed, a part may be held after others have passed.
pub(crate) struct HeldBody {
    body: Body,
    line: Arc<Line>,
    held: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HeldBody {
    pub(crate) fn new(body: Body, line: Line) -> Self {
        HeldBody {
            body,
            line: Arc::new(line),
            held: None,
        }
    }
}

impl http_body::Body for HeldBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.held.is_none() && self.line.is_cut(Way::Answer) {
            let line = self.line.clone();
            self.held = Some(Box::pin(async move { line.pass(Way::Answer).await }));
        }
        if let Some(held) = &mut self.held {
            ready!(held.as_mut().poll(context));
            self.held = None;
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
