//! What the templates are given: text that is ready to be shown, and finished pictures.

use minijinja::{Value, context};
use ragdoll_analyser::{Analysis, Attribution, Bottleneck, Cause, Question, Verdict};
use ragdoll_experiment::{Exemplar, FaultWitness, Outcome, PhaseRecord, RunRecord};

use super::{system, tail, timeline, waterfall};
use crate::figures::{count, ms, quality, rate, seconds, share, significant, with_unit};
use crate::words::{self, Judged, Mark};
use crate::{causes, instances, load};

const PARTS_MAX: usize = 8;
const SATURATED_MAX: usize = 12;
const REMARKS_MAX: usize = 8;
const EXEMPLARS_MAX: usize = 2;

/// Values as a list of the template language.
pub(crate) fn list(values: impl Iterator<Item = Value>) -> Value {
    values.collect::<Vec<Value>>().into()
}

/// A finished picture, which is not escaped again.
pub(crate) fn picture(svg: Option<String>) -> Value {
    svg.map_or(Value::from(()), Value::from_safe_string)
}

pub(super) fn run(record: &RunRecord) -> Value {
    let judged = words::judged(record);
    let reasons: &[String] = match &record.outcome {
        Outcome::Inconclusive { reasons } => reasons,
        _ => &[],
    };
    let held = record.expectations.iter().filter(|one| one.held).count();
    let files = record.files.iter();
    context! {
        outcome => record.outcome.name(),
        title => words::printable(&record.title),
        description => record.description.as_str(),
        reasons => list(reasons.iter().map(|reason| reason.trim_end_matches('.').into())),
        facts => facts(record),
        verdicts => list(judged.iter().map(|one| verdict(*one))),
        expectations => list(record.expectations.iter().map(|one| context! {
            mark => match words::mark(&record.outcome, one.held) {
                Mark::Held => "held",
                Mark::NotHeld => "not held",
                Mark::Unknown => "unknown",
            },
            text => one.text.as_str(),
            found => one.found.as_str(),
            reason => one.reason.as_str(),
            because => one.because.as_str(),
        })),
        held => held,
        timeline => picture(timeline::chart(record)),
        phases => list(record.phases.iter().map(phase)),
        comparisons => list(comparisons(record, &judged).into_iter()),
        faults => list(record.faults.iter().map(|one| fault(record, one))),
        counterfactual => super::counterfactual::section(record),
        notes => list(words::notes(record).into_iter().map(Value::from)),
        files => list(files.map(|file| context! {
            name => file.name.as_str(),
            what => file.what.as_str(),
        })),
        replay => words::replay(record),
    }
}

fn facts(record: &RunRecord) -> Value {
    let mut facts = vec![
        ("experiment", record.file.clone()),
        ("seed", record.seed.to_string()),
        ("ragdoll", record.version.clone()),
        ("ground", record.ground.clone()),
        ("simulated", seconds(words::simulated_s(record))),
    ];
    if let Some(wall) = &record.wall {
        facts.push(("took", seconds(wall.seconds)));
        let speed = format!(
            "{} requests/s on {} cores",
            significant(wall.requests_per_s.round()),
            wall.cores
        );
        facts.push(("speed", speed));
    }
    let fact = |(name, value): (&'static str, String)| context! { name, value };
    list(facts.into_iter().map(fact))
}

/// The card of one comparison's answer.
pub(crate) fn verdict(judged: Judged<'_>) -> Value {
    let analysis = judged.analysis;
    let kind = match &analysis.verdict {
        Verdict::Bottleneck(_) => "bottleneck",
        Verdict::NoBottleneck { .. } => "none",
        Verdict::NotEnoughData { .. } => "unknown",
    };
    let traits = analysis.shared_traits.iter().take(3);
    context! {
        kind,
        phase => judged.phase,
        against => judged.against,
        short => words::short_verdict(&analysis.verdict),
        bar => analysis.verdict.bottleneck().map(share_bar),
        sentence => words::sentence(judged),
        aside => words::aside(analysis),
        evidence => list(words::evidence(&analysis.verdict).iter().map(|figure| context! {
            what => figure.what.as_str(),
            value => with_unit(figure.value, &figure.unit),
            before => figure.baseline.map(|before| with_unit(before, &figure.unit)),
        })),
        shared => list(traits.map(|one| Value::from(words::shared(analysis, one)))),
        traces => list(example_traces(analysis).into_iter().map(Value::from)),
    }
}

fn share_bar(bottleneck: &Bottleneck) -> Value {
    context! {
        class => causes::class(bottleneck.cause),
        label => match bottleneck.question {
            Question::Latency | Question::Throughput => "of the slowest requests' time",
            Question::Errors => "of the failing requests",
            Question::Calls => "of the operation's calls",
        },
        share => share(bottleneck.share),
        width => percent(bottleneck.share),
        before => share(bottleneck.baseline_share),
        width_before => percent(bottleneck.baseline_share),
    }
}

/// A share as the width of a bar.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)
}

