//! Traces of a system that says neither the kinds of its spans nor their status: a shop whose frontend
//! calls four services one after the other, and a fifth for some requests.

use std::collections::BTreeMap;

use crate::common::{Book, span, window};
use ragdoll_analyser::{Analysis, Cause, Config, Prepared, Question, Verdict, analyse};
use ragdoll_trace::SpanKind;

const CALLED: [&str; 4] = ["cart", "catalog", "recommendation", "ads"];
const REQUESTS: usize = 400;
const LENGTH_S: f64 = 60.0;

/// What differs from the usual: milliseconds on the way and of work, by service.
#[derive(Clone, Default)]
struct Shop {
    on_the_way_ms: BTreeMap<&'static str, f64>,
    work_ms: BTreeMap<&'static str, f64>,
    /// Every so many requests return after their first call; 0 for none.
    returns_early_every: usize,
    /// Every so many requests call `email` too; 0 for none.
    mails_every: usize,
    /// Every so many requests take far longer than others; 0 for none.
    long_every: usize,
}

/// Numbers from 0 to 1 without a pattern that matters: multiples of the golden ratio.
fn noise(number: usize) -> f64 {
    (number as f64 * 0.618_033_988_749_895).fract()
}

impl Shop {
    fn farther(mut self, service: &'static str, ms: f64) -> Self {
        self.on_the_way_ms.insert(service, ms);
        self
    }

    fn slower(mut self, service: &'static str, ms: f64) -> Self {
        self.work_ms.insert(service, ms);
        self
    }

    fn write(&self, book: &mut Book, from_s: f64) {
        for number in 0..REQUESTS {
            let start_ms = from_s * 1e3 + number as f64 * LENGTH_S * 1e3 / REQUESTS as f64;
            self.request(book, number, from_s as usize * REQUESTS + number, start_ms);
        }
    }

    fn request(&self, book: &mut Book, number: usize, trace: usize, start_ms: f64) {
        let is_every = |every: usize| every > 0 && number % every == every - 1;
        let mut called: Vec<&str> = CALLED.to_vec();
        if is_every(self.returns_early_every) {
            called.truncate(1);
        }
        if is_every(self.mails_every) {
            called.push("email");
        }
        let (trace_id, root) = (trace as u128 + 1, book.id());
        let mut now_ms = start_ms + 1.0;
        for (position, service) in called.into_iter().enumerate() {
            let chance = noise(trace * 7 + position);
            let extra = |of: &BTreeMap<&str, f64>| of.get(service).copied().unwrap_or(0.0);
            let way_ms = 1.0 + chance + extra(&self.on_the_way_ms);
            let is_long = service == "catalog" && number % self.long_every.max(1) == 1;
            let long_ms = if is_long { 200.0 } else { 0.0 };
            let work_ms = 4.0 + 4.0 * noise(trace * 3 + position) + extra(&self.work_ms) + long_ms;
            let (call, served) = (book.id(), book.id());
            let operation = format!("shop.{service}/Get");
            let (from_ms, to_ms) = (now_ms + way_ms / 2.0, now_ms + way_ms / 2.0 + work_ms);
            let unspecified = SpanKind::Unspecified;
            let work = span(service, &format!("{service}-0"), &operation, from_ms, to_ms);
            book.add(trace_id, served, work.kind(unspecified).under(call));
            let end_ms = now_ms + way_ms + work_ms;
            let calling = span("frontend", "frontend-0", &operation, now_ms, end_ms);
            book.add(trace_id, call, calling.kind(unspecified).under(root));
            now_ms = end_ms + 0.5;
        }
        let answer = span("frontend", "frontend-0", "Recv", start_ms, now_ms);
        book.add(trace_id, root, answer.kind(SpanKind::Unspecified));
    }
}

fn compare(before: &Shop, now: &Shop) -> Analysis {
    let mut book = Book::default();
    before.write(&mut book, 0.0);
    now.write(&mut book, 100.0);
    let prepared = Prepared::new(&book.observations);
    let (window, baseline) = (window(100.0, 160.0), window(0.0, 60.0));
    analyse(&prepared, &window, &baseline, &Config::default())
}

fn expect(now: &Shop, service: &str, cause: Cause, question: Question) -> Analysis {
    let usual = Shop {
        mails_every: now.mails_every,
        long_every: now.long_every,
        ..Shop::default()
    };
    let analysis = compare(&usual, now);
    let found = analysis.verdict.bottleneck();
    let found = found.map(|found| (found.service.as_str(), found.cause, found.question));
    assert_eq!(
        found,
        Some((service, cause, question)),
        "{:#?}",
        analysis.ranked
    );
    analysis
}

#[test]
fn a_system_as_it_always_was_has_no_bottleneck() {
    let analysis = compare(&Shop::default(), &Shop::default());
    assert!(
        matches!(analysis.verdict, Verdict::NoBottleneck { .. }),
        "{:#?}",
        analysis.verdict
    );
    assert!(analysis.structure.is_empty());
}

#[test]
fn a_callee_that_is_far_is_the_network_of_that_callee() {
    let now = Shop::default().farther("cart", 40.0);
    expect(&now, "cart", Cause::Network, Question::Latency);
}

