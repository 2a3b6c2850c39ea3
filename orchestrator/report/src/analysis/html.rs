//! The analysis as one page that needs nothing beside itself.

use minijinja::{Value, context};
use ragdoll_analyser::{Analysis, Bottleneck, StructureChange, Verdict};

use super::record::{AnalysisRecord, SourceRecord, WindowRecord};
use super::{Requests, distribution, series, texts};
use crate::figures::{count, ms, rate, seconds, share, with_unit};
use crate::html::context::{comparison, exemplar, list, percent, picture, probability, verdict};
use crate::html::environment;
use crate::{causes, meaning, words};

const TEMPLATE: &str = include_str!("analysis.html");
const STYLE: &str = include_str!("analysis.css");

/// The report of an analysis as one HTML file that works offline and in print.
pub fn analysis_html(record: &AnalysisRecord) -> String {
    let mut environment = environment();
    for (name, source) in [("analysis.html", TEMPLATE), ("analysis.css", STYLE)] {
        environment
            .add_template(name, source)
            .unwrap_or_else(|error| panic!("the report's own template {name}: {error:#}"));
    }
    let page = environment
        .get_template("analysis.html")
        .and_then(|template| template.render(context! { analysis => page(record) }));
    page.unwrap_or_else(|error| panic!("the report's own templates are sound: {error:#}"))
}

fn page(record: &AnalysisRecord) -> Value {
    let analysis = &record.analysis;
    let judged = texts::judged(record);
    let (heading, remark) = texts::ranked_heading(&analysis.verdict);
    context! {
        class => match &analysis.verdict {
            Verdict::Bottleneck(_) => "failed",
            Verdict::NoBottleneck { .. } => "passed",
            Verdict::NotEnoughData { .. } => "inconclusive",
        },
        outcome => match &analysis.verdict {
            Verdict::Bottleneck(_) => "bottleneck",
            Verdict::NoBottleneck { .. } => "no bottleneck",
            Verdict::NotEnoughData { .. } => "not enough data",
        },
        title => words::printable(&words::short_verdict(&analysis.verdict)),
        window => record.window.name.as_str(),
        baseline => record.baseline.name.as_str(),
        facts => facts(record),
        compared => texts::compared(record),
        windows => list([
            window(record, &record.window, analysis.traces, &record.latencies.now),
            window(record, &record.baseline, analysis.baseline_traces, &record.latencies.before),
        ].into_iter()),
        verdict => verdict(judged),
        heading,
        remark,
        ranked => list(analysis.ranked.iter().enumerate().map(|one| ranked(analysis, one))),
        throughput => texts::throughput(record).map(|found| throughput(record, found)),
        series => picture(series::chart(analysis.series.as_ref())),
        series_caption => analysis.series.as_ref().map(series::caption),
        spread => picture(distribution::chart(&record.latencies)),
        comparison => comparison(None, judged, list(record.exemplar.iter().map(|one| exemplar(one, &record.causes)))),
        structure => list(texts::holes(record).into_iter().map(structure)),
        other_calls => list(texts::other_calls(record).into_iter().map(Value::from)),
        serial => list(record.analysis.serial_calls.iter().map(|one| texts::serial(one).into())),
        given_up => list(record.analysis.given_up.iter().map(|one| texts::given_up(one).into())),
        sources => list(record.read.sources.iter().map(source)),
        notes => list(texts::notes(record).into_iter().map(Value::from)),
    }
}

fn throughput(record: &AnalysisRecord, found: &Bottleneck) -> Value {
    context! {
        sentence => words::because(texts::judged(record), found),
        evidence => list(found.evidence.iter().map(|figure| context! {
            what => figure.what.as_str(),
            value => with_unit(figure.value, &figure.unit),
            before => figure.baseline.map(|before| with_unit(before, &figure.unit)),
        })),
    }
}

fn facts(record: &AnalysisRecord) -> Value {
    let facts = [
        ("spans", count(record.read.spans())),
        ("sources", count(record.read.sources.len() as u64)),
        (
            "operation",
            record.operation.clone().unwrap_or_else(|| "–".to_owned()),
        ),
        ("ragdoll", record.version.clone()),
    ];
    list(
        facts
            .into_iter()
            .map(|(name, value)| context! { name, value }),
    )
}

fn window(
    record: &AnalysisRecord,
    window: &WindowRecord,
    traces: u64,
    requests: &Requests,
) -> Value {
    let known = requests.looked_at > 0;
    let time = |value: f64| if known { ms(value) } else { "–".to_owned() };
    let failed = requests.failed as f64 / requests.looked_at.max(1) as f64;
    context! {
        name => window.name.as_str(),
        from => window.start.as_str(),
        to => window.end.as_str(),
        length => seconds(window.seconds),
        requests => count(traces),
        rate => rate(record.read.scaled_up(traces) / window.seconds.max(f64::MIN_POSITIVE)),
        p50 => time(requests.p50_ms),
        p95 => time(requests.p95_ms),
        p99 => time(requests.p99_ms),
        longest => time(requests.longest_ms),
        errors => if known { share(failed) } else { "–".to_owned() },
        failing => requests.failed > 0,
    }
}

fn ranked(analysis: &Analysis, (index, one): (usize, &Bottleneck)) -> Value {
    context! {
        rank => index + 1,
        service => one.service.as_str(),
        instance => texts::instance(one),
        cause => one.cause.name(),
        class => causes::class(one.cause),
        wait => causes::is_wait(one.cause),
        meaning => meaning::of(one, analysis),
        question => texts::question(one.question),
        share => share(one.share),
        before => share(one.baseline_share),
        explains => share(one.explains),
        width => percent(one.explains),
        confidence => share(one.confidence),
        trace => one.example_traces.first().map(String::as_str),
    }
}

fn structure(change: &StructureChange) -> Value {
    context! {
        service => change.service.as_str(),
        operation => change.operation.as_str(),
        vanished => texts::vanished(change),
        spans => count(change.spans),
        share => share(change.share),
        before => share(change.baseline_share),
        p_value => probability(change.p_value),
    }
}

fn source(source: &SourceRecord) -> Value {
    let oddities = |kinds: &std::collections::BTreeMap<String, u64>| {
        let words = kinds
            .iter()
            .map(|(kind, number)| format!("{kind} × {}", count(*number)));
        words.collect::<Vec<_>>().join(", ")
    };
    context! {
        name => source.name.as_str(),
        part => if source.baseline { "baseline" } else { "window" },
        format => texts::format(source),
        odd => source.format.is_none(),
        spans => count(source.spans),
        logs => count(source.log_events),
        metrics => count(source.metric_points),
        dropped => oddities(&source.dropped),
        repaired => oddities(&source.repaired),
        skipped => source.skipped.as_deref(),
    }
}
