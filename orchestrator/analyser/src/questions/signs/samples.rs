//! Samples of one metric of one process, as the questions need them.

use ragdoll_trace::{Attribute, MetricPoint, Symbol};

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::metric_index::{Holder, text_of};
use crate::facts::names::metrics::plain;
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::statistics::summary::mean;

/// Whose samples there may be of a service: its processes, then pods that others measured.
pub(crate) fn holders(prepared: &Prepared<'_>, service: ServiceId) -> Vec<Holder> {
    let instances = prepared.instances.of_service(service).map(Holder::Instance);
    instances
        .chain(prepared.metric_index.pods_of(service))
        .collect()
}

/// What a reader knows a process or pod by.
pub(crate) fn name_of<'a>(prepared: &Prepared<'a>, holder: Holder) -> &'a str {
    match holder {
        Holder::Pod(_, name) => prepared.observations.traces.text(name),
        Holder::Instance(instance) => match prepared.instances.instance_name(instance) {
            "" => prepared.instances.service_name_of(instance),
            name => name,
        },
    }
}

/// Samples within a window, in the order of time.
pub(crate) fn points<'a>(
    prepared: &'a Prepared<'_>,
    holder: Holder,
    name: &str,
    window: &Window,
) -> impl Iterator<Item = &'a MetricPoint> + use<'a> {
    let observations = prepared.observations;
    let positions = prepared
        .metric_index
        .within(observations, holder, name, window);
    let points = positions
        .iter()
        .map(|&at| &observations.metrics[at as usize]);
    points.filter(|point| point.value.is_finite())
}

/// Samples of one gauge of one process in a window.
pub(crate) fn gauge(
    prepared: &Prepared<'_>,
    instance: InstanceId,
    name: &str,
    window: &Window,
) -> Vec<f64> {
    let points = points(prepared, Holder::Instance(instance), name, window);
    points.map(|point| point.value).collect()
}

/// Mean of one gauge of one process in a window, where it has samples.
pub(crate) fn gauge_mean(
    prepared: &Prepared<'_>,
    instance: InstanceId,
    name: &str,
    window: &Window,
) -> Option<f64> {
    let samples = gauge(prepared, instance, name, window);
    (!samples.is_empty()).then(|| mean(samples.into_iter()))
}

/// By how much a count grew within a window; none without two samples of it. A count that falls began
/// again from 0. Samples that differ in an attribute are counts of different things.
pub(crate) fn increase(
    prepared: &Prepared<'_>,
    holder: Holder,
    name: &str,
    window: &Window,
) -> Option<f64> {
    let mut last: Vec<(&[Attribute], f64)> = Vec::new();
    let (mut sum, mut is_known) = (0.0, false);
    for point in points(prepared, holder, name, window) {
        let series = last.iter_mut().find(|known| *known.0 == *point.attributes);
        let Some((_, value)) = series else {
            last.push((&point.attributes, point.value));
            continue;
        };
        is_known = true;
        let fell = point.value < *value;
        sum += if fell {
            point.value
        } else {
            point.value - *value
        };
        *value = point.value;
    }
    is_known.then_some(sum)
}

/// What an attribute of a sample says, whichever way its key is written.
pub(crate) fn said(prepared: &Prepared<'_>, point: &MetricPoint, key: &str) -> Option<Symbol> {
    let set = &prepared.observations.traces;
    if let Some(text) = set
        .symbol(key)
        .and_then(|key| text_of(&point.attributes, key))
    {
        return Some(text);
    }
    let wanted = plain(key);
    let mut attributes = point.attributes.iter();
    let found = attributes.find(|attribute| *plain(set.text(attribute.key)) == *wanted)?;
    found.value.as_symbol()
}
