//! A front end and a back end, before and after, with metrics of whatever name.

use ragdoll_analyser::{Bottleneck, Config, Prepared, analyse};
use ragdoll_trace::{Attribute, MetricPoint, SpanKind, Value};

use crate::common::{self, Book, span, window};

pub(crate) const MIB: f64 = 1_048_576.0;
pub(crate) const BASELINE_S: f64 = 0.0;
pub(crate) const WINDOW_S: f64 = 100.0;

/// What a request of a minute is like, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) own_ms: f64,
    /// Time of a call that the back end makes, of a service that records nothing.
    pub(crate) called_ms: f64,
    /// Every how many requests fail at the back end; 0 where none does.
    pub(crate) failing: usize,
}

pub(crate) const QUICK: Work = Work {
    own_ms: 20.0,
    called_ms: 5.0,
    failing: 0,
};
pub(crate) const SLOW: Work = Work {
    own_ms: 80.0,
    ..QUICK
};
pub(crate) const FAILING: Work = Work {
    failing: 5,
    ..QUICK
};

pub(crate) fn minute(book: &mut Book, from_s: f64, work: Work) {
    for number in 0..600_usize {
        let trace_id = (from_s as u128 + 1) * 10_000 + number as u128;
        let from_ms = from_s * 1e3 + number as f64 * 100.0;
        let own_ms = work.own_ms * (1.0 + (number % 7) as f64 / 100.0);
        let (root, call, server, query) = (book.id(), book.id(), book.id(), book.id());
        let to_ms = from_ms + 2.0 + own_ms + work.called_ms;
        let is_failing = work.failing > 0 && number % work.failing == 0;
        let error = |spec: common::SpanSpec| {
            if is_failing {
                spec.failed(Some("UNAVAILABLE"))
            } else {
                spec
            }
        };
        let at_ms = from_ms + 1.0 + own_ms / 2.0;
        let queried = span("back", "back-0", "SELECT", at_ms, at_ms + work.called_ms)
            .kind(SpanKind::Client)
            .under(server)
            .text("db.system.name", "postgresql");
        book.add(trace_id, query, queried);
        let served = span("back", "back-0", "Work", from_ms + 1.0, to_ms - 1.0);
        book.add(
            trace_id,
            server,
            error(served.kind(SpanKind::Server).under(call)),
        );
        let called = span("front", "front-0", "Work", from_ms + 0.9, to_ms - 0.9)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "back")
            .text("server.instance", "back-0");
        book.add(trace_id, call, error(called));
        let asked = span("front", "front-0", "Ask", from_ms, to_ms).kind(SpanKind::Server);
        book.add(trace_id, root, error(asked));
    }
}

/// A minute of quick requests, and one of others.
pub(crate) fn then(work: Work) -> Book {
    let mut book = Book::default();
    minute(&mut book, BASELINE_S, QUICK);
    minute(&mut book, WINDOW_S, work);
    book
}

pub(crate) fn found(book: &Book) -> Bottleneck {
    let prepared = Prepared::new(&book.observations);
    let (now, before) = (window(WINDOW_S, 160.0), window(BASELINE_S, 60.0));
    let analysis = analyse(&prepared, &now, &before, &Config::default());
    analysis.verdict.bottleneck().expect("it changed").clone()
}

/// A sample a second for a minute.
pub(crate) fn sampled(
    book: &mut Book,
    from_s: f64,
    (service, instance): (&str, &str),
    name: &str,
    attributes: &[(&str, &str)],
    value: impl Fn(u32) -> f64,
) {
    let set = &mut book.observations.traces;
    let attributes: Vec<Attribute> = attributes
        .iter()
        .map(|(key, text)| Attribute::new(set.intern(key), Value::Str(set.intern(text))))
        .collect();
    let (resource, name, unit) = (
        set.resource(service, instance),
        set.intern(name),
        set.intern(""),
    );
    for second in 0..60 {
        book.observations.metrics.push(MetricPoint {
            time_ns: common::ns((from_s + f64::from(second)) * 1e3),
            resource,
            name,
            value: value(second),
            unit,
            attributes: attributes.clone().into(),
        });
    }
}

pub(crate) const BACK: (&str, &str) = ("back", "back-0");

/// A gauge of the back end in both minutes.
pub(crate) fn gauges(
    book: &mut Book,
    name: &str,
    attributes: &[(&str, &str)],
    before: impl Fn(u32) -> f64,
    now: impl Fn(u32) -> f64,
) {
    sampled(book, BASELINE_S, BACK, name, attributes, before);
    sampled(book, WINDOW_S, BACK, name, attributes, now);
}

/// Some disorder of a few per mille, the same in every run.
pub(crate) fn wobble(second: u32) -> f64 {
    f64::from(second * 7919 % 13) / 1000.0
}

/// The lines on metrics, as a reader sees them.
pub(crate) fn lines(found: &Bottleneck) -> String {
    let words = [
        "memory of",
        "samples with",
        "that wait for one",
        "quota",
        "stood still",
        "kills of",
        "restarts of",
    ];
    let is_of_metrics = |what: &str| words.iter().any(|word| what.contains(word));
    let mut lines = format!("{} / {}\n", found.service, found.cause);
    for figure in found
        .evidence
        .iter()
        .filter(|figure| is_of_metrics(&figure.what))
    {
        let before = figure
            .baseline
            .map_or(String::new(), |before| format!(" ({before:.1} before)"));
        lines += &format!(
            "{}: {:.1} {}{before}\n",
            figure.what, figure.value, figure.unit
        );
    }
    lines
}
