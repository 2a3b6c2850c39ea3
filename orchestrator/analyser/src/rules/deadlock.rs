//! Transactions that are given up while they hold a lock fail for the lock's sake.

use crate::evidence::figure;
use crate::names::words;
use crate::parties::ServiceId;
use crate::population::{Population, Times};
use crate::prepared::{Prepared, Request};
use crate::sides::Sides;
use crate::verdict::{Cause, Figure};

/// The figure that shows that failing requests had spent more of their time on a lock of the service
/// than requests of the baseline, where they had.
pub(crate) fn given_up_on_a_lock(
    prepared: &Prepared<'_>,
    service: ServiceId,
    failed: &[&Request],
    before: &Population<'_>,
) -> Option<Figure> {
    let lock_ms = |requests: &[&Request]| {
        Times::new(prepared, requests, &Sides::default()).mean_ms(service, Cause::Lock)
    };
    let (now_ms, before_ms) = (lock_ms(failed), lock_ms(&before.timed));
    let name = prepared.parties.service_name(service);
    let what = format!(
        "{} of {name} on the critical path of failing requests, mean",
        words(Cause::Lock)
    );
    (now_ms > before_ms).then(|| figure(what, now_ms, before_ms, "ms"))
}
