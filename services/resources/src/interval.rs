//! Waits and holds that leave a span.

use ragdoll_telemetry::{KeyValue, RequestContext};

use crate::instance::Instance;

/// What a real clock counts, in microseconds, while code runs that waits for nothing.
const REAL_NOISE_US: u64 = 20;

/// A stretch of time from its creation until it is dropped, which leaves a span where it is longer
/// than nothing, or on a real clock than its noise. A caller that gives up drops it early, and so is
/// still seen to have waited.
#[derive(Debug)]
pub(crate) struct Interval<'a> {
    instance: &'a Instance,
    context: &'a RequestContext,
    name: &'static str,
    attribute: Option<KeyValue>,
    start_us: u64,
}

impl<'a> Interval<'a> {
    pub(crate) fn begin(
        instance: &'a Instance,
        context: &'a RequestContext,
        name: &'static str,
        attribute: Option<KeyValue>,
    ) -> Self {
        Interval {
            instance,
            context,
            name,
            attribute,
            start_us: instance.clock.now_us(),
        }
    }
}

impl Drop for Interval<'_> {
    fn drop(&mut self) {
        let now_us = self.instance.clock.now_us();
        let noise_us = if self.instance.clock.is_virtual() {
            0
        } else {
            REAL_NOISE_US
        };
        if now_us.saturating_sub(self.start_us) > noise_us {
            let attributes = self.attribute.take().into_iter().collect();
            self.instance.telemetry.interval_until(
                self.name,
                &self.context.span,
                self.start_us,
                now_us,
                attributes,
            );
        }
    }
}