#[test]
fn a_callee_that_works_longer_is_its_own_work() {
    let now = Shop::default().slower("catalog", 40.0);
    expect(&now, "catalog", Cause::Compute, Question::Latency);
}

#[test]
fn a_callee_that_is_slow_in_all_that_it_does_lacks_processors() {
    let now = Shop::default().slower("cart", 30.0).farther("cart", 40.0);
    expect(&now, "cart", Cause::Cpu, Question::Latency);
}

#[test]
fn a_caller_that_waits_longer_for_everybody_is_slow_itself() {
    let now = CALLED
        .into_iter()
        .fold(Shop::default(), |shop, called| shop.farther(called, 40.0));
    let analysis = expect(&now, "frontend", Cause::Network, Question::Latency);
    let owned = analysis.attribution.iter().map(|place| place.mean_ms);
    let whole = analysis.ranked[0]
        .evidence
        .iter()
        .find(|figure| figure.what == "duration of requests, mean");
    let whole_ms = whole.expect("a figure of all requests").value;
    let sum_ms: f64 = owned.sum();
    assert!((sum_ms - whole_ms).abs() < 1e-6, "{sum_ms} of {whole_ms}");
}

#[test]
fn a_service_that_returns_early_is_at_the_edge_of_a_hole() {
    let now = Shop {
        returns_early_every: 4,
        ..Shop::default()
    };
    let analysis = expect(&now, "frontend", Cause::Errors, Question::Calls);
    let hole = &analysis.structure[0];
    assert_eq!(hole.operation, "Recv");
    assert_eq!(
        hole.vanished,
        [
            "shop.ads/Get",
            "shop.catalog/Get",
            "shop.recommendation/Get"
        ]
    );
    assert!((hole.share - 0.25).abs() < 1e-9 && hole.baseline_share == 0.0);
    assert!(analysis.latency.is_none(), "nothing is slower");
}

#[test]
fn a_service_that_a_few_requests_need_is_found_among_those() {
    let now = Shop {
        mails_every: 10,
        long_every: 5,
        ..Shop::default()
    };
    let now = now.farther("email", 30.0);
    expect(&now, "email", Cause::Network, Question::Latency);
}

#[test]
fn of_two_causes_both_are_ranked_before_all_else() {
    let now = Shop::default().farther("cart", 60.0).slower("ads", 30.0);
    let analysis = expect(&now, "cart", Cause::Network, Question::Latency);
    let second = &analysis.ranked[1];
    assert_eq!(
        (second.service.as_str(), second.cause),
        ("ads", Cause::Compute)
    );
    assert!(analysis.ranked[0].confidence > 0.99 && second.confidence > 0.99);
}

/// One service that serves one call at a time, and records no wait: `per_s` calls a second, each of about
/// `work_ms`.
fn one_server(book: &mut Book, from_s: f64, per_s: f64, work_ms: f64) {
    let mut free_from_ms = 0.0;
    let calls = (LENGTH_S * per_s) as usize;
    let mut now_ms = from_s * 1e3;
    for number in 0..calls {
        // Exponential gaps between arrivals, of numbers without a pattern that matters.
        let chance = noise(number * 31 + from_s as usize).clamp(1e-6, 1.0 - 1e-6);
        now_ms += -(1.0 - chance).ln() * 1e3 / per_s;
        let start_ms = f64::max(now_ms, free_from_ms);
        free_from_ms = start_ms + work_ms * (0.9 + 0.2 * noise(number * 17));
        let (root, call, served) = (book.id(), book.id(), book.id());
        let trace_id = (from_s as u128 + 1) * 1_000_000 + number as u128;
        let unspecified = SpanKind::Unspecified;
        let end_ms = free_from_ms;
        let work = span("db", "db-0", "SELECT", now_ms + 1.0, end_ms + 1.0);
        book.add(trace_id, served, work.kind(unspecified).under(call));
        let calling = span("web", "web-0", "query", now_ms + 0.5, end_ms + 1.5);
        book.add(trace_id, call, calling.kind(unspecified).under(root));
        let answer = span("web", "web-0", "GET", now_ms, end_ms + 2.0);
        book.add(trace_id, root, answer.kind(unspecified));
    }
}

fn busier(per_s: f64, work_ms: f64) -> (String, Cause) {
    let mut book = Book::default();
    one_server(&mut book, 0.0, 10.0, 20.0);
    one_server(&mut book, 100.0, per_s, work_ms);
    let prepared = Prepared::new(&book.observations);
    let (window, baseline) = (window(100.0, 160.0), window(0.0, 60.0));
    let analysis = analyse(&prepared, &window, &baseline, &Config::default());
    let found = analysis.verdict.bottleneck().expect("calls are slower");
    (found.service.clone(), found.cause)
}

#[test]
fn a_wait_that_nobody_recorded_is_told_from_slower_work() {
    assert_eq!(busier(46.0, 20.0), ("db".to_owned(), Cause::Queue));
    assert_eq!(busier(10.0, 45.0), ("db".to_owned(), Cause::Compute));
}
