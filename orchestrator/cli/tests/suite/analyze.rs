//! `ragdoll analyze` on small recordings of a shop that never heard of ragdoll.

mod bad_input;
mod shop;

use crate::common::{Bench, Ended};
use insta::assert_snapshot;
use serde_json::Value;
use shop::{CALM, REQUESTS, SLOW, Shop};

/// A folder with a calm recording, and one of a slow database.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("calm.jsonl", &CALM.otlp());
    bench.write("slow.jsonl", &SLOW.otlp());
    bench
}

fn analyze(bench: &Bench, arguments: &[&str]) -> Ended {
    bench.ragdoll(&[&["analyze"], arguments].concat())
}

fn report(ended: &Ended) -> String {
    ended.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// From a heading up to the next one.
fn section<'a>(report: &'a str, heading: &str) -> &'a str {
    let from = report
        .find(heading)
        .unwrap_or_else(|| panic!("no {heading} in\n{report}"));
    let rest = &report[from..];
    rest.find("\n\n").map_or(rest, |end| &rest[..end])
}

#[test]
fn a_slow_database_is_named_from_otlp_json() {
    let bench = bench();
    let ended = analyze(&bench, &["slow.jsonl", "--baseline", "calm.jsonl"]).with(0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100));
    assert_snapshot!(report(&ended), @r#"
    ANALYSIS  slow against calm
    120 and 120 requests · 1,200 spans · ragdoll VERSION

    VERDICT
      In `slow`, requests are slow because of orders-db / compute (its own work): it owns 94 % of the
      slowest requests' time (62 % in `calm`) and explains 100 % of the slowdown.
        own work of orders-db on the critical path of the slowest r…  200 ms   was 19.6 ms
        duration of the slowest 17 % of requests, mean                211 ms   was 31.4 ms
        duration of requests, mean                                    207 ms   was 27.5 ms
        traces to look at  000000000000ea660000000000000abc
                           000000000000ea730000000000000abc
                           000000000000ea800000000000000abc

    COMPARED
            from                  length  requests    rate      p50      p95      p99  errors
      slow  2026-03-01T10:01:00Z  59.5 s       120  2.02/s   208 ms   212 ms   213 ms     0 %
      calm  2026-03-01T10:00:00Z  59.5 s       120  2.02/s  27.6 ms  31.7 ms  32.6 ms     0 %
      Requests of `POST /checkout`. The baseline is a recording of its own.

    WHAT EXPLAINS THE CHANGE  best first
         service    instance  cause    requests are  explains  confidence
      1  orders-db  –         compute  slow             100 %       100 %

    WHERE THE SLOWEST REQUESTS' TIME GOES  mean of one request
                           slow (211 ms in all)                   calm (31.4 ms in all)
      orders-db / compute  ████████████████████████████   200 ms  ██▊                           19.6 ms
      stock / compute      ▉                             6.01 ms  ▉                             6.01 ms
      shop / compute       ▌                             3.80 ms  ▌                             3.80 ms
      orders-db / network  ▏                                1 ms  ▏                                1 ms
      stock / network      ▏                                1 ms  ▏                                1 ms

    HOW BUSY THE INSTANCES ARE  busiest first
      instance      in use  was  arrivals     was  open, mean     was  own time      was
      shop-7f            –    –    2.02/s  2.02/s       0.415  0.0551   3.80 ms  3.80 ms
      orders-db-7f       –    –    2.02/s  2.02/s       0.392  0.0323    196 ms  16.2 ms
      stock-7f           –    –    2.02/s  2.02/s      0.0111  0.0111   5.50 ms  5.50 ms
      Slower service, not more load, at orders-db: a call takes 12.1 times as long as before with as
      many beside it.
      Little's law, arrivals × time = open, holds to 0.81 % at half of the instances; furthest off is
      orders-db-7f, by 0.85 %.

    READ
      source      part      format     spans  logs  metrics  dropped  oddities
      calm.jsonl  baseline  OTLP JSON    600     –        –        –         –
      slow.jsonl  window    OTLP JSON    600     –        –        –         –
    "#);
}