fn example_traces(analysis: &Analysis) -> Vec<&str> {
    let found = analysis.verdict.bottleneck();
    let traces = found.map_or(&[][..], |found| &found.example_traces);
    traces.iter().take(3).map(String::as_str).collect()
}

fn phase(phase: &PhaseRecord) -> Value {
    let stats = &phase.stats;
    let changed = phase.indicators.iter().filter(|one| one.moved);
    let changed: Vec<String> = changed.map(words::change).collect();
    context! {
        name => phase.name.as_str(),
        done => words::done(phase),
        time => format!(
            "{} to {} s", significant(phase.start_s), significant(phase.start_s + phase.duration_s)
        ),
        requests => count(stats.requests),
        offered => rate(stats.offered_per_s),
        served => rate(stats.throughput_per_s),
        mean => ms(stats.mean_ms),
        p50 => ms(stats.p50_ms),
        p95 => ms(stats.p95_ms),
        p99 => ms(stats.p99_ms),
        max => ms(stats.max_ms),
        failing => stats.failed > 0,
        errors => share(stats.error_rate),
        by_type => words::errors_by_type(phase),
        recall => quality(stats.recall),
        precision => quality(stats.precision),
        changed => changed.join(", "),
    }
}

/// One section for each comparison; a phase that is compared with nothing has one where there is a
/// trace to show.
fn comparisons(record: &RunRecord, judged: &[Judged<'_>]) -> Vec<Value> {
    let mut sections = Vec::new();
    for (index, one) in judged.iter().enumerate() {
        let first = judged[..index].iter().all(|other| other.phase != one.phase);
        let traces = if first {
            exemplars(record, one.phase)
        } else {
            list([].into_iter())
        };
        let system = system::picture(record, *one);
        sections.push(comparison(system, *one, traces));
    }
    for phase in &record.phases {
        let shown = judged.iter().any(|one| one.phase == phase.name);
        let has_traces = record.exemplars.iter().any(|one| one.phase == phase.name);
        if !shown && has_traces {
            let exemplars = exemplars(record, &phase.name);
            sections.push(context! { phase => phase.name.as_str(), exemplars });
        }
    }
    sections
}

/// One comparison, with a picture of the system where there is one, and with traces to look at.
pub(crate) fn comparison(system: Option<String>, judged: Judged<'_>, exemplars: Value) -> Value {
    let analysis = judged.analysis;
    let parts = words::parts(analysis, PARTS_MAX);
    let traits = analysis.shared_traits.iter();
    context! {
        phase => judged.phase,
        against => judged.against,
        traces => count(analysis.traces),
        baseline_traces => count(analysis.baseline_traces),
        system => picture(system),
        tail => picture(tail::chart(judged)),
        parts => list(parts.shown.into_iter().map(part)),
        rest => (parts.rest_ms > 0.0 || parts.rest_baseline_ms > 0.0).then(|| context! {
            now => ms(parts.rest_ms),
            before => ms(parts.rest_baseline_ms),
            change => change(parts.rest_ms - parts.rest_baseline_ms),
        }),
        exemplars,
        origins => list(analysis.error_origins.iter().take(5).map(|origin| context! {
            service => origin.service.as_str(),
            error => origin.error.as_str(),
            requests => count(origin.requests),
            path => origin.path.join(" → "),
            trace => origin.example_traces.first().map(String::as_str),
        })),
        traits => list(traits.take(5).map(|one| context! {
            condition => format!("{} {}", one.attribute, one.condition),
            affected => share(one.share_affected),
            width_affected => percent(one.share_affected),
            others => share(one.share_others),
            width_others => percent(one.share_others),
            p_value => probability(one.p_value),
        })),
        saturation => saturation(analysis),
        load => list(load::remarks(analysis).into_iter().take(REMARKS_MAX).map(Value::from)),
    }
}

fn part(part: &Attribution) -> Value {
    context! {
        class => causes::class(part.cause),
        wait => causes::is_wait(part.cause),
        place => format!("{} / {}", part.service, part.cause),
        meaning => causes::meaning(part.cause),
        now => ms(part.tail_ms),
        before => ms(part.baseline_tail_ms),
        change => change(part.tail_ms - part.baseline_tail_ms),
        mean => ms(part.mean_ms),
        mean_before => ms(part.baseline_mean_ms),
    }
}

fn change(difference_ms: f64) -> String {
    let sign = if difference_ms < 0.0 { "−" } else { "+" };
    format!("{sign}{}", ms(difference_ms.abs()))
}

pub(crate) fn probability(p_value: f64) -> String {
    if p_value < 0.001 {
        "< 0.001".to_owned()
    } else {
        significant(p_value)
    }
}

/// The busiest instances first; those whose use is not known follow by the requests they have open.
fn saturation(analysis: &Analysis) -> Value {
    let mut all: Vec<_> = analysis.saturation.iter().collect();
    instances::busiest_first(&mut all);
    list(all.into_iter().take(SATURATED_MAX).map(|one| {
        let (now, before) = (&one.now, one.before.as_ref());
        context! {
            instance => instances::party(&one.service, &one.instance),
            arrivals => rate(now.arrival_rate_per_s),
            arrivals_before => before.map(|load| rate(load.arrival_rate_per_s)),
            concurrency => significant(now.concurrency),
            concurrency_before => before.map(|load| significant(load.concurrency)),
            own_time => ms(now.own_time_ms),
            own_time_before => before.map(|load| ms(load.own_time_ms)),
            busy => now.utilization.map(|busy| instances::in_use(now, busy)),
            busy_before => before.and_then(|load| Some(instances::in_use(load, load.utilization?))),
            width => now.utilization.map(percent),
            level => match now.utilization {
                Some(busy) if busy >= 0.9 => "high",
                Some(busy) if busy >= 0.7 => "middle",
                _ => "low",
            },
        }
    }))
}

fn exemplars(record: &RunRecord, phase: &str) -> Value {
    let of_phase = record.exemplars.iter().filter(|one| one.phase == phase);
    list(of_phase.take(EXEMPLARS_MAX).map(|one| {
        let causes: Vec<_> = one
            .rows
            .iter()
            .map(|row| causes::of_span(&row.name))
            .collect();
        exemplar(one, &causes)
    }))
}

/// A trace to look at, with the cause that colours each of its spans.
pub(crate) fn exemplar(exemplar: &Exemplar, causes: &[Option<Cause>]) -> Value {
    let drawn = waterfall::chart(exemplar, causes);
    context! {
        trace => exemplar.trace_id.as_str(),
        duration => ms(exemplar.duration_ms),
        svg => Value::from_safe_string(drawn.svg),
        hidden => drawn.hidden,
    }
}

fn fault(record: &RunRecord, witness: &FaultWitness) -> Value {
    let decoy = words::is_decoy(record, witness);
    context! {
        phase => witness.phase.as_str(),
        kind => witness.kind.as_str(),
        target => witness.target.as_str(),
        probability => share(witness.probability),
        fired => format!("{} of {}", count(witness.firings), count(witness.opportunities)),
        requests => count(witness.requests_touched),
        added => (witness.injected_ms > 0.0).then(|| ms(witness.injected_ms)),
        felt => words::felt(record, witness),
        unfelt => witness.firings == 0 || (witness.moved().next().is_none() && !decoy),
    }
}
