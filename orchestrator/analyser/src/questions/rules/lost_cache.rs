//! Work that takes longer at a service whose cache answers fewer look-ups than before is work that the cache saved.

use crate::facts::cause::Cause;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::questions::comparison::Comparison;
use crate::questions::rules::rule::{Disguise, Shown};
use crate::questions::signs::hit_ratio::hit_ratio_fell;

pub(super) const LOST_CACHE: Disguise = Disguise {
    seems: Cause::Compute,
    is: Cause::Cache,
    shown: cache_answers_less,
};

fn cache_answers_less(
    compared: &Comparison<'_>,
    service: ServiceId,
    _: Option<InstanceId>,
) -> Option<Shown> {
    let figure = hit_ratio_fell(compared, service)?;
    Some((None, vec![figure]))
}
