//! Samples by who they are about and what they measure, in the order of time.

use std::collections::{BTreeMap, BTreeSet};

use ragdoll_trace::{Attribute, MetricPoint, Observations, ResourceId, Symbol};
use rustc_hash::FxHashMap;

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::instances::Instances;
use crate::facts::names::metrics::{MEASURED_POD, MEASURED_SERVICE, plain};
use crate::facts::time::Window;

/// What samples are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holder {
    Instance(InstanceId),
    /// A pod or container of a service of which no span tells which process it is.
    Pod(ServiceId, Symbol),
}

/// The index. It takes four bytes a sample.
#[derive(Debug, Default)]
pub(crate) struct MetricIndex {
    /// Every way to write a name, by its plain form.
    numbers: FxHashMap<String, u32>,
    positions: FxHashMap<(Holder, u32), Vec<u32>>,
    pods: BTreeSet<(ServiceId, Symbol)>,
}

impl MetricIndex {
    pub(crate) fn new(observations: &Observations, instances: &Instances<'_>) -> Self {
        let mut gauges = MetricIndex::default();
        if observations.metrics.is_empty() {
            return gauges;
        }
        let mut owners = Owners::new(observations, instances);
        let set = &observations.traces;
        let mut number_of_symbol: FxHashMap<Symbol, u32> = FxHashMap::default();
        for (position, point) in observations.metrics.iter().enumerate() {
            let number = *number_of_symbol.entry(point.name).or_insert_with(|| {
                let next = gauges.numbers.len() as u32;
                let name = plain(set.text(point.name)).into_owned();
                *gauges.numbers.entry(name).or_insert(next)
            });
            let holder = owners.holder(point);
            if let Holder::Pod(service, pod) = holder {
                gauges.pods.insert((service, pod));
            }
            let positions = gauges.positions.entry((holder, number)).or_default();
            positions.push(position as u32);
        }
        for positions in gauges.positions.values_mut() {
            positions.sort_by_key(|&at| observations.metrics[at as usize].time_ns);
        }
        gauges
    }

    /// Positions of the samples of a metric within a window, in the order of time.
    pub(crate) fn within(
        &self,
        observations: &Observations,
        holder: Holder,
        name: &str,
        window: &Window,
    ) -> &[u32] {
        let number = self.numbers.get(&*plain(name));
        let all = number.and_then(|&number| self.positions.get(&(holder, number)));
        let all = all.map_or(&[][..], Vec::as_slice);
        window.part_of(all, |&at| observations.metrics[at as usize].time_ns)
    }

    /// Pods of a service that are no processes of the traces.
    pub(crate) fn pods_of(&self, service: ServiceId) -> impl Iterator<Item = Holder> + '_ {
        let from = self.pods.range((service, Symbol(0))..);
        from.take_while(move |pod| pod.0 == service)
            .map(|&(service, pod)| Holder::Pod(service, pod))
    }
}

/// Who samples are about.
struct Owners<'a, 'b> {
    observations: &'a Observations,
    instances: &'a Instances<'b>,
    /// Services that spans tell of. Of all others metrics tell alone.
    traced: BTreeSet<ServiceId>,
    pod_keys: Vec<Symbol>,
    service_keys: Vec<Symbol>,
    instance_of_pod: BTreeMap<Symbol, InstanceId>,
    service_of_pod: FxHashMap<Symbol, Option<ServiceId>>,
}

impl<'a, 'b> Owners<'a, 'b> {
    fn new(observations: &'a Observations, instances: &'a Instances<'b>) -> Self {
        let set = &observations.traces;
        let recorders: BTreeSet<ResourceId> =
            set.spans().iter().map(|span| span.resource).collect();
        let named = (set.resources().len() as u32..instances.len() as u32).map(InstanceId);
        let recording = recorders.iter().map(|&resource| instances.of(resource));
        let symbols = |keys: &[&str]| keys.iter().filter_map(|key| set.symbol(key)).collect();
        let pod_keys: Vec<Symbol> = symbols(&MEASURED_POD);
        let mut instance_of_pod = BTreeMap::new();
        for &resource in &recorders {
            let instance = instances.of(resource);
            let described = &set.resources()[resource.0 as usize];
            instance_of_pod.insert(described.instance, instance);
            for &key in &pod_keys {
                if let Some(pod) = text_of(&described.attributes, key) {
                    instance_of_pod.entry(pod).or_insert(instance);
                }
            }
        }
        Owners {
            observations,
            instances,
            traced: recording
                .chain(named)
                .map(|instance| instances.service(instance))
                .collect(),
            pod_keys,
            service_keys: symbols(&MEASURED_SERVICE),
            instance_of_pod,
            service_of_pod: FxHashMap::default(),
        }
    }

