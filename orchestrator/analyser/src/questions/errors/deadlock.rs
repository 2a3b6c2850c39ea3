//! Transactions that are given up while they hold a lock fail for the lock's sake.

use crate::facts::cause::Cause;
use crate::facts::ids::ServiceId;
use crate::facts::request::Request;
use crate::questions::case::Case;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::places::Times;

/// The figure that shows that failing requests had spent more of their time on a lock of the service
/// than requests of the baseline, where they had.
pub(super) fn given_up_on_a_lock(
    case: &Case<'_, '_>,
    service: ServiceId,
    failed: &[&Request],
) -> Option<Figure> {
    let prepared = case.compared.prepared;
    let lock_ms = |requests: &[&Request]| {
        Times::new(prepared, requests, &NetworkOwners::default()).mean_ms(service, Cause::Lock)
    };
    let (now_ms, before_ms) = (lock_ms(failed), lock_ms(&case.before.timed));
    let name = prepared.instances.service_name(service);
    let what = format!(
        "{} of {name} on the critical path of failing requests, mean",
        Cause::Lock.words()
    );
    (now_ms > before_ms).then(|| figure(what, now_ms, before_ms, "ms"))
}
