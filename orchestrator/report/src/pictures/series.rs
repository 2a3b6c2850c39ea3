//! The place that the verdict names over time: what a request spends there, and what is open there, before
//! and now over one scale.

use ragdoll_analyser::{Series, SeriesPoint};

use super::axis::{Scale, round_up, time_label};
use super::svg::{Anchor, Svg};
use crate::figures::{ms, seconds, significant};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 940.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 34.0;
const TOP: f64 = 20.0;
const HEIGHT: f64 = TOP + 2.0 * PANEL + GAP + 48.0;

/// One of the two pictures.
struct Panel<'a> {
    title: &'a str,
    top: f64,
    of: fn(&SeriesPoint) -> Option<f64>,
    label: fn(f64, f64) -> String,
}

/// The chart, or nothing where there are too few points for a line.
pub(crate) fn chart(series: &Series) -> Option<String> {
    if series.now.len() < 2 || series.before.len() < 2 {
        return None;
    }
    let place = match series.cause {
        Some(cause) => format!("{} / {cause}", series.service),
        None => series.service.clone(),
    };
    let (time, open) = (
        format!("time of {place} in a request, mean"),
        format!("open at {}, mean", series.service),
    );
    let panels = [
        Panel {
            title: &time,
            top: TOP,
            of: |point| point.place_ms,
            label: time_label,
        },
        Panel {
            title: &open,
            top: TOP + PANEL + GAP,
            of: |point| Some(point.open),
            label: |tick, _| significant(tick),
        },
    ];
    let longest_s = length_s(&series.now).max(length_s(&series.before));
    let x = Scale::linear(0.0, longest_s, LEFT, RIGHT);
    let mut svg = Svg::new(WIDTH, HEIGHT);
    for panel in &panels {
        draw(&mut svg, panel, series, &x);
    }
    time_axis(&mut svg, &x);
    legend(&mut svg);
    let title = format!("{time}, and how many are open there, before and now");
    Some(svg.finish("chart", &title))
}

/// How long all points last: they are equally far apart.
fn length_s(points: &[SeriesPoint]) -> f64 {
    let step_s = points[1].from_s - points[0].from_s;
    step_s * points.len() as f64
}

fn draw(svg: &mut Svg, panel: &Panel<'_>, series: &Series, x: &Scale) {
    let bottom = panel.top + PANEL;
    let all = series.now.iter().chain(&series.before);
    let most = all.filter_map(panel.of).fold(0.0, f64::max);
    let high = round_up(most);
    let y = Scale::linear(0.0, high, bottom, panel.top);
    for tick in y.ticks(3) {
        let at = y.px(tick);
        svg.line("grid", [LEFT, at], [RIGHT, at]);
        let label = (panel.label)(tick, high);
        svg.text("axis", Anchor::End, [LEFT - 8.0, at + 4.0], &label);
    }
    for (class, points) in [("before", &series.before), ("now", &series.now)] {
        for stretch in stretches(points, panel.of) {
            let line: Vec<[f64; 2]> = stretch
                .iter()
                .map(|&(from_s, value)| [x.px(from_s), y.px(value)])
                .collect();
            svg.polyline(&format!("series {class}"), &line);
        }
    }
    svg.line("base", [LEFT, bottom], [RIGHT, bottom]);
    let at = [LEFT, panel.top - 6.0];
    svg.text("axis strong", Anchor::Start, at, panel.title);
}

/// Points that follow each other without one that has no value, each in the middle of its part.
fn stretches(points: &[SeriesPoint], of: fn(&SeriesPoint) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let half_s = (points[1].from_s - points[0].from_s) / 2.0;
    let parts = points.split(|point| of(point).is_none());
    parts
        .filter(|part| part.len() > 1)
        .map(|part| {
            let values = part.iter();
            values
                .filter_map(|point| Some((point.from_s + half_s, of(point)?)))
                .collect()
        })
        .collect()
}

fn time_axis(svg: &mut Svg, x: &Scale) {
    let bottom = TOP + 2.0 * PANEL + GAP;
    for tick in x.second_ticks(10) {
        let at = x.px(tick);
        svg.line("tick", [at, bottom], [at, bottom + 5.0]);
        svg.text("axis", Anchor::Middle, [at, bottom + 19.0], &seconds(tick));
    }
}

fn legend(svg: &mut Svg) {
    let y = HEIGHT - 4.0;
    let mut x = LEFT;
    for name in ["now", "before"] {
        let middle = y - 4.0;
        svg.line(&format!("series {name}"), [x, middle], [x + 18.0, middle]);
        svg.text("axis strong", Anchor::Start, [x + 24.0, y], name);
        x += 24.0 + 6.4 * name.len() as f64 + 16.0;
    }
    let caption = "seconds after the beginning of each window";
    svg.text("axis", Anchor::Start, [x, y], caption);
}

/// The extremes in words, for a reader without the picture.
pub(crate) fn caption(series: &Series) -> String {
    let most = |points: &[SeriesPoint]| {
        let values = points.iter().filter_map(|point| point.place_ms);
        ms(values.fold(0.0, f64::max))
    };
    format!(
        "at most {}, was {}",
        most(&series.now),
        most(&series.before)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(place_ms: impl Fn(usize) -> Option<f64>) -> Vec<SeriesPoint> {
        (0..10)
            .map(|at| SeriesPoint {
                from_s: 1.5 * at as f64,
                requests: 4,
                place_ms: place_ms(at),
                open: at as f64,
            })
            .collect()
    }

    #[test]
    fn a_part_without_requests_is_a_gap_and_no_zero() {
        let series = Series {
            service: "llm".to_owned(),
            cause: None,
            now: points(|at| (at != 5).then_some(40.0)),
            before: points(|_| Some(10.0)),
        };
        let svg = chart(&series).expect("a chart");
        assert_eq!(svg.matches(r#"<polyline class="series now""#).count(), 3);
        assert_eq!(svg.matches(r#"<polyline class="series before""#).count(), 2);
        assert_eq!(caption(&series), "at most 40 ms, was 10 ms");
        let short = Series {
            now: series.now[..1].to_vec(),
            ..series
        };
        assert!(chart(&short).is_none());
    }
}
