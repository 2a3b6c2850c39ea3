//! Latency and load over the whole run, with the phases as bands behind them.

use ragdoll_experiment::{RunRecord, TimelinePoint};

use super::axis::{Scale, round_up, time_label};
use super::svg::{Anchor, Svg, fitting};
use crate::figures::significant;
use crate::words::simulated_s;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 948.0;
const BANDS_TOP: f64 = 6.0;
const LATENCY_TOP: f64 = 40.0;
const LATENCY_BOTTOM: f64 = 240.0;
const LOAD_TOP: f64 = 276.0;
const LOAD_BOTTOM: f64 = 366.0;
const HEIGHT: f64 = 404.0;
const COLUMNS_MAX: usize = 440;
const LOGARITHMIC_FROM: f64 = 40.0;

/// Several seconds of the timeline in one column of the picture.
struct Column {
    t_s: f64,
    width_s: f64,
    requests_per_s: f64,
    errors_per_s: f64,
    p50_ms: f64,
    p95_ms: f64,
}

/// The chart, or nothing where no phase has a timeline.
pub(crate) fn chart(record: &RunRecord) -> Option<String> {
    let points = record.phases.iter().map(|phase| phase.timeline.len());
    let every = points.sum::<usize>().div_ceil(COLUMNS_MAX).max(1);
    let phases: Vec<Vec<Column>> = record
        .phases
        .iter()
        .map(|phase| phase.timeline.chunks(every).map(column).collect())
        .collect();
    if phases.iter().all(Vec::is_empty) {
        return None;
    }
    let end_s = simulated_s(record);
    let x = Scale::linear(0.0, end_s, LEFT, RIGHT);
    let mut svg = Svg::new(WIDTH, HEIGHT);
    bands(&mut svg, record, &x);
    latency(&mut svg, &phases, &x);
    load(&mut svg, record, &phases, &x);
    for tick in x.second_ticks(9) {
        let at = x.px(tick);
        svg.line("tick", [at, LOAD_BOTTOM], [at, LOAD_BOTTOM + 5.0]);
        let label = significant(tick);
        svg.text("axis", Anchor::Middle, [at, LOAD_BOTTOM + 19.0], &label);
    }
    let caption = "seconds from the start of the run";
    svg.text("axis", Anchor::End, [RIGHT, HEIGHT - 3.0], caption);
    Some(svg.finish("chart", "Latency and load over the run"))
}

fn column(points: &[TimelinePoint]) -> Column {
    let seconds = points.len() as f64;
    let requests: u64 = points.iter().map(|point| point.requests).sum();
    let errors: u64 = points.iter().map(|point| point.errors).sum();
    let busy: Vec<&TimelinePoint> = points.iter().filter(|point| point.requests > 0).collect();
    let medians = busy.iter().map(|point| point.p50_ms);
    Column {
        t_s: points[0].t_s,
        width_s: seconds,
        requests_per_s: requests as f64 / seconds,
        errors_per_s: errors as f64 / seconds,
        p50_ms: medians.sum::<f64>() / busy.len().max(1) as f64,
        p95_ms: busy.iter().map(|point| point.p95_ms).fold(0.0, f64::max),
    }
}

fn bands(svg: &mut Svg, record: &RunRecord, x: &Scale) {
    for phase in &record.phases {
        let from = x.px(phase.start_s);
        let to = x.px(phase.start_s + phase.duration_s);
        let class = match (phase.baseline, phase.faults.is_empty()) {
            (true, _) => "band baseline",
            (false, true) => "band",
            (false, false) => "band faulty",
        };
        let height = LOAD_BOTTOM - BANDS_TOP;
        let tip = format!("{}: {}", phase.name, crate::words::done(phase));
        svg.rect(class, [from, BANDS_TOP, to - from, height], &tip);
        let settled = x.px(phase.start_s + phase.settle_s);
        if settled > from {
            let tip = format!("{} settles; figures leave this out", phase.name);
            svg.rect(
                "settle",
                [from, LATENCY_TOP, settled - from, LOAD_BOTTOM - LATENCY_TOP],
                &tip,
            );
        }
        svg.line("band-edge", [from, BANDS_TOP], [from, LOAD_BOTTOM]);
        let room = to - from - 12.0;
        let name = fitting(&phase.name, room, 12.0);
        svg.text(
            "band-name",
            Anchor::Start,
            [from + 6.0, BANDS_TOP + 13.0],
            &name,
        );
        let faults = fitting(&phase.faults.join(", "), room, 10.5);
        svg.text(
            "band-faults",
            Anchor::Start,
            [from + 6.0, BANDS_TOP + 27.0],
            &faults,
        );
    }
}

