//! Questions besides "why slow?": fewer answers, and failures of services that no longer ask.

use crate::common::{Book, span, window};
use ragdoll_analyser::{Analysis, Cause, Config, Prepared, Question, analyse};
use ragdoll_trace::SpanKind;

const REQUESTS: usize = 300;
const LENGTH_S: f64 = 60.0;

/// What becomes of one request of the edge, which asks a store.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Answered after so many milliseconds of the store's work.
    Answered(f64),
    /// The store is not there.
    Refused,
    /// The edge does not ask.
    Unasked,
}

fn request(book: &mut Book, trace: usize, start_ms: f64, fate: Fate) {
    let (trace_id, root) = (trace as u128 + 1, book.id());
    let edge = |name: &str, from_ms: f64, to_ms: f64| span("edge", "edge-0", name, from_ms, to_ms);
    let end_ms = match fate {
        Fate::Answered(work_ms) => start_ms + 4.0 + work_ms,
        Fate::Refused | Fate::Unasked => start_ms + 3.0,
    };
    if fate != Fate::Unasked {
        let (call, served) = (book.id(), book.id());
        let calling = edge("Store/Get", start_ms + 1.0, end_ms - 1.0)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "store");
        let calling = match fate {
            Fate::Refused => calling.failed(Some("UNAVAILABLE")),
            _ => calling,
        };
        book.add(trace_id, call, calling);
        if fate != Fate::Refused {
            let work = span(
                "store",
                "store-0",
                "Store/Get",
                start_ms + 2.0,
                end_ms - 2.0,
            );
            book.add(trace_id, served, work.kind(SpanKind::Server).under(call));
        }
    }
    let answer = edge("GET /", start_ms, end_ms).kind(SpanKind::Server);
    let answer = match fate {
        Fate::Answered(_) => answer,
        Fate::Refused | Fate::Unasked => answer.failed(Some("503")),
    };
    book.add(trace_id, root, answer);
}

fn compare(fate: impl Fn(usize) -> Fate) -> Analysis {
    let mut book = Book::default();
    for number in 0..2 * REQUESTS {
        let in_window = number >= REQUESTS;
        let from_s = if in_window { 100.0 } else { 0.0 };
        let position = number % REQUESTS;
        let start_ms = from_s * 1e3 + position as f64 * LENGTH_S * 1e3 / REQUESTS as f64;
        let fate = if in_window {
            fate(position)
        } else {
            Fate::Answered(20.0 + (number % 7) as f64)
        };
        request(&mut book, number, start_ms, fate);
    }
    let prepared = Prepared::new(&book.observations);
    analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &Config::default(),
    )
}

#[test]
fn a_service_that_stopped_asking_fails_for_whom_it_asked() {
    let analysis = compare(|number| match number % 10 {
        0 => Fate::Refused,
        1..=6 => Fate::Unasked,
        _ => Fate::Answered(20.0),
    });
    let found = analysis.errors.expect("requests fail");
    assert_eq!(
        (found.service.as_str(), found.cause),
        ("store", Cause::Errors)
    );
    assert!((found.share - 1.0).abs() < 1e-9, "{}", found.share);
}

#[test]
fn a_service_that_fails_and_never_asked_fails_for_itself() {
    let analysis = compare(|number| match number % 10 {
        0..=5 => Fate::Unasked,
        _ => Fate::Answered(20.0),
    });
    let found = analysis.errors.expect("requests fail");
    assert_eq!(found.service, "edge");
}

#[test]
fn fewer_answers_are_the_doing_of_what_keeps_requests_open() {
    let analysis = compare(|number| Fate::Answered(20.0 + 200.0 * number as f64));
    let found = analysis.throughput.expect("requests pile up");
    assert_eq!(found.service, "store");
    assert_eq!(found.question, Question::Throughput);
    let answered = &found.evidence[0];
    assert_eq!(answered.what, "requests answered");
    assert!(answered.value < 0.9 * answered.baseline.expect("a baseline"));
}

#[test]
fn fewer_answers_are_the_doing_of_what_makes_requests_fail() {
    let analysis = compare(|number| match number % 2 {
        0 => Fate::Refused,
        _ => Fate::Answered(20.0),
    });
    let found = analysis
        .throughput
        .expect("half of the answers are missing");
    assert_eq!(
        (found.service.as_str(), found.question),
        ("store", Question::Throughput)
    );
}

#[test]
fn as_many_answers_as_ever_are_no_question() {
    let analysis = compare(|number| Fate::Answered(20.0 + (number % 5) as f64));
    assert!(analysis.throughput.is_none() && analysis.errors.is_none());
}
