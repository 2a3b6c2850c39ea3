//! What the reports on an analysis say of load, of throughput and of what causes mean.

use crate::common;

use crate::common::analysis::{BASELINE, analysis_of, at, record_of, with_findings};
use crate::common::markup::parse;
use ragdoll_analyser::{
    Analysis, Balance, Cause, Figure, FirstSaturated, LoadChange, Question, Saturation, Series,
    SeriesPoint, SlowerInstance, Uneven, Verdict,
};
use ragdoll_report::{AnalysisRecord, analysis_html};

/// The page with its slashes as readers see them.
fn page_text(record: &AnalysisRecord) -> String {
    analysis_html(record).replace("&#x2f;", "/")
}

/// Metadata is full and its queue grows, the embedder is called more often, one shard gets too much.
fn with_load(mut analysis: Analysis) -> Analysis {
    let whole = |service: &str| {
        let all = analysis.saturation.iter();
        let mut own = all.filter(|one| one.service == service);
        let mut whole: Saturation = own.next().cloned().expect("an instance");
        whole.instance = String::new();
        whole
    };
    let mut metadata = whole("metadata");
    metadata.change = LoadChange::SlowerService;
    metadata.slower_at_same_load = Some(3.125);
    metadata.now.arrival_rate_per_s = 39.75;
    metadata.now.departure_rate_per_s = 39.5;
    metadata.now.queue_growth = Some(85.0);
    metadata.queue_grows_from_s = Some(3.0);
    let mut embedder = whole("embedder");
    embedder.change = LoadChange::MoreLoad;
    embedder.slows_with_load = true;
    embedder.slower_with_load = Some(1.5);
    embedder.now.arrival_rate_per_s = 39.75;
    if let Some(before) = &mut embedder.before {
        before.arrival_rate_per_s = 26.5;
    }
    analysis.load.services = vec![metadata, embedder];
    analysis.load.first = Some(FirstSaturated {
        service: "metadata".to_owned(),
        instance: "metadata-0".to_owned(),
        from_s: 4.5,
        by_use: true,
        next: Some(("gateway".to_owned(), 9.0)),
    });
    analysis.load.unbalanced = vec![Balance {
        service: "shard".to_owned(),
        instances: 4,
        most: Some(Uneven {
            instance: "shard-2-0".to_owned(),
            share: 0.44,
            baseline_share: Some(0.25),
            time_share: 0.61,
            variation: 0.4,
            p_value: 1e-9,
        }),
        slower: Some(SlowerInstance {
            instance: "shard-2-0".to_owned(),
            ratio: 1.9,
            p_value: 1e-6,
        }),
    }];
    analysis
}