    /// The process that measured itself, or else the one that the attributes name.
    fn holder(&mut self, point: &MetricPoint) -> Holder {
        let own = self.instances.of(point.resource);
        if self.traced.contains(&self.instances.service(own)) {
            return Holder::Instance(own);
        }
        let resource = &self.observations.traces.resources()[point.resource.0 as usize];
        let told = |keys: &[Symbol]| -> Option<Symbol> {
            let of = |key: &Symbol| {
                text_of(&point.attributes, *key).or_else(|| text_of(&resource.attributes, *key))
            };
            keys.iter().find_map(of)
        };
        let (pod, service) = (told(&self.pod_keys), told(&self.service_keys));
        if let Some(&instance) = pod.and_then(|pod| self.instance_of_pod.get(&pod)) {
            return Holder::Instance(instance);
        }
        let named = service.and_then(|name| self.instances.service_named(name));
        let named = named.filter(|service| self.traced.contains(service));
        let found = named.or_else(|| self.service_of_pod(pod?));
        match (found, pod.or(service)) {
            (Some(service), Some(name)) => Holder::Pod(service, name),
            _ => Holder::Instance(own),
        }
    }

    /// The service that a pod is named after, as Kubernetes names pods of a deployment.
    fn service_of_pod(&mut self, pod: Symbol) -> Option<ServiceId> {
        if let Some(&known) = self.service_of_pod.get(&pod) {
            return known;
        }
        let name = self.observations.traces.text(pod);
        let named_after = |service: &ServiceId| {
            let rest = name.strip_prefix(self.instances.service_name(*service));
            rest.is_some_and(|rest| rest.starts_with('-'))
        };
        let length = |service: &ServiceId| self.instances.service_name(*service).len();
        let services = self.traced.iter().copied().filter(named_after);
        let found = services.max_by_key(length);
        self.service_of_pod.insert(pod, found);
        found
    }
}

/// The text that an attribute has, where it has one.
pub(crate) fn text_of(attributes: &[Attribute], key: Symbol) -> Option<Symbol> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_symbol()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ragdoll_trace::{Span, SpanKind, Status};

    use super::*;
    use crate::facts::prepared::Prepared;

    const SERVICES: [&str; 3] = ["front", "back", "agent"];
    const NAMES: [&str; 3] = ["jvm.memory.used", "jvm_memory_used_bytes", "queue.depth"];

    /// Services but the last record a span; samples are (service, name, time).
    fn observations(samples: &[(usize, usize, u64)]) -> Observations {
        let mut observations = Observations::default();
        let set = &mut observations.traces;
        for (number, service) in SERVICES[..2].iter().enumerate() {
            let resource = set.resource(service, &format!("{service}-0"));
            let name = set.intern("Work");
            set.push(Span {
                trace_id: 1,
                span_id: number as u64 + 1,
                parent_id: None,
                start_ns: 1,
                end_ns: 2,
                attributes: Box::default(),
                links: Box::default(),
                resource,
                name,
                kind: SpanKind::Server,
                status: Status::Unset,
            });
        }
        for &(service, name, time_ns) in samples {
            let instance = format!("{}-0", SERVICES[service]);
            let point = MetricPoint {
                time_ns,
                resource: set.resource(SERVICES[service], &instance),
                name: set.intern(NAMES[name]),
                value: time_ns as f64,
                unit: set.intern("1"),
                attributes: Box::default(),
            };
            observations.metrics.push(point);
        }
        observations
    }

    proptest! {
        #[test]
        fn the_index_has_what_a_look_at_every_sample_finds(
            samples in prop::collection::vec((0_usize..3, 0_usize..3, 0_u64..50), 0..200),
            start_ns in 0_u64..50,
            length_ns in 0_u64..50,
        ) {
            let observations = observations(&samples);
            let prepared = Prepared::new(&observations);
            let window = Window { start_ns, end_ns: start_ns + length_ns };
            for resource in 0..observations.traces.resources().len() as u32 {
                let instance = prepared.instances.of(ResourceId(resource));
                for name in NAMES {
                    let found = prepared.metric_index.within(
                        &observations,
                        Holder::Instance(instance),
                        name,
                        &window,
                    );
                    let times: Vec<u64> = found
                        .iter()
                        .map(|&at| observations.metrics[at as usize].time_ns)
                        .collect();
                    let set = &observations.traces;
                    let points = observations.metrics.iter();
                    let of_name = points.filter(|point| {
                        plain(set.text(point.name)) == plain(name)
                            && point.resource == ResourceId(resource)
                            && window.contains(point.time_ns)
                    });
                    let mut expected: Vec<u64> = of_name.map(|point| point.time_ns).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(times, expected);
                }
            }
        }
    }
}
