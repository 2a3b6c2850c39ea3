//! Which of the instances of a service something is found at.

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::metric_index::Holder;
use crate::facts::prepared::Prepared;
use crate::questions::signs::samples::holders;

/// What is found at an instance of a service, or at `instance` alone where that is given: of several the one
/// with the largest number. The instance is named where it is the only one of its siblings.
pub(crate) fn only_one<T>(
    prepared: &Prepared<'_>,
    service: ServiceId,
    instance: Option<InstanceId>,
    find: impl Fn(InstanceId) -> Option<(f64, T)>,
) -> Option<(Option<InstanceId>, T)> {
    let find = |holder| match holder {
        Holder::Instance(instance) => find(instance),
        Holder::Pod(..) => None,
    };
    only_one_holder(prepared, service, instance, find)
}

/// The same, of pods too that are no processes of the traces; none of them is named.
pub(crate) fn only_one_holder<T>(
    prepared: &Prepared<'_>,
    service: ServiceId,
    instance: Option<InstanceId>,
    find: impl Fn(Holder) -> Option<(f64, T)>,
) -> Option<(Option<InstanceId>, T)> {
    let instances = prepared.instances.of_service(service).count();
    let all = holders(prepared, service).into_iter();
    let asked = all.filter(|&one| instance.is_none_or(|only| one == Holder::Instance(only)));
    let found: Vec<_> = asked.filter_map(|one| Some((one, find(one)?))).collect();
    let alone = found.len() == 1 && instances > 1;
    let most = found.into_iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let named = match most.0 {
        Holder::Instance(instance) if alone => Some(instance),
        _ => None,
    };
    Some((named, most.1.1))
}
