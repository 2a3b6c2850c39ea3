//! Where the slow tail's time goes: a stacked bar for the phase above one for its baseline.

use ragdoll_analyser::{Analysis, Attribution};

use super::axis::{Scale, round_up, time_label};
use super::svg::{Anchor, Svg, fitting};
use crate::causes;
use crate::figures::{ms, share};
use crate::words::Judged;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 870.0;
const BAR_HEIGHT: f64 = 38.0;
const TOPS: [f64; 2] = [8.0, 60.0];
const AXIS_Y: f64 = 108.0;
const HEIGHT: f64 = 134.0;
const SMALLEST_PX: f64 = 0.5;

/// The two bars, or nothing where the analyser attributes no time.
pub(crate) fn chart(judged: Judged<'_>) -> Option<String> {
    let analysis = judged.analysis;
    if analysis.attribution.is_empty() {
        return None;
    }
    let now: f64 = analysis.attribution.iter().map(|part| part.tail_ms).sum();
    let before_parts = analysis.attribution.iter();
    let before: f64 = before_parts.map(|part| part.baseline_tail_ms).sum();
    let x = Scale::linear(0.0, round_up(now.max(before)), LEFT, RIGHT);
    let mut svg = Svg::new(WIDTH, HEIGHT);
    for tick in x.ticks(6) {
        let at = x.px(tick);
        svg.line("grid", [at, TOPS[0] - 4.0], [at, AXIS_Y]);
        svg.text(
            "axis",
            Anchor::Middle,
            [at, AXIS_Y + 15.0],
            &time_label(tick, x.high()),
        );
    }
    bar(&mut svg, &x, TOPS[0], judged.phase, analysis, |part| {
        part.tail_ms
    });
    bar(&mut svg, &x, TOPS[1], judged.against, analysis, |part| {
        part.baseline_tail_ms
    });
    let title = format!("Time of the slowest requests of {}", judged.phase);
    Some(svg.finish("chart", &title))
}

fn bar(
    svg: &mut Svg,
    x: &Scale,
    top: f64,
    name: &str,
    analysis: &Analysis,
    value: fn(&Attribution) -> f64,
) {
    let total: f64 = analysis.attribution.iter().map(value).sum();
    let middle = top + BAR_HEIGHT / 2.0 + 4.0;
    let label = fitting(name, LEFT - 16.0, 13.0);
    svg.text("row-name", Anchor::End, [LEFT - 10.0, middle], &label);
    let mut sum = 0.0;
    for part in &analysis.attribution {
        let from = x.px(sum);
        sum += value(part);
        let to = x.px(sum);
        if to - from >= SMALLEST_PX {
            segment(
                svg,
                [from, top, to - from],
                part,
                value(part),
                total,
                is_named(analysis, part),
            );
        }
    }
    svg.text(
        "row-total",
        Anchor::Start,
        [x.px(sum) + 8.0, middle],
        &ms(total),
    );
}

fn segment(
    svg: &mut Svg,
    [from, top, width]: [f64; 3],
    part: &Attribution,
    value: f64,
    total: f64,
    named: bool,
) {
    let name = format!("{} / {}", part.service, part.cause);
    let tip = format!(
        "{name}: {} ({})",
        ms(value),
        share(value / total.max(f64::MIN_POSITIVE))
    );
    let class = format!("segment {}", causes::class(part.cause));
    let room = [from, top, width, BAR_HEIGHT];
    svg.rect(&class, room, &tip);
    if causes::is_wait(part.cause) {
        svg.rect("hatched", room, &tip);
    }
    if named {
        svg.rect("named", [from, top, width, BAR_HEIGHT], &tip);
    }
    let fits = |text: &str| fitting(text, width - 10.0, 12.0) == text;
    if let Some(label) = [name.as_str(), part.service.as_str()]
        .into_iter()
        .find(|text| fits(text))
    {
        svg.text("on-colour", Anchor::Start, [from + 7.0, top + 16.0], label);
        if fits(&ms(value)) {
            svg.text(
                "on-colour thin",
                Anchor::Start,
                [from + 7.0, top + 31.0],
                &ms(value),
            );
        }
    }
}

fn is_named(analysis: &Analysis, part: &Attribution) -> bool {
    let named = analysis.latency.as_ref().or(analysis.verdict.bottleneck());
    named.is_some_and(|found| found.service == part.service && found.cause == part.cause)
}
