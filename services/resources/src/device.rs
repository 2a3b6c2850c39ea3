//! An accelerator, such as a GPU: a few requests at once, the others wait. With exponential arrivals and work it is the
//! M/M/c queue.

use std::sync::Arc;

use ragdoll_model::stages::Device as Spec;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::sample_us;
use ragdoll_telemetry::metrics::GPU_UTILIZATION;
use ragdoll_telemetry::names::QUEUE_WAIT;
use ragdoll_telemetry::{Gauge, Observe, RequestContext};

use crate::gate::Gate;
use crate::instance::Instance;
use crate::interval::Interval;

/// The accelerator of one instance.
#[derive(Debug)]
pub struct Device {
    instance: Arc<Instance>,
    spec: Spec,
    gate: Gate,
    random: Stream,
}

impl Device {
    /// An accelerator whose work is drawn from `random`.
    pub fn new(instance: &Arc<Instance>, spec: Spec, random: Stream) -> Arc<Self> {
        let now_us = instance.clock.now_us();
        let device = Arc::new(Device {
            instance: instance.clone(),
            gate: Gate::new(instance.clock.clone(), spec.slots, now_us),
            random,
            spec,
        });
        instance.telemetry.observe(&device);
        device
    }

    /// Waits for the accelerator and keeps one of its slots while it works.
    pub async fn serve(&self, context: &RequestContext) {
        let overrides = self.instance.overrides(context);
        let factor = overrides.device_time_factor.unwrap_or(1.0);
        let drawn_us = sample_us(&self.spec.work, &mut context.random(self.random));
        let work_us = (drawn_us as f64 * factor).round() as u64;
        let waiting = Interval::begin(&self.instance, context, QUEUE_WAIT, None);
        let entered = self.gate.enter(None).await;
        let _slot = entered.expect("a device's queue has no bound");
        drop(waiting);
        // Not on the processors: neither a quota nor a neighbour of theirs slows it down.
        self.instance.clock.work_us(work_us).await;
    }
}

impl Observe for Device {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(GPU_UTILIZATION, self.gate.sample_utilization(now_us));
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::{Dist, Service};
    use ragdoll_runtime::{Overrides, run_virtual};

    use super::*;
    use crate::testing::Bench;

    #[test]
    fn requests_wait_for_a_slot_and_a_throttled_device_takes_longer() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::EMBEDDER, 1);
            let spec = Spec {
                slots: 1,
                work: Dist::fixed(10.0),
            };
            let device = Device::new(&bench.instance, spec, bench.instance.random);
            let serve = |number| {
                let device = device.clone();
                tokio::spawn(async move { device.serve(&Bench::request(number)).await })
            };
            let (first, second) = (serve(1), serve(2));
            first.await.expect("no panic");
            second.await.expect("no panic");
            assert_eq!(clock.now_us(), 20_000);
            assert_eq!(bench.spans(), [("queue.wait".to_owned(), 10_000)]);
            clock.sleep_us(20_000).await;
            let used = bench.gauges()["hw.gpu.utilization"];
            assert!((used - 0.5).abs() < 1e-9, "{used}");
            bench.instance.controls.apply(Overrides {
                device_time_factor: Some(4.0),
                ..Overrides::default()
            });
            serve(3).await.expect("no panic");
            assert_eq!(clock.now_us(), 80_000);
        });
    }
}
