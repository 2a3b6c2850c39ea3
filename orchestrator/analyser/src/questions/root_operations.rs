//! Operations of root spans. Requests of different ones do different things, and are compared with
//! their own kind only.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use ragdoll_trace::Symbol;

use crate::facts::ids::ServiceId;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::statistics::config::Config;

/// Operations that are compared at most: each asks the same questions again, and the more are asked
/// the more a change must stand out.
const COMPARED_MAX: usize = 8;

/// An operation of root spans, as a reader knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootOperation {
    /// `service.name` of the root spans.
    pub service: String,
    /// Name of the root spans.
    pub name: String,
}

/// An operation of root spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Root {
    service: ServiceId,
    name: Symbol,
}

impl Root {
    fn of(request: &Request) -> Root {
        Root {
            service: request.service,
            name: request.operation,
        }
    }

    /// The operation as sentences name it: its service is said where another one's is called the same.
    pub(crate) fn label(self, prepared: &Prepared<'_>, window: &Window) -> String {
        let (service, name) = self.names(prepared);
        let mut requests = prepared.requests(window).iter();
        match requests.any(|one| one.operation == self.name && one.service != self.service) {
            true => format!("`{name}` of {service}"),
            false => format!("`{name}`"),
        }
    }

    /// Whether a request is one of the operation.
    pub(crate) fn has(self, request: &Request) -> bool {
        Root::of(request) == self
    }

    pub(crate) fn named(self, prepared: &Prepared<'_>) -> RootOperation {
        let (service, name) = self.names(prepared);
        RootOperation {
            service: service.to_owned(),
            name: name.to_owned(),
        }
    }

    fn names<'p>(self, prepared: &'p Prepared<'_>) -> (&'p str, &'p str) {
        (
            prepared.instances.service_name(self.service),
            prepared.observations.traces.text(self.name),
        )
    }
}

/// Requests of an operation in each window, and the time that they took.
#[derive(Clone, Default)]
struct Volume {
    requests: Vec<usize>,
    total_ns: u128,
}

/// The operation that took the most time in total in these windows, of those that the configuration
/// allows.
pub(crate) fn main_root(
    prepared: &Prepared<'_>,
    windows: &[&Window],
    config: &Config,
) -> Option<Root> {
    let volumes = volumes(prepared, windows, config);
    volumes.first().map(|(root, _)| *root)
}

/// The operations that are compared: those with enough requests in both windows, that which took most
/// time first. Where none has, it is that which took most time; none without requests.
pub(crate) fn compared_roots(compared: &Comparison<'_>) -> Vec<Root> {
    let Comparison {
        prepared,
        window,
        baseline,
        config,
    } = *compared;
    let volumes = volumes(prepared, &[window, baseline], config);
    let is_enough = |volume: &Volume| {
        let least = volume.requests.iter().min();
        least.is_some_and(|&requests| requests >= config.requests_min.max(1))
    };
    let enough = volumes.iter().filter(|(_, volume)| is_enough(volume));
    let roots: Vec<Root> = enough.map(|(root, _)| *root).take(COMPARED_MAX).collect();
    if roots.is_empty() {
        return volumes.first().map(|(root, _)| *root).into_iter().collect();
    }
    roots
}

/// All operations, that which took most time first.
fn volumes(prepared: &Prepared<'_>, windows: &[&Window], config: &Config) -> Vec<(Root, Volume)> {
    let mut by_root: FxHashMap<Root, Volume> = FxHashMap::default();
    for (side, window) in windows.iter().enumerate() {
        for request in prepared.requests(window) {
            let volume = by_root.entry(Root::of(request)).or_default();
            volume.requests.resize(windows.len(), 0);
            volume.requests[side] += 1;
            volume.total_ns += u128::from(request.duration_ns);
        }
    }
    let wanted = config.root_operation.as_deref();
    let mut volumes: Vec<(Root, Volume)> = by_root
        .into_iter()
        .filter(|(root, _)| wanted.is_none_or(|name| root.names(prepared).1 == name))
        .collect();
    volumes.sort_by(|(a, volume), (b, other)| {
        let (service, name) = a.names(prepared);
        let (other_service, other_name) = b.names(prepared);
        (other.total_ns.cmp(&volume.total_ns))
            .then_with(|| (other_name, other_service).cmp(&(name, service)))
    });
    volumes
}
