//! What an error means, however it is written.

use ragdoll_analyser::{Config, Prepared, Verdict, analyse};

use super::{add, book, get, origin, root, served};
use crate::common::{Book, SpanSpec, window};

/// A call of `stock` that its caller gave up; `stock` answers later, and does not fail. Who is
/// found: below a lost patience the search goes on to what was still open.
fn given_up(say: impl Fn(SpanSpec) -> SpanSpec) -> (String, String) {
    origin(&book(|at| {
        let (_, root) = root(at, at + 100.0);
        vec![
            (None, root.failed(Some("500"))),
            (Some(0), say(get(at, at + 100.0)).broken()),
            (Some(1), served("stock", at + 1.0, at + 200.0)),
            (Some(2), served("shelf", at + 2.0, at + 199.0)),
        ]
    }))
}

#[test]
fn a_lost_patience_is_known_by_many_words() {
    let numbers = [
        ("rpc.grpc.status_code", 4),
        ("rpc.grpc.status_code", 1),
        ("http.status_code", 504),
    ];
    for (key, number) in numbers {
        let found = given_up(|call| call.int(key, number));
        assert_eq!(found.0, "shelf", "{key} {number}");
    }
    let words = [
        ("rpc.grpc.status_code", "4"),
        ("error.type", "java.net.SocketTimeoutException"),
        ("error.type", "TimeoutError"),
        ("error.type", "asyncio.exceptions.CancelledError"),
        ("error.type", "httpx.ReadTimeout"),
        ("exception.type", "requests.exceptions.ReadTimeout"),
        (
            "exception.message",
            "Get \"http://stock\": context deadline exceeded",
        ),
        (
            "exception.message",
            "rpc error: code = DeadlineExceeded desc = late",
        ),
        ("otel.status_description", "context canceled"),
        (
            "otel.status_description",
            "read tcp 10.0.0.1:80: i/o timeout",
        ),
        ("error", "ETIMEDOUT"),
        ("error.message", "Request timed out."),
        ("response_flags", "UT"),
    ];
    for (key, text) in words {
        let found = given_up(|call| call.text(key, text));
        assert_eq!(found.0, "shelf", "{key} {text}");
    }
}

#[test]
fn other_errors_are_no_lost_patience() {
    let words = [
        ("error.type", "java.lang.NullPointerException"),
        ("exception.message", "invalid timeout: -1"),
        (
            "exception.message",
            "the order was cancelled by the customer",
        ),
        ("otel.status_description", "ran for some time out of memory"),
        ("error.type", "500"),
    ];
    for (key, text) in words {
        let found = given_up(|call| call.text(key, text));
        assert_eq!(found.0, "stock", "{key} {text}");
    }
}

#[test]
fn a_code_is_said_by_its_name_and_a_name_before_a_code() {
    assert_eq!(
        given_up(|call| call.int("rpc.grpc.status_code", 14)).1,
        "UNAVAILABLE"
    );
    assert_eq!(given_up(|call| call.int("http.status_code", 503)).1, "503");
    let said = |call: SpanSpec| {
        call.text("error.type", "_OTHER")
            .text("exception.message", "too late")
    };
    assert_eq!(given_up(said).1, "too late");
    let said = |call: SpanSpec| {
        call.text("error.type", "io.grpc.StatusRuntimeException")
            .int("rpc.grpc.status_code", 8)
    };
    assert_eq!(given_up(said).1, "RESOURCE_EXHAUSTED");
    let said = |call: SpanSpec| {
        call.text("response_flags", "UF")
            .int("http.status_code", 503)
    };
    assert_eq!(given_up(said).1, "upstream connection failure");
}

/// The cause that is named for requests that are refused by a service with this error, while others
/// wait for it.
fn refused(say: impl Fn(SpanSpec) -> SpanSpec) -> String {
    let mut all = Book::default();
    for seconds in [0.0, 100.0] {
        add(&mut all, |at| {
            let at = at + seconds * 1e3;
            vec![
                root(at, at + 100.0),
                (Some(0), get(at, at + 90.0)),
                (Some(1), served("stock", at, at + 90.0)),
            ]
        });
    }
    for number in 0..60_u32 {
        let trace_id = 1_000 + u128::from(number);
        let at = 100_000.0 + f64::from(number) * 400.0;
        let (web, call, stock) = (all.id(), all.id(), all.id());
        all.add(trace_id, web, root(at, at + 10.0).1.failed(Some("500")));
        all.add(
            trace_id,
            call,
            get(at, at + 9.0).under(web).failed(Some("500")),
        );
        let refused = say(served("stock", at, at + 8.0)).broken();
        all.add(trace_id, stock, refused.under(call));
    }
    let prepared = Prepared::new(&all.observations);
    let analysis = analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &Config::default(),
    );
    let Verdict::Bottleneck(found) = &analysis.verdict else {
        panic!("{:?}", analysis.verdict)
    };
    assert_eq!(found.service, "stock");
    format!("{:?}", found.cause)
}

#[test]
fn a_service_that_has_no_room_or_keeps_a_limit_says_so_in_many_words() {
    let words = [
        (
            "exception.type",
            "java.util.concurrent.RejectedExecutionException",
        ),
        ("exception.message", "queue is full"),
        ("response_flags", "UO"),
    ];
    for (key, text) in words {
        assert_eq!(
            refused(|call| call.text(key, text)),
            "Queue",
            "{key} {text}"
        );
    }
    let limits = [
        ("exception.message", "429 Too Many Requests"),
        ("otel.status_description", "rate limit exceeded"),
        ("response_flags", "RL"),
    ];
    for (key, text) in limits {
        assert_eq!(
            refused(|call| call.text(key, text)),
            "RateLimit",
            "{key} {text}"
        );
    }
    assert_eq!(
        refused(|call| call.text("exception.type", "KeyError")),
        "Errors"
    );
}

#[test]
fn a_caller_that_stopped_asking_is_not_the_origin() {
    for error in [
        "io.github.resilience4j.circuitbreaker.CallNotPermittedException",
        "connect ECONNREFUSED 10.0.0.7:80",
    ] {
        let mut all = Book::default();
        add(&mut all, |at| {
            vec![
                root(at, at + 100.0),
                (Some(0), get(at, at + 90.0)),
                (Some(1), served("stock", at, at + 90.0)),
            ]
        });
        for number in 0..90_u32 {
            let at = 100_000.0 + f64::from(number) * 400.0;
            let trace_id = 1_000 + u128::from(number);
            let (web, call, stock) = (all.id(), all.id(), all.id());
            let is_asked = number % 3 == 0;
            let said = if is_asked { "500" } else { error };
            all.add(trace_id, web, root(at, at + 10.0).1.failed(Some(said)));
            if is_asked {
                all.add(
                    trace_id,
                    call,
                    get(at, at + 9.0).under(web).failed(Some("500")),
                );
                all.add(
                    trace_id,
                    stock,
                    served("stock", at, at + 8.0)
                        .failed(Some("KeyError"))
                        .under(call),
                );
            }
        }
        let prepared = Prepared::new(&all.observations);
        let analysis = analyse(
            &prepared,
            &window(100.0, 160.0),
            &window(0.0, 60.0),
            &Config::default(),
        );
        let found = analysis
            .verdict
            .bottleneck()
            .map(|found| found.service.as_str());
        assert_eq!(found, Some("stock"), "{error}");
    }
}
