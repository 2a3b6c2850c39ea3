//! Where requests meet faults, which they meet there, and what is counted.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::zones::zone_of;
use ragdoll_model::{InstanceId, Zone};

use crate::armed::Armed;
use crate::cut::Cut;

/// The place of a layer.
#[derive(Clone)]
pub(crate) enum Where {
    /// In front of an instance's stub.
    Server(InstanceId, StartedUs),
    /// Around the wire from one instance to another; with the caller's start.
    Edge(InstanceId, InstanceId, StartedUs),
}

/// When an instance's process was started, in microseconds of the run.
pub type StartedUs = Arc<dyn Fn() -> u64 + Send + Sync>;

impl Where {
    pub(crate) fn callee(&self) -> &str {
        match self {
            Where::Server(instance, _) | Where::Edge(_, instance, _) => instance.name(),
        }
    }

    /// Names who is connected. A server does not know its callers apart.
    pub(crate) fn connection(&self) -> String {
        match self {
            Where::Server(instance, _) => instance.name().to_owned(),
            Where::Edge(from, to, _) => format!("{} {}", from.name(), to.name()),
        }
    }

    /// Whether each request that passes here meets a fault, in a system with these zones.
    pub(crate) fn meets(&self, armed: &Armed, zones: &[Zone]) -> bool {
        let target = &armed.planned.spec.target;
        let crosses = |from, to| {
            let both = zone_of(zones, from).zip(zone_of(zones, to));
            both.is_some_and(|(from, to)| target.matches_crossing(from, to))
        };
        armed.fault.meets_requests()
            && match self {
                Where::Server(instance, _) => !armed.at_callers && target.matches(instance),
                Where::Edge(from, to, _) => {
                    target.matches_edge(from.service(), to.service())
                        || crosses(from, to)
                        || (armed.at_callers && target.matches(to))
                }
            }
    }

    pub(crate) fn up_us(&self, now_us: u64) -> u64 {
        let (Where::Server(_, started_us) | Where::Edge(_, _, started_us)) = self;
        now_us.saturating_sub(started_us())
    }
}

/// A fault at a place.
pub(crate) struct Met {
    pub(crate) armed: Arc<Armed>,
    count: Arc<Mutex<Count>>,
}

#[derive(Debug, Default)]
struct Count {
    requests: u64,
    second: u64,
    in_second: u64,
}

impl Met {
    pub(crate) fn new(armed: &Arc<Armed>) -> Self {
        Met {
            armed: armed.clone(),
            count: Arc::default(),
        }
    }

    /// Counts a request, and returns how many there were before, and before in its second.
    pub(crate) fn count(&self, now_us: u64) -> (u64, u64) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now_us / 1_000_000;
        if count.second != second {
            (count.second, count.in_second) = (second, 0);
        }
        let before = (count.requests, count.in_second);
        count.requests += 1;
        count.in_second += 1;
        before
    }
}

/// Everything that requests meet at one place.
#[derive(Clone, Default)]
pub(crate) struct Place {
    /// Those that act on a request.
    pub(crate) faults: Arc<[Met]>,
    /// Those that keep messages from passing.
    pub(crate) cuts: Arc<[Cut]>,
}

impl Place {
    /// Goes on counting where `before`, the same place before a change of the faults, has counted.
    pub(crate) fn count_on_from(&mut self, before: &Place) {
        let fresh = Arc::get_mut(&mut self.faults);
        for met in fresh.into_iter().flatten() {
            let mut earlier = before.faults.iter();
            if let Some(same) = earlier.find(|earlier| Arc::ptr_eq(&earlier.armed, &met.armed)) {
                met.count = same.count.clone();
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty() && self.cuts.is_empty()
    }
}
