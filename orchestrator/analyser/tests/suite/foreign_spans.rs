//! Spans as other systems write them: OpenTelemetry's automatic instrumentation, service meshes, and
//! clients of Jaeger and Zipkin.

mod failures;
mod formats;
mod kinds;
mod peers;
mod repairs;
mod retries;
mod waits;

use std::collections::BTreeMap;

use crate::common::{Book, SpanSpec, span, window};
use ragdoll_analyser::{Analysis, Config, Prepared, analyse, overview};
use ragdoll_trace::SpanKind::{Client, Server};

/// Requests of every scenario.
const REQUESTS: u64 = 100;

/// A span with the position of its parent among those of its request.
type Placed = (Option<usize>, SpanSpec);

/// Adds requests, half a second apart, of these spans each.
fn add(book: &mut Book, spans: impl Fn(f64) -> Vec<Placed>) {
    for number in 0..REQUESTS {
        let mut ids = Vec::new();
        for (parent, mut spec) in spans(number as f64 * 500.0) {
            let id = book.id();
            if let Some(parent) = parent {
                // A position that is not there is a parent that was lost.
                spec = spec.under(ids.get(parent).copied().unwrap_or(u64::MAX));
            }
            ids.push(id);
            book.add(u128::from(number) + 1, id, spec);
        }
    }
}

fn book(spans: impl Fn(f64) -> Vec<Placed>) -> Book {
    let mut book = Book::default();
    add(&mut book, spans);
    book
}

/// Milliseconds of a request's critical path, by service, of requests of this length.
fn ms_by_service(book: &Book, length_ms: f64) -> BTreeMap<String, f64> {
    let prepared = Prepared::new(&book.observations);
    let shares = overview(&prepared, &window(0.0, 60.0), &Config::default()).shares;
    let rounded = |share: f64| (share * length_ms * 1000.0).round() / 1000.0;
    let parts = shares
        .into_iter()
        .map(|(name, share)| (name, rounded(share)));
    parts.filter(|part| part.1 > 0.0).collect()
}

/// The same as a literal.
fn parts<const N: usize>(parts: [(&str, f64); N]) -> BTreeMap<String, f64> {
    parts.map(|(name, ms)| (name.to_owned(), ms)).into()
}

fn analysed(book: &Book) -> Analysis {
    let prepared = Prepared::new(&book.observations);
    let window = window(0.0, 60.0);
    analyse(&prepared, &window, &window, &Config::default())
}

/// Service and error of the one origin of all failing requests.
fn origin(book: &Book) -> (String, String) {
    let [origin] = <[_; 1]>::try_from(analysed(book).error_origins).expect("one origin");
    assert_eq!(origin.requests, REQUESTS);
    (origin.service, origin.error)
}

/// A span of the service `web`, which calls others.
fn web(name: &str, from_ms: f64, to_ms: f64) -> SpanSpec {
    span("web", "web-0", name, from_ms, to_ms)
}

/// The root of a request.
fn root(from_ms: f64, to_ms: f64) -> Placed {
    (None, web("GET /", from_ms, to_ms).kind(Server))
}

/// A call as automatic instrumentation of HTTP names it.
fn get(from_ms: f64, to_ms: f64) -> SpanSpec {
    web("GET", from_ms, to_ms).kind(Client)
}

fn served(by: &str, from_ms: f64, to_ms: f64) -> SpanSpec {
    span(by, &format!("{by}-0"), "GET /x", from_ms, to_ms).kind(Server)
}
