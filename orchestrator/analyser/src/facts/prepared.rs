//! What is worked out once for every trace.

use std::collections::BTreeMap;

use ragdoll_trace::{Observations, TraceIndex};

use crate::facts::batch::Batch;
use crate::facts::error_origin::Origin;
use crate::facts::fan_outs::FanOut;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::instances::Instances;
use crate::facts::log_index::LogIndex;
use crate::facts::metric_index::MetricIndex;
use crate::facts::names::spans::Names;
use crate::facts::repairs::Repairs;
use crate::facts::request::{Part, Request};
use crate::facts::server_spans::ServerSpan;
use crate::facts::steps::Steps;
use crate::facts::time::Window;

/// Traces for which a thread of their own is worth its start.
const TRACES_MIN: usize = 64;

/// The critical paths, error origins and server spans of all traces of a run. It costs a few
/// microseconds a trace, on every core; windows are then analysed without looking at spans again, but for
/// those of the requests whose correlated attributes are sought.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(crate) observations: &'a Observations,
    pub(crate) index: TraceIndex,
    pub(crate) names: Names,
    pub(crate) instances: Instances<'a>,
    /// In the order of start, then of trace id.
    requests: Vec<Request>,
    parts: Vec<Part>,
    origins: Vec<Origin>,
    /// Server spans of each instance, in the order of start.
    server_spans: Vec<Vec<ServerSpan>>,
    /// Whether instances of a service are called in parallel by one caller, by service.
    parallel: Vec<bool>,
    /// By caller and callee, or all callees, in the order of start.
    pub(crate) fan_outs: BTreeMap<(ServiceId, Option<ServiceId>), Vec<FanOut>>,
    /// What the spans of each operation do, one after the other.
    pub(crate) steps: Steps,
    /// Samples of metrics, and log lines, by what they are about.
    pub(crate) metric_index: MetricIndex,
    pub(crate) log_index: LogIndex,
    repairs: Repairs,
}

impl<'a> Prepared<'a> {
    /// Works through every trace. The result does not depend on the number of cores.
    pub fn new(observations: &'a Observations) -> Self {
        let set = &observations.traces;
        let names = Names::new(set);
        let instances = Instances::new(set, &names);
        let index = TraceIndex::new(set);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = cores.min(index.len() / TRACES_MIN).max(1);
        let bounds: Vec<usize> = (0..=count).map(|at| at * index.len() / count).collect();
        let work = |from, to| Batch::of(set, &names, &instances, &index, from..to);
        let batch = std::thread::scope(|scope| {
            let others: Vec<_> = bounds[1..]
                .windows(2)
                .map(|ends| scope.spawn(move || work(ends[0], ends[1])))
                .collect();
            let mut first = work(bounds[0], bounds[1]);
            for other in others {
                match other.join() {
                    Ok(other) => first.append(other),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            first.sorted()
        });
        Prepared {
            observations,
            metric_index: MetricIndex::new(observations, &instances),
            log_index: LogIndex::new(observations, &instances),
            index,
            names,
            instances,
            requests: batch.requests,
            parts: batch.parts,
            origins: batch.origins,
            server_spans: batch.server_spans,
            parallel: batch.parallel,
            fan_outs: batch.fan_outs,
            steps: batch.steps,
            repairs: batch.repairs,
        }
    }

    /// Requests that start in a window, in the order of start.
    pub(crate) fn requests(&self, window: &Window) -> &[Request] {
        window.part_of(&self.requests, |request| request.start_ns)
    }

    /// Parts of a request's critical path, which sum to its duration.
    pub(crate) fn parts(&self, request: &Request) -> &[Part] {
        &self.parts[request.parts.0 as usize..request.parts.1 as usize]
    }

    /// Where a failing request went wrong.
    pub(crate) fn origin(&self, request: &Request) -> Option<&Origin> {
        self.origins.get(request.origin as usize)
    }

    pub(crate) fn server_spans(&self, instance: InstanceId) -> &[ServerSpan] {
        &self.server_spans[instance.0 as usize]
    }

    pub(crate) fn is_parallel(&self, instance: InstanceId) -> bool {
        self.parallel[self.instances.service(instance).0 as usize]
    }

    /// What was repaired while reading.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.repairs.notes(&self.instances)
    }
}