fn latency(svg: &mut Svg, phases: &[Vec<Column>], x: &Scale) {
    let all = || phases.iter().flatten().filter(|column| column.p95_ms > 0.0);
    let most = all().map(|column| column.p95_ms).fold(0.0, f64::max);
    let least = all().map(|column| column.p50_ms).fold(most, f64::min);
    let logarithmic = least > 0.0 && most / least > LOGARITHMIC_FROM;
    let y = if logarithmic {
        let low = 10_f64.powf(least.log10().floor());
        Scale::logarithmic(low, round_up(most), LATENCY_BOTTOM, LATENCY_TOP)
    } else {
        Scale::linear(0.0, round_up(most), LATENCY_BOTTOM, LATENCY_TOP)
    };
    for tick in y.ticks(5) {
        let at = y.px(tick);
        svg.line("grid", [LEFT, at], [RIGHT, at]);
        svg.text(
            "axis",
            Anchor::End,
            [LEFT - 8.0, at + 4.0],
            &time_label(tick, y.high()),
        );
    }
    for columns in phases {
        for (class, pick) in [
            ("curve p95", (|column| column.p95_ms) as fn(&Column) -> f64),
            ("curve p50", |column| column.p50_ms),
        ] {
            for run in unbroken(columns) {
                let points: Vec<[f64; 2]> = run
                    .iter()
                    .map(|one| [x.px(one.t_s + one.width_s / 2.0), y.px(pick(one))])
                    .collect();
                svg.polyline(class, &points);
            }
        }
    }
    let scale = if logarithmic {
        ", logarithmic scale"
    } else {
        ""
    };
    let title = format!("latency of requests by when they were due{scale}");
    panel_title(
        svg,
        LATENCY_BOTTOM,
        &title,
        &[("curve p95", "p95"), ("curve p50", "p50")],
    );
}

/// Stretches without a gap: a second in which nothing was due has no latency.
fn unbroken(columns: &[Column]) -> impl Iterator<Item = &[Column]> {
    columns
        .split(|column| column.p95_ms <= 0.0)
        .filter(|run| !run.is_empty())
}

fn load(svg: &mut Svg, record: &RunRecord, phases: &[Vec<Column>], x: &Scale) {
    let rates = phases.iter().flatten().map(|column| column.requests_per_s);
    let most = rates.fold(0.0, f64::max);
    let y = Scale::linear(0.0, round_up(most), LOAD_BOTTOM, LOAD_TOP);
    for tick in y.ticks(3) {
        let at = y.px(tick);
        svg.line("grid", [LEFT, at], [RIGHT, at]);
        let label = format!("{}/s", significant(tick));
        svg.text("axis", Anchor::End, [LEFT - 8.0, at + 4.0], &label);
    }
    for column in phases.iter().flatten() {
        let from = x.px(column.t_s);
        let width = x.px(column.t_s + column.width_s) - from;
        let inner = (width * 0.85).max(0.6);
        let mut bar = |class: &str, value: f64, tip: &str| {
            if value > 0.0 {
                let top = y.px(value);
                svg.rect(class, [from, top, inner, LOAD_BOTTOM - top], tip);
            }
        };
        bar("requests", column.requests_per_s, "");
        let failed = format!(
            "{}/s fail at {} s",
            significant(column.errors_per_s),
            column.t_s
        );
        bar("failures", column.errors_per_s, &failed);
    }
    for phase in &record.phases {
        let at = y.px(phase.stats.throughput_per_s);
        let from = x.px(phase.start_s + phase.settle_s);
        svg.line(
            "curve served",
            [from, at],
            [x.px(phase.start_s + phase.duration_s), at],
        );
    }
    let legend = [
        ("key requests", "due"),
        ("key failures", "failed"),
        ("curve served", "answered, mean of the phase"),
    ];
    panel_title(svg, LOAD_BOTTOM, "requests a second", &legend);
    svg.line("base", [LEFT, LOAD_BOTTOM], [RIGHT, LOAD_BOTTOM]);
    svg.line("base", [LEFT, LATENCY_BOTTOM], [RIGHT, LATENCY_BOTTOM]);
}

/// Name and legend of a panel, between it and the next one.
fn panel_title(svg: &mut Svg, bottom: f64, title: &str, legend: &[(&str, &str)]) {
    let y = if bottom == LATENCY_BOTTOM {
        bottom + 18.0
    } else {
        HEIGHT - 3.0
    };
    let mut x = LEFT;
    for (class, name) in legend {
        if class.starts_with("curve") {
            svg.polyline(class, &[[x, y - 4.0], [x + 18.0, y - 4.0]]);
        } else {
            svg.rect(class, [x, y - 9.0, 18.0, 9.0], "");
        }
        svg.text("axis strong", Anchor::Start, [x + 24.0, y], name);
        x += 24.0 + 6.4 * name.len() as f64 + 16.0;
    }
    svg.text("axis", Anchor::Start, [x, y], title);
}
