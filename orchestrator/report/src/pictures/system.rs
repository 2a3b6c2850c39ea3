//! The system as boxes and arrows, with how busy each service is and how much of a request's time
//! it owns.

mod layout;

use ragdoll_experiment::{PhaseRecord, RunRecord};
use ragdoll_model::Service;

use self::layout::{BOX_HEIGHT, Call, Layout, Place, ROW_HEIGHT, TOP};
use super::svg::{Anchor, Svg, fitting};
use crate::figures::share;
use crate::words::Judged;

/// The picture of one phase beside the figures of the phase it is compared with.
pub(crate) fn picture(record: &RunRecord, judged: Judged<'_>) -> Option<String> {
    let phase = record.phase(judged.phase)?;
    let against = record.phase(judged.against);
    let graph = &record.spec.topology.graph;
    let layout = match graph.is_empty() {
        true => Layout::rag(has_ingest(record, phase)),
        false => Layout::graph(graph),
    };
    let mut svg = Svg::new(layout.width, TOP + layout.rows * ROW_HEIGHT);
    arrows(&mut svg, &layout.places, &layout.calls, "arrow");
    arrows(&mut svg, &layout.places, &layout.later, "arrow later");
    for place in &layout.places {
        let name = place.service.name();
        let copies = record.spec.topology.instances_of(place.service).len();
        service_box(&mut svg, place, copies, &Load::of(name, phase, against));
        let found = judged.analysis.verdict.bottleneck();
        if let Some(found) = found.filter(|found| found.service == name) {
            let what = found.instance.as_deref().map_or_else(
                || format!("bottleneck: {}", found.cause),
                |instance| format!("{} at {instance}", found.cause),
            );
            highlight(&mut svg, place, &what);
        }
    }
    let title = format!("The system in the phase {}", judged.phase);
    Some(svg.finish("chart system", &title))
}

fn has_ingest(record: &RunRecord, phase: &PhaseRecord) -> bool {
    let names = [Service::INGEST_API.name(), Service::INGEST_WORKER.name()];
    record.spec.workload.ingest_per_s > 0.0
        || names
            .iter()
            .any(|name| phase.utilization.contains_key(*name) || phase.share.contains_key(*name))
}

fn arrows(svg: &mut Svg, places: &[Place], calls: &[Call], class: &str) {
    let at = |service: Service| places.iter().find(|place| place.service == service);
    for (from, to, order) in calls {
        if let (Some(from), Some(to)) = (at(*from), at(*to)) {
            svg.arrow(class, from.right(), to.left());
            let [x, y] = to.left();
            let from_above = from.row < to.row;
            let label_y = if from_above { y + 14.0 } else { y - 6.0 };
            svg.text("order", Anchor::Middle, [x - 18.0, label_y], order);
        }
    }
}

/// What is written into a service's box.
struct Load {
    busy: Option<f64>,
    busy_before: Option<f64>,
    share: Option<f64>,
    share_before: Option<f64>,
}

impl Load {
    fn of(name: &str, phase: &PhaseRecord, against: Option<&PhaseRecord>) -> Self {
        let before = |pick: fn(&PhaseRecord) -> &std::collections::BTreeMap<String, f64>| {
            against.and_then(|phase| pick(phase).get(name).copied())
        };
        Load {
            busy: phase.utilization.get(name).copied(),
            busy_before: before(|phase| &phase.utilization),
            share: phase.share.get(name).copied(),
            share_before: before(|phase| &phase.share),
        }
    }
}

fn service_box(svg: &mut Svg, place: &Place, copies: usize, load: &Load) {
    let y = place.y();
    svg.rounded("box", [place.x, y, place.width, BOX_HEIGHT], 7.0);
    let left = place.x + 12.0;
    let right = place.x + place.width - 12.0;
    svg.text(
        "box-name",
        Anchor::Start,
        [left, y + 20.0],
        place.service.name(),
    );
    if copies > 1 {
        svg.text(
            "box-note",
            Anchor::End,
            [right, y + 20.0],
            &format!("× {copies}"),
        );
    }
    let mut row = |at: f64, label: &str, now: Option<f64>, before: Option<f64>| {
        let Some(now) = now else { return };
        let text = format!("{label} {}", share(now));
        svg.text("box-figure", Anchor::Start, [left, at], &text);
        if let Some(before) = before {
            let text = format!("was {}", share(before));
            svg.text("box-note", Anchor::End, [right, at], &text);
        }
    };
    row(y + 36.0, "time", load.share, load.share_before);
    row(y + 52.0, "busy", load.busy, load.busy_before);
    if let Some(busy) = load.busy {
        let level = match busy {
            busy if busy >= 0.9 => "level high",
            busy if busy >= 0.7 => "level middle",
            _ => "level",
        };
        let full = place.width - 24.0;
        svg.rect("track", [left, y + 57.0, full, 3.0], "");
        svg.rect(
            level,
            [left, y + 57.0, full * busy.clamp(0.0, 1.0), 3.0],
            "",
        );
    }
}

fn highlight(svg: &mut Svg, place: &Place, what: &str) {
    const FONT: f64 = 11.5;
    let y = place.y();
    svg.rounded("box bottleneck", [place.x, y, place.width, BOX_HEIGHT], 7.0);
    let text = fitting(what, place.width - 30.0, FONT);
    let width = text.chars().count() as f64 * FONT * 0.6 + 18.0;
    let x = place.x + place.width - width - 6.0;
    svg.rounded("tag", [x, y - 14.0, width, 19.0], 9.5);
    svg.text(
        "tag-text",
        Anchor::Middle,
        [x + width / 2.0, y - 0.5],
        &text,
    );
}