#[test]
fn load_is_told_with_what_follows_from_it() {
    let record = record_of(with_load(analysis_of(&common::lock_bottleneck())));
    let (terminal, page) = (at(400, 20, &record), page_text(&record));
    for part in [
        "metadata-0 saturates first, from 4.50 s into the window on; gateway follows at 9 s.",
        "The queue of metadata grows, from 3 s into the window on: 39.8/s calls arrive and 39.5/s depart; \
         at its longest 85 more are open.",
        "Slower service, not more load, at metadata: a call takes 3.13 times as long as before with as \
         many beside it.",
        "More load, not slower service, at embedder: 1.50 times as many calls arrive, and each takes as \
         long as before with as many beside it.",
        "Calls of embedder get in each other",
        "shard-2-0 gets 44 % of the calls of shard, was 25 %, and 61 % of its time; 25 % would be an \
         equal share of 4 instances.",
        "shard-2-0 takes 1.90 times as long for a call as its siblings do with as many beside it.",
        "arrivals × time = open, holds to",
    ] {
        assert!(terminal.contains(part), "{part} in\n{terminal}");
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_busy_instance_is_shown_with_what_it_was_before() {
    let mut record = record_of(analysis_of(&common::lock_bottleneck()));
    record.analysis.saturation[5].now.utilization = Some(0.5);
    record.analysis.saturation[5].now.is_inferred = true;
    let wide = at(100, 20, &record);
    let (_, table) = wide.split_once("HOW BUSY").expect("a section");
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(
        table.contains("busiest first; ~ is inferred from spans"),
        "{table}"
    );
    assert_eq!(lines[1][..4], ["instance", "in", "use", "was"]);
    assert_eq!(lines[2][..3], ["metadata-0", "100", "%"], "{table}");
    assert_eq!(lines[3][..3], ["shard-0-0", "~50", "%"], "{table}");
    assert!(table.contains("own time"), "{table}");
    assert!(!at(80, 20, &record).contains("own time"), "no room for it");
}

#[test]
fn fewer_answers_are_told_where_they_are_not_the_verdict() {
    let mut record = record_of(analysis_of(&common::lock_bottleneck()));
    assert!(!at(100, 5, &record).contains("FEWER"));
    let mut found = record.analysis.latency.clone().expect("an answer");
    found.question = Question::Throughput;
    found.evidence.insert(
        0,
        Figure {
            what: "requests answered".to_owned(),
            value: 21.5,
            baseline: Some(39.75),
            unit: "1/s".to_owned(),
        },
    );
    record.analysis.throughput = Some(found);
    let (terminal, page) = (at(400, 5, &record), page_text(&record));
    let sentence = "fewer requests are answered because of metadata / lock";
    assert!(
        terminal.contains("FEWER REQUESTS ARE ANSWERED"),
        "{terminal}"
    );
    assert!(terminal.contains(sentence) && page.contains(sentence));
    for figure in ["requests answered", "21.5/s", "39.8/s"] {
        assert!(terminal.contains(figure), "{figure} in {terminal}");
        assert!(page.contains(figure), "{figure}");
    }
}

#[test]
fn the_place_is_drawn_over_time() {
    let mut record = record_of(analysis_of(&common::lock_bottleneck()));
    assert!(!analysis_html(&record).contains("series now"));
    let points = |place_ms: f64| -> Vec<SeriesPoint> {
        let at = 0..40;
        at.map(|at| SeriesPoint {
            from_s: 1.5 * f64::from(at),
            requests: 60,
            place_ms: Some(place_ms * f64::from(at)),
            open: f64::from(at),
        })
        .collect()
    };
    record.analysis.series = Some(Series {
        service: "metadata".to_owned(),
        cause: Some(Cause::Lock),
        now: points(50.0),
        before: points(0.5),
    });
    parse(&analysis_html(&record)).unwrap_or_else(|problem| panic!("{problem}"));
    let page = page_text(&record);
    for part in [
        "series now",
        "series before",
        "time of metadata / lock",
        "open at metadata",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn an_error_with_a_name_is_named() {
    let mut analysis = analysis_of(&common::errors_with_traits());
    let Verdict::Bottleneck(found) = &mut analysis.verdict else {
        panic!("a bottleneck");
    };
    found.cause = Cause::Errors;
    let named = at(400, 5, &record_of(analysis.clone()));
    assert!(named.contains("(errors: `CANCELLED`)"), "{named}");
    for origin in &mut analysis.error_origins {
        origin.error = "error".to_owned();
    }
    let unnamed = at(400, 5, &record_of(analysis));
    let reason = "errors whose reason the telemetry does not show";
    assert!(unnamed.contains(reason), "{unnamed}");
}

#[test]
fn pauses_are_not_called_a_lack_of_memory() {
    let mut analysis = analysis_of(&common::errors_with_traits());
    let Verdict::Bottleneck(found) = &mut analysis.verdict else {
        panic!("a bottleneck");
    };
    found
        .evidence
        .retain(|figure| !figure.what.contains("restarts"));
    found.evidence[0].what = "time that reranker-0 stood still to collect garbage".to_owned();
    let page = at(400, 5, &record_of(analysis));
    assert!(
        page.contains("(standing still to reclaim memory)"),
        "{page}"
    );
}

#[test]
fn what_is_undone_is_a_share_of_one_operation() {
    let mut analysis = with_findings(analysis_of(&common::lock_bottleneck()));
    let Verdict::Bottleneck(found) = &mut analysis.verdict else {
        panic!("a bottleneck");
    };
    found.question = Question::Calls;
    found.service = "checkout".to_owned();
    (found.share, found.baseline_share) = (0.4, 0.01);
    let page = at(400, 5, &record_of(analysis));
    let sentence = "checkout no longer does all that it did: 40 % of its `POST /pay` lack the calls of \
                    `Charge`, `Ship` (1 % in `";
    let sentence = format!("{sentence}{BASELINE}`).");
    assert!(page.contains(&sentence), "{page}");
}
