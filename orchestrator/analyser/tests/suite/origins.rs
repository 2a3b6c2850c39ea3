//! Where failing requests go wrong first, and how one trace looks.

use crate::common::{Book, SpanSpec, span, window};
use ragdoll_analyser::{Config, ErrorOrigin, Prepared, WaterfallRow, analyse, waterfall};
use ragdoll_trace::SpanKind::{Client, Server};

/// A hundred requests with these spans, each under the one of the given position.
fn origins(spans: impl Fn(f64) -> Vec<(Option<usize>, SpanSpec)>) -> Vec<ErrorOrigin> {
    let book = book(100, spans);
    let prepared = Prepared::new(&book.observations);
    let window = window(0.0, 60.0);
    analyse(&prepared, &window, &window, &Config::default()).error_origins
}

fn book(requests: u64, spans: impl Fn(f64) -> Vec<(Option<usize>, SpanSpec)>) -> Book {
    let mut book = Book::default();
    for number in 0..requests {
        let mut ids = Vec::new();
        for (parent, mut spec) in spans(number as f64 * 500.0) {
            let id = book.id();
            if let Some(parent) = parent {
                // A position that is not there yet is a parent that was lost.
                spec = spec.under(ids.get(parent).copied().unwrap_or(u64::MAX));
            }
            ids.push(id);
            book.add(u128::from(number) + 1, id, spec);
        }
    }
    book
}

fn only(origins: Vec<ErrorOrigin>) -> (String, String, Vec<String>) {
    let [origin] = <[ErrorOrigin; 1]>::try_from(origins).expect("one origin");
    assert_eq!(origin.requests, 100);
    (origin.service, origin.error, origin.path)
}

fn call(to: &str, from_ms: f64, to_ms: f64, error: Option<&str>) -> SpanSpec {
    span("gateway", "gateway-0", "Call", from_ms, to_ms)
        .kind(Client)
        .text("server.address", to)
        .text("server.instance", &format!("{to}-0"))
        .failed(error)
}

fn served(by: &str, from_ms: f64, to_ms: f64, error: Option<&str>) -> SpanSpec {
    span(by, &format!("{by}-0"), "Call", from_ms, to_ms)
        .kind(Server)
        .failed(error)
}

#[test]
fn an_error_that_callers_pass_on_is_the_deepest_services() {
    let found = origins(|at| {
        vec![
            (None, served("gateway", at, at + 50.0, Some("502"))),
            (Some(0), call("vector-db", at, at + 50.0, Some("INTERNAL"))),
            (
                Some(1),
                served("vector-db", at, at + 50.0, Some("INTERNAL")),
            ),
            (Some(2), served("shard", at, at + 40.0, Some("DATA_LOSS"))),
        ]
    });
    let path = ["shard", "vector-db", "gateway"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(
        only(found),
        ("shard".to_owned(), "DATA_LOSS".to_owned(), path)
    );
}

#[test]
fn a_deadline_is_the_doing_of_the_deepest_service_that_was_still_at_work() {
    let found = origins(|at| {
        vec![
            (None, served("gateway", at, at + 100.0, Some("504"))),
            (
                Some(0),
                call("vector-db", at, at + 100.0, Some("DEADLINE_EXCEEDED")),
            ),
            (Some(1), served("vector-db", at, at + 130.0, None)),
            (Some(2), served("shard", at, at + 30.0, None)),
            (
                Some(2),
                span(
                    "vector-db",
                    "vector-db-0",
                    "fan_in.merge",
                    at + 30.0,
                    at + 130.0,
                ),
            ),
            (Some(0), served("metadata", at, at + 10.0, None)),
        ]
    });
    let (service, error, _) = only(found);
    assert_eq!(
        (service.as_str(), error.as_str()),
        ("vector-db", "DEADLINE_EXCEEDED")
    );
}

#[test]
fn below_a_deadline_only_what_was_still_open_is_looked_at() {
    let found = origins(|at| {
        vec![
            (None, served("gateway", at, at + 100.0, Some("504"))),
            (
                Some(0),
                call("vector-db", at, at + 100.0, Some("DEADLINE_EXCEEDED")),
            ),
            (Some(1), served("vector-db", at, at + 130.0, None)),
            (Some(2), served("embedder", at, at + 30.0, None)),
            (Some(2), served("shard", at + 10.0, at + 120.0, None)),
        ]
    });
    let (service, error, path) = only(found);
    assert_eq!(
        (service.as_str(), error.as_str()),
        ("shard", "DEADLINE_EXCEEDED")
    );
    assert_eq!(path, ["shard", "vector-db", "gateway"]);
}

#[test]
fn a_call_without_an_answer_is_the_peers() {
    let found = origins(|at| {
        vec![
            (None, served("gateway", at, at + 50.0, Some("502"))),
            (Some(0), served("metadata", at, at + 10.0, None)),
            (
                Some(0),
                call("reranker", at + 10.0, at + 50.0, Some("UNAVAILABLE")),
            ),
        ]
    });
    assert_eq!(only(found).0, "reranker");
}

#[test]
fn an_attempt_that_was_made_good_is_not_the_origin() {
    let found = origins(|at| {
        vec![
            (None, served("gateway", at, at + 90.0, Some("502"))),
            (Some(0), call("llm", at, at + 20.0, Some("503"))),
            (Some(0), call("llm", at + 20.0, at + 80.0, None)),
            (Some(2), served("llm", at + 20.0, at + 80.0, None)),
        ]
    });
    assert_eq!(only(found).0, "gateway");
}

#[test]
fn one_trace_with_what_a_dead_process_left_behind() {
    let book = book(1, |at| {
        vec![
            (None, served("gateway", at, at + 100.0, Some("502"))),
            (Some(0), call("metadata", at + 1.0, at + 9.0, None)),
            (Some(1), served("metadata", at + 2.0, at + 8.0, None)),
            (
                Some(2),
                span("metadata", "metadata-0", "lock.wait", at + 2.0, at + 6.0),
            ),
            (
                Some(0),
                call("reranker", at + 10.0, at + 99.0, Some("UNAVAILABLE")),
            ),
            (
                Some(99),
                span("reranker", "reranker-0", "queue.wait", at + 11.0, at + 31.0),
            ),
        ]
    });
    let prepared = Prepared::new(&book.observations);
    let rows = waterfall(&prepared, 1);
    insta::assert_snapshot!(table(&rows));
    let sum: f64 = rows.iter().map(|row| row.on_critical_path_ms).sum();
    assert!((sum - 100.0).abs() < 1e-9, "{sum}");
    assert!(waterfall(&prepared, 2).is_empty());
    let analysis = analyse(
        &prepared,
        &window(0.0, 60.0),
        &window(0.0, 60.0),
        &Config::default(),
    );
    assert!(analysis.notes[0].starts_with("1 spans name a parent that is missing"));
}

fn table(rows: &[WaterfallRow]) -> String {
    let line = |row: &WaterfallRow| {
        let name = format!(
            "{}{} {}",
            "  ".repeat(row.depth as usize),
            row.instance,
            row.name
        );
        let error = row.error.as_deref().unwrap_or("");
        format!(
            "{name:36} from {:5.1} for {:5.1} owns {:5.1} {} {error}",
            row.start_ms, row.duration_ms, row.on_critical_path_ms, row.cause
        )
    };
    rows.iter()
        .map(|row| line(row).trim_end().to_owned() + "\n")
        .collect()
}
