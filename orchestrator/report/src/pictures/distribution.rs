//! How long requests took, before and now: two outlines over one logarithmic scale.

use super::axis::{Scale, round_up, time_label};
use super::svg::{Anchor, Svg};
use crate::figures::{ms, share};
use crate::latencies::{Latencies, LatencyBucket, Requests};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 940.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 214.0;
const HEIGHT: f64 = 248.0;

/// Room that a label takes beside the next one.
const LABEL_PX: f64 = 58.0;

/// The chart, or nothing without requests.
pub(crate) fn chart(latencies: &Latencies) -> Option<String> {
    let buckets = &latencies.buckets;
    let (first, last) = (buckets.first()?, buckets.last()?);
    let x = Scale::logarithmic(first.from_ms, last.to_ms, LEFT, RIGHT);
    let most = buckets.iter().map(|one| one.now.max(one.before));
    let y = Scale::linear(0.0, round_up(most.fold(0.0, f64::max)), BOTTOM, TOP);
    let mut svg = Svg::new(WIDTH, HEIGHT);
    axes(&mut svg, &x, &y);
    outline(&mut svg, "before", buckets, &x, &y, |one| one.before);
    outline(&mut svg, "now", buckets, &x, &y, |one| one.now);
    mark(&mut svg, "before", &latencies.before, &x);
    mark(&mut svg, "now", &latencies.now, &x);
    legend(&mut svg);
    Some(svg.finish("chart", "How long requests took, before and now"))
}

fn axes(svg: &mut Svg, x: &Scale, y: &Scale) {
    for tick in y.ticks(4) {
        let at = y.px(tick);
        svg.line("grid", [LEFT, at], [RIGHT, at]);
        svg.text("axis", Anchor::End, [LEFT - 8.0, at + 4.0], &share(tick));
    }
    let mut free_from = LEFT - LABEL_PX;
    for decade in (-3..=9).map(|power| 10_f64.powi(power)) {
        for tick in [1.0, 2.0, 5.0].map(|lead| lead * decade) {
            let at = x.px(tick);
            let within = (LEFT + 1.0..RIGHT).contains(&at);
            if !within || at < free_from {
                continue;
            }
            free_from = at + LABEL_PX;
            svg.line("tick", [at, BOTTOM], [at, BOTTOM + 5.0]);
            let label = time_label(tick, tick);
            svg.text("axis", Anchor::Middle, [at, BOTTOM + 19.0], &label);
        }
    }
    svg.line("base", [LEFT, BOTTOM], [RIGHT, BOTTOM]);
}

/// The outline of one population's shares, as a step for each bucket.
fn outline(
    svg: &mut Svg,
    class: &str,
    buckets: &[LatencyBucket],
    x: &Scale,
    y: &Scale,
    of: fn(&LatencyBucket) -> f64,
) {
    let mut points = vec![[x.px(buckets[0].from_ms), BOTTOM]];
    for one in buckets {
        let top = y.px(of(one));
        points.push([x.px(one.from_ms), top]);
        points.push([x.px(one.to_ms), top]);
    }
    let last = buckets[buckets.len() - 1];
    points.push([x.px(last.to_ms), BOTTOM]);
    svg.polygon(&format!("spread {class}"), &points);
}

/// Where 95 of 100 requests have their answer.
fn mark(svg: &mut Svg, class: &str, requests: &Requests, x: &Scale) {
    if requests.looked_at == 0 {
        return;
    }
    let at = x.px(requests.p95_ms);
    // The two labels stand at different heights, since the marks may lie close together.
    let (height, name) = match class {
        "now" => (TOP - 6.0, "now"),
        _ => (TOP - 20.0, "before"),
    };
    svg.line(
        &format!("p95-mark {class}"),
        [at, height + 2.0],
        [at, BOTTOM],
    );
    let (anchor, text_at) = match at > RIGHT - 150.0 {
        true => (Anchor::End, at - 5.0),
        false => (Anchor::Start, at + 5.0),
    };
    let text = format!("p95 {name} {}", ms(requests.p95_ms));
    svg.text("axis strong", anchor, [text_at, height + 8.0], &text);
}

fn legend(svg: &mut Svg) {
    let y = HEIGHT - 3.0;
    let mut x = LEFT;
    for name in ["now", "before"] {
        svg.rect(&format!("spread {name}"), [x, y - 9.0, 18.0, 9.0], "");
        svg.text("axis strong", Anchor::Start, [x + 24.0, y], name);
        x += 24.0 + 6.4 * name.len() as f64 + 16.0;
    }
    let caption = "share of the requests that took so long, logarithmic scale";
    svg.text("axis", Anchor::Start, [x, y], caption);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_populations_are_drawn_over_one_scale() {
        let now: Vec<(f64, bool)> = (0..100).map(|at| (80.0 + f64::from(at), false)).collect();
        let before: Vec<(f64, bool)> = (0..100)
            .map(|at| (8.0 + f64::from(at) / 9.0, false))
            .collect();
        let svg = chart(&Latencies::new(&now, &before)).expect("a chart");
        for part in [
            "spread now",
            "spread before",
            "p95 now 174 ms",
            "p95 before 18.4 ms",
            ">100 ms<",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(chart(&Latencies::new(&[], &[])).is_none());
    }
}
