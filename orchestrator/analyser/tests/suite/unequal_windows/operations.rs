//! Requests of several operations of root spans.

use ragdoll_analyser::{Analysis, Config, Prepared, analyse};
use rand::RngExt;

use super::{Plain, exponential, judged, rng};
use crate::common::{Book, window};

/// An operation: the service, the name, requests in a minute, and mean milliseconds of each now.
type Endpoint = (&'static str, &'static str, usize, f64);

/// Mean milliseconds before.
const USUAL_MS: f64 = 50.0;

fn book(endpoints: &[Endpoint], seed: u64) -> Book {
    let (mut rng, mut book) = (rng(seed), Book::default());
    for &(service, name, requests, now_ms) in endpoints {
        for (from_ms, mean_ms) in [(0.0, USUAL_MS), (100_000.0, now_ms)] {
            for _ in 0..requests {
                let plain = Plain {
                    service,
                    name,
                    start_ms: from_ms + 60_000.0 * rng.random::<f64>(),
                    duration_ms: exponential(&mut rng, mean_ms),
                    failed: false,
                };
                plain.write(&mut book);
            }
        }
    }
    book
}

fn compare(endpoints: &[Endpoint], seed: u64) -> Analysis {
    judged(&book(endpoints, seed), (100.0, 160.0), (0.0, 60.0))
}

fn named(analysis: &Analysis) -> (&str, &str) {
    let operation = analysis.operation.as_ref().expect("requests were compared");
    (&operation.service, &operation.name)
}

#[test]
fn trouble_in_an_operation_that_takes_less_time_is_found() {
    let analysis = compare(
        &[
            ("shop", "GET /", 900, 50.0),
            ("pay", "POST /pay", 200, 150.0),
            ("pay", "rare", 1, 50.0),
        ],
        1,
    );
    let found = analysis.verdict.bottleneck().expect("paying is slower");
    assert_eq!(
        (found.service.as_str(), named(&analysis)),
        ("pay", ("pay", "POST /pay"))
    );
    assert_eq!(analysis.traces, 200);
    let notes = analysis.notes.join("\n");
    assert!(
        notes.contains("1 operation besides `POST /pay` was compared"),
        "{notes}"
    );
    assert!(
        notes.contains("1 request of another operation than `POST /pay` is left out"),
        "{notes}"
    );
}

#[test]
fn operations_of_one_name_are_told_apart_by_their_services() {
    let analysis = compare(&[("shop", "GET", 900, 50.0), ("pay", "GET", 200, 150.0)], 1);
    assert_eq!(named(&analysis), ("pay", "GET"));
    assert!(analysis.verdict.bottleneck().is_some());
}

#[test]
fn of_two_that_changed_the_stronger_is_the_verdict_and_the_other_is_told() {
    let analysis = compare(
        &[
            ("shop", "GET /", 900, 80.0),
            ("pay", "POST /pay", 300, 300.0),
        ],
        1,
    );
    assert_eq!(named(&analysis), ("pay", "POST /pay"));
    let services: Vec<&str> = analysis
        .ranked
        .iter()
        .map(|one| one.service.as_str())
        .collect();
    assert_eq!(services, ["pay", "shop"]);
    let notes = analysis.notes.join("\n");
    assert!(
        notes.contains("requests of `GET /` are slower too"),
        "{notes}"
    );
}

#[test]
fn a_given_operation_is_compared_alone() {
    let book = book(
        &[
            ("shop", "GET /", 900, 50.0),
            ("pay", "POST /pay", 200, 150.0),
        ],
        1,
    );
    let prepared = Prepared::new(&book.observations);
    let config = Config {
        root_operation: Some("GET /".to_owned()),
        ..Config::default()
    };
    let analysis = analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &config,
    );
    assert_eq!(named(&analysis), ("shop", "GET /"));
    assert!(analysis.verdict.bottleneck().is_none());
}

#[test]
fn many_operations_as_ever_are_no_change() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let endpoints = names.map(|name| ("shop", name, 100, USUAL_MS));
    let wrong = (0..60).filter(|&seed| compare(&endpoints, seed).verdict.bottleneck().is_some());
    assert!(wrong.count() <= 1);
}
