//! Where the services stand, and who calls whom.

use ragdoll_model::{Graph, Service};

pub(super) const BOX_HEIGHT: f64 = 64.0;
pub(super) const ROW_HEIGHT: f64 = 82.0;
pub(super) const TOP: f64 = 18.0;
const WIDTH: f64 = 960.0;
const INGEST_ROW: f64 = 5.0;
/// Of a graph: the width of a service's box, and of the gap after it.
const GRAPH_BOX: f64 = 170.0;
const GRAPH_GAP: f64 = 60.0;

/// Where a service stands: left edge, width, and row from the top.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) service: Service,
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) row: f64,
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
    place(Service::CLIENT, 10.0, 150.0, 2.0),
    place(Service::GATEWAY, 210.0, 180.0, 2.0),
    place(Service::METADATA, 480.0, 210.0, 0.0),
    place(Service::EMBEDDER, 480.0, 210.0, 1.0),
    place(Service::VECTOR_DB, 480.0, 210.0, 2.0),
    place(Service::SHARD, 740.0, 210.0, 2.0),
    place(Service::RERANKER, 480.0, 210.0, 3.0),
    place(Service::LLM, 480.0, 210.0, 4.0),
];

const INGEST: [Place; 2] = [
    place(Service::INGEST_API, 210.0, 180.0, INGEST_ROW),
    place(Service::INGEST_WORKER, 480.0, 210.0, INGEST_ROW),
];

const CALLS: [(Service, Service, &str); 7] = [
    (Service::CLIENT, Service::GATEWAY, ""),
    (Service::GATEWAY, Service::METADATA, "1"),
    (Service::GATEWAY, Service::EMBEDDER, "2"),
    (Service::GATEWAY, Service::VECTOR_DB, "3"),
    (Service::VECTOR_DB, Service::SHARD, ""),
    (Service::GATEWAY, Service::RERANKER, "4"),
    (Service::GATEWAY, Service::LLM, "5"),
];

const INGEST_CALLS: [(Service, Service, &str); 3] = [
    (Service::CLIENT, Service::INGEST_API, ""),
    (Service::INGEST_API, Service::INGEST_WORKER, ""),
    (Service::INGEST_WORKER, Service::SHARD, ""),
];

impl Place {
    pub(super) fn y(&self) -> f64 {
        TOP + self.row * ROW_HEIGHT
    }

    pub(super) fn left(&self) -> [f64; 2] {
        [self.x, self.y() + BOX_HEIGHT / 2.0]
    }

    pub(super) fn right(&self) -> [f64; 2] {
        [self.x + self.width, self.y() + BOX_HEIGHT / 2.0]
    }
}

/// A call: who, whom, and when among the caller's calls, counted from 1; empty where it has no
/// others.
pub(super) type Call = (Service, Service, String);

/// The whole drawing.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) rows: f64,
    pub(super) places: Vec<Place>,
    /// Calls that a request waits for.
    pub(super) calls: Vec<Call>,
    /// Calls that come later.
    pub(super) later: Vec<Call>,
}

impl Layout {
    /// The RAG system, with its indexing path or without.
    pub(super) fn rag(ingest: bool) -> Self {
        let owned = |calls: &[(Service, Service, &str)]| {
            let calls = calls.iter();
            calls
                .map(|&(from, to, order)| (from, to, order.to_owned()))
                .collect()
        };
        let mut layout = Layout {
            width: WIDTH,
            rows: INGEST_ROW,
            places: PATH.to_vec(),
            calls: owned(&CALLS),
            later: Vec::new(),
        };
        if ingest {
            layout.rows += 1.0;
            layout.places.extend(INGEST);
            layout.later = owned(&INGEST_CALLS);
        }
        layout
    }

    /// A graph of services: each stands to the right of all that call it.
    pub(super) fn graph(graph: &Graph) -> Self {
        let columns = columns(graph);
        let tallest = columns.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let mut places = Vec::new();
        for (column, services) in columns.iter().enumerate() {
            let x = 10.0 + column as f64 * (GRAPH_BOX + GRAPH_GAP);
            let above = (tallest - services.len() as f64) / 2.0;
            let rows = services.iter().enumerate();
            places.extend(
                rows.map(|(row, &service)| place(service, x, GRAPH_BOX, above + row as f64)),
            );
        }
        let width = columns.len() as f64 * (GRAPH_BOX + GRAPH_GAP) - GRAPH_GAP + 20.0;
        Layout {
            width: width.max(WIDTH),
            rows: tallest,
            places,
            calls: calls(graph),
            later: Vec::new(),
        }
    }
}

/// The client, then the services by the length of the longest way to them.
fn columns(graph: &Graph) -> Vec<Vec<Service>> {
    let order = graph.from_the_leaves();
    let mut depths: Vec<(Service, usize)> = Vec::new();
    for service in order.iter().rev() {
        let callers = graph.edges().filter(|(_, to)| *to == service.name);
        let depth = callers.map(|(from, _)| {
            let known = depths.iter().find(|(name, _)| *name == from);
            known.map_or(1, |(_, depth)| depth + 1)
        });
        depths.push((service.name, depth.max().unwrap_or(1)));
    }
    let deepest = depths.iter().map(|(_, depth)| *depth).max().unwrap_or(0);
    let mut columns = vec![Vec::new(); deepest + 1];
    columns[0].push(Service::CLIENT);
    // In the order of the file, which is easier to find again than that of the calls.
    for service in &graph.services {
        let known = depths.iter().find(|(name, _)| *name == service.name);
        if let Some((name, depth)) = known {
            columns[*depth].push(*name);
        }
    }
    columns
}

fn calls(graph: &Graph) -> Vec<Call> {
    let entry = graph.entry().into_iter();
    let mut calls: Vec<Call> = entry
        .map(|entry| (Service::CLIENT, entry.name, String::new()))
        .collect();
    for caller in &graph.services {
        let groups = caller.call_groups().count();
        for (number, group) in (1..).zip(caller.call_groups()) {
            let order = if groups > 1 {
                format!("{number}")
            } else {
                String::new()
            };
            let group = group
                .iter()
                .map(|call| (caller.name, call.service, order.clone()));
            calls.extend(group);
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use ragdoll_model::{GraphCall, GraphService};

    use super::*;

    #[test]
    fn a_service_stands_to_the_right_of_all_that_call_it() {
        let name = |text: &str| Service::from_name(text).expect("a name");
        let service = |text: &str, callees: &[&str]| GraphService {
            calls: callees
                .iter()
                .map(|callee| GraphCall::new(name(callee)))
                .collect(),
            ..GraphService::new(name(text))
        };
        let graph = Graph {
            services: vec![
                service("frontend", &["cart", "tax"]),
                service("cart", &["tax"]),
                service("tax", &[]),
            ],
            ..Graph::default()
        };
        let layout = Layout::graph(&graph);
        let columns: Vec<(&str, f64)> = layout
            .places
            .iter()
            .map(|place| (place.service.name(), place.x))
            .collect();
        assert_eq!(
            columns,
            [
                ("client", 10.0),
                ("frontend", 240.0),
                ("cart", 470.0),
                ("tax", 700.0)
            ]
        );
        let orders: Vec<&str> = layout.calls.iter().map(|call| call.2.as_str()).collect();
        assert_eq!(orders, ["", "1", "2", ""]);
        assert!(
            layout
                .places
                .iter()
                .all(|place| place.x + place.width <= layout.width)
        );
    }
}
