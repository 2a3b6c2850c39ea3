//! The system as boxes and arrows, with how busy each service is and how much of a request's time
//! it owns.

use ragdoll_experiment::{PhaseRecord, RunRecord};
use ragdoll_model::Service;

use super::svg::{Anchor, Svg, fitting};
use crate::figures::share;
use crate::words::Judged;

const WIDTH: f64 = 960.0;
const BOX_HEIGHT: f64 = 64.0;
const ROW_HEIGHT: f64 = 82.0;
const TOP: f64 = 18.0;
const INGEST_ROW: f64 = 5.0;

/// Where a service stands: left edge, width, and row from the top.
struct Place {
    service: Service,
    x: f64,
    width: f64,
    row: f64,
}

const fn place(service: Service, x: f64, width: f64, row: f64) -> Place {
    Place {
        service,
        x,
        width,
        row,
    }
}

const PATH: [Place; 8] = [
    place(Service::Client, 10.0, 150.0, 2.0),
    place(Service::Gateway, 210.0, 180.0, 2.0),
    place(Service::Metadata, 480.0, 210.0, 0.0),
    place(Service::Embedder, 480.0, 210.0, 1.0),
    place(Service::VectorDb, 480.0, 210.0, 2.0),
    place(Service::Shard, 740.0, 210.0, 2.0),
    place(Service::Reranker, 480.0, 210.0, 3.0),
    place(Service::Llm, 480.0, 210.0, 4.0),
];

const INGEST: [Place; 2] = [
    place(Service::IngestApi, 210.0, 180.0, INGEST_ROW),
    place(Service::IngestWorker, 480.0, 210.0, INGEST_ROW),
];

const CALLS: [(Service, Service, &str); 7] = [
    (Service::Client, Service::Gateway, ""),
    (Service::Gateway, Service::Metadata, "1"),
    (Service::Gateway, Service::Embedder, "2"),
    (Service::Gateway, Service::VectorDb, "3"),
    (Service::VectorDb, Service::Shard, ""),
    (Service::Gateway, Service::Reranker, "4"),
    (Service::Gateway, Service::Llm, "5"),
];

const INGEST_CALLS: [(Service, Service, &str); 3] = [
    (Service::Client, Service::IngestApi, ""),
    (Service::IngestApi, Service::IngestWorker, ""),
    (Service::IngestWorker, Service::Shard, ""),
];

impl Place {
    fn y(&self) -> f64 {
        TOP + self.row * ROW_HEIGHT
    }

    fn left(&self) -> [f64; 2] {
        [self.x, self.y() + BOX_HEIGHT / 2.0]
    }

    fn right(&self) -> [f64; 2] {
        [self.x + self.width, self.y() + BOX_HEIGHT / 2.0]
    }
}

/// The picture of one phase beside the figures of the phase it is compared with.
pub(super) fn picture(record: &RunRecord, judged: Judged<'_>) -> Option<String> {
    let phase = record.phase(judged.phase)?;
    let against = record.phase(judged.against);
    let ingest = has_ingest(record, phase);
    let rows = if ingest { INGEST_ROW + 1.0 } else { INGEST_ROW };
    let places: Vec<&Place> = if ingest {
        PATH.iter().chain(&INGEST).collect()
    } else {
        PATH.iter().collect()
    };
    let mut svg = Svg::new(WIDTH, TOP + rows * ROW_HEIGHT);
    arrows(&mut svg, &places, &CALLS, "arrow");
    if ingest {
        arrows(&mut svg, &places, &INGEST_CALLS, "arrow later");
    }
    for place in places {
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
    let names = [Service::IngestApi.name(), Service::IngestWorker.name()];
    record.spec.workload.ingest_per_s > 0.0
        || names
            .iter()
            .any(|name| phase.utilization.contains_key(*name) || phase.share.contains_key(*name))
}

fn arrows(svg: &mut Svg, places: &[&Place], calls: &[(Service, Service, &str)], class: &str) {
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