/// Whole traces go, of both recordings alike, and the rest has the same verdict.
#[test]
fn of_more_spans_than_are_held_an_even_share_is_analysed() {
    let bench = bench();
    let arguments = ["slow.jsonl", "--baseline", "calm.jsonl"];
    let limited = [&arguments[..], &["--max-spans", "1000"]].concat();
    let ended = analyze(&bench, &limited).with(0);
    assert_snapshot!(section(&ended.stdout, "COMPARED"), @r#"
    COMPARED
            from                  length  requests    rate     p50      p95     p99  errors
      slow  2026-03-01T10:01:00Z  55.0 s        52  1.89/s  207 ms   212 ms  213 ms     0 %
      calm  2026-03-01T10:00:00Z  58.5 s        62  2.12/s   28 ms  31.7 ms   32 ms     0 %
      Requests of `POST /checkout`. The baseline is a recording of its own.
    "#);
    let notes = section(&ended.stdout, "NOTES");
    assert!(notes.contains("one trace in 2 was kept"), "{notes}");
    let named = |report: &str| {
        let verdict = section(report, "VERDICT");
        verdict.split(" it owns").next().map(str::to_owned)
    };
    let whole = analyze(&bench, &arguments).with(0);
    assert_eq!(named(&ended.stdout), named(&whole.stdout));
    let too_few = [&arguments[..], &["--max-spans", "10"]].concat();
    let ended = analyze(&bench, &too_few).with(2);
    assert!(ended.stderr.contains("--max-spans"), "{}", ended.stderr);
}

#[test]
fn the_same_shop_in_jaeger_json_has_the_same_verdict() {
    let bench = bench();
    bench.write("calm.json", &CALM.jaeger());
    bench.write("slow.json", &SLOW.jaeger());
    let ended = analyze(&bench, &["slow.json", "--baseline", "calm.json"]).with(0);
    assert_snapshot!(section(&ended.stdout, "READ"), @r#"
    READ
      source     part      format       spans  logs  metrics  dropped  oddities
      calm.json  baseline  Jaeger JSON    600     –        –        –         –
      slow.json  window    Jaeger JSON    600     –        –        –         –
    "#);
    let otlp = analyze(&bench, &["slow.jsonl", "--baseline", "calm.jsonl"]).with(0);
    let verdict = section(&ended.stdout, "VERDICT");
    assert_eq!(verdict, section(&otlp.stdout, "VERDICT"));
}

#[test]
fn failing_requests_are_traced_to_where_they_go_wrong() {
    let bench = bench();
    let failing = Shop {
        slower_ms: 0,
        one_fails_of: 4,
        ..SLOW
    };
    bench.write("failing.jsonl", &failing.otlp());
    let ended = analyze(&bench, &["failing.jsonl", "--baseline", "calm.jsonl"]).with(0);
    assert_snapshot!(section(&ended.stdout, "VERDICT"), @r#"
    VERDICT
      In `failing`, requests fail because of orders-db / errors (errors: `deadlock_detected`): 100 % of
      the failing requests go wrong there first (0 % in `calm`), which explains 100 % of the new
      failures.
        requests that fail                                     25 %   was 0 %
        failing requests that go wrong first at orders-db     100 %
        failing requests of orders-db with deadlock_detected  100 %
        traces to look at  000000000000ea850000000000000abc
                           000000000000eab10000000000000abc
                           000000000000ea7d0000000000000abc
    "#);
    assert_snapshot!(section(&ended.stdout, "WHERE FAILING"), @r#"
    WHERE FAILING REQUESTS GO WRONG FIRST  and who passed the error on
      service    error              requests  passed on by
      orders-db  deadlock_detected        30  orders-db → shop
        trace 000000000000ea610000000000000abc
    "#);
}

#[test]
fn two_windows_of_one_recording_are_compared() {
    let bench = Bench::new();
    bench.write("day.jsonl", &(CALM.otlp() + &SLOW.otlp()));
    let by_seconds = analyze(&bench, &["day.jsonl", "--window", "60..120"]).with(0);
    assert_snapshot!(section(&by_seconds.stdout, "COMPARED"), @r#"
    COMPARED
                     from                  length  requests    rate      p50      p95      p99  errors
      60 to 119.5 s  2026-03-01T10:01:00Z  59.5 s       120  2.02/s   208 ms   212 ms   213 ms     0 %
      0 to 60 s      2026-03-01T10:00:00Z    60 s       120     2/s  27.6 ms  31.7 ms  32.6 ms     0 %
      Requests of `POST /checkout`. The baseline is all that comes before the window.
    "#);
    assert_snapshot!(section(&by_seconds.stdout, "VERDICT"), @r#"
    VERDICT
      In `60 to 119.5 s`, requests are slow because of orders-db / compute (its own work): it owns 94 %
      of the slowest requests' time (62 % in `0 to 60 s`) and explains 100 % of the slowdown.
        own work of orders-db on the critical path of the slowest r…  200 ms   was 19.6 ms
        duration of the slowest 17 % of requests, mean                211 ms   was 31.4 ms
        duration of requests, mean                                    207 ms   was 27.5 ms
        traces to look at  000000000000ea660000000000000abc
                           000000000000ea730000000000000abc
                           000000000000ea800000000000000abc
    "#);
    let times = "2026-03-01T10:01:00Z..2026-03-01T10:02:00Z";
    let by_times = analyze(&bench, &["day.jsonl", "--window", times]).with(0);
    assert_eq!(by_times.stdout, by_seconds.stdout);
    let by_baseline = analyze(&bench, &["day.jsonl", "--baseline-window", "..60"]).with(0);
    let verdict = section(&by_seconds.stdout, "VERDICT");
    assert_eq!(section(&by_baseline.stdout, "VERDICT"), verdict);
}

#[test]
fn the_window_is_found_where_none_is_given() {
    let bench = Bench::new();
    let calm = CALM.otlp()
        + &Shop {
            from_ms: 60_000,
            ..CALM
        }
        .otlp();
    let after = |slower_ms| {
        let shop = Shop {
            from_ms: 120_000,
            slower_ms,
            ..CALM
        };
        shop.otlp()
    };
    bench.write("day.jsonl", &(calm.clone() + &after(180)));
    let ended = analyze(&bench, &["day.jsonl"]).with(0);
    let said = &ended.stdout;
    assert!(said.contains("The window was found"), "{said}");
    assert!(
        section(said, "VERDICT").contains("orders-db / compute"),
        "{said}"
    );

    bench.write("quiet.jsonl", &(calm + &after(0)));
    let ended = analyze(&bench, &["quiet.jsonl"]).with(0);
    let said = &ended.stdout;
    assert!(
        said.contains("the second half is compared with the first"),
        "{said}"
    );
    assert!(
        section(said, "VERDICT").contains("there is no bottleneck"),
        "{said}"
    );
}

#[test]
fn a_shop_that_is_as_it_was_has_no_bottleneck() {
    let bench = bench();
    let same = Shop {
        slower_ms: 0,
        ..SLOW
    };
    bench.write("same.jsonl", &same.otlp());
    let ended = analyze(&bench, &["same.jsonl", "--baseline", "calm.jsonl"]).with(0);
    assert_snapshot!(section(&ended.stdout, "VERDICT"), @r#"
    VERDICT
      In `same`, there is no bottleneck: nothing changed beyond noise against `calm`.
        duration of the slowest 17 % of requests, mean  31.4 ms   was 31.4 ms
        duration of requests, mean                      27.5 ms   was 27.5 ms
        requests that fail                                  0 %   was 0 %
    "#);
}

#[test]
fn standard_input_and_folders_are_read_too() {
    let bench = bench();
    std::fs::create_dir(bench.path("quiet")).expect("a folder");
    std::fs::rename(bench.path("calm.jsonl"), bench.path("quiet/traces.jsonl")).expect("a move");
    bench.write("quiet/readme.txt", "All was well.\n");
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_ragdoll"));
    command.current_dir(bench.path("."));
    command.args(["analyze", "-", "--baseline", "quiet"]);
    let output = command
        .write_stdin(SLOW.otlp())
        .output()
        .expect("the program starts");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("In `standard input`, requests are slow because of orders-db"),
        "{said}"
    );
    assert!(
        section(&said, "NOTES").contains("quiet/readme.txt was skipped"),
        "{said}"
    );
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let bench = bench();
    let arguments = [
        "slow.jsonl",
        "--baseline",
        "calm.jsonl",
        "--html",
        "page.html",
    ];
    let ended = analyze(&bench, &arguments).with(0);
    assert_eq!(ended.stderr, "The page is in page.html.\n");
    let page = bench.text("page.html");
    for foreign in ["<script", "<link", "@import", "src=", "href=", "url(http"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for part in [
        "orders-db &#x2f; compute",
        "spread now",
        "chart waterfall",
        "slow against calm",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn json_holds_the_analysis_and_what_was_read() {
    let bench = bench();
    let arguments = ["slow.jsonl", "--baseline", "calm.jsonl", "--json"];
    let ended = analyze(&bench, &arguments).with(0);
    let record: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(record["analysis"]["verdict"]["service"], "orders-db");
    assert_eq!(record["analysis"]["verdict"]["cause"], "compute");
    assert_eq!(record["read"]["sources"][0]["name"], "calm.jsonl");
    assert_eq!(record["read"]["sources"][0]["baseline"], true);
    assert_eq!(record["read"]["sources"][1]["baseline"], false);
    assert_eq!(record["read"]["sources"][1]["spans"], 5 * REQUESTS);
    assert_eq!(record["window"]["start"], "2026-03-01T10:01:00Z");
    assert_eq!(record["latencies"]["now"]["looked_at"], REQUESTS);
    assert_eq!(record["exemplar"]["rows"][0]["name"], "POST /checkout");
}

#[test]
fn help_teaches_by_example() {
    let bench = Bench::new();
    let ended = analyze(&bench, &["--help"]).with(0);
    let examples = ended.stdout.matches("ragdoll analyze ").count();
    assert!(examples >= 2, "{}", ended.stdout);
}
