//! Reading and writing messages: processor time by their bytes.

use std::sync::Arc;

use ragdoll_model::stages::Codec as Spec;
use ragdoll_telemetry::RequestContext;
use ragdoll_telemetry::names::MESSAGE_SERIALIZE;

use crate::cpu::Cpu;
use crate::instance::Instance;
use crate::interval::Interval;

/// The codec of one instance.
#[derive(Debug)]
pub struct Codec {
    instance: Arc<Instance>,
    spec: Spec,
    cpu: Arc<Cpu>,
}

impl Codec {
    /// A codec that works on `cpu`.
    pub fn new(instance: &Arc<Instance>, spec: Spec, cpu: &Arc<Cpu>) -> Self {
        Codec {
            instance: instance.clone(),
            spec,
            cpu: cpu.clone(),
        }
    }

    /// Reads or writes messages of `bytes` together.
    pub async fn serve(&self, context: &RequestContext, bytes: u64) {
        let overrides = self.instance.overrides(context);
        let factor = overrides.codec_time_factor.unwrap_or(1.0);
        let work_us = self.spec.us_per_kib * (bytes as f64 / 1024.0) * factor;
        let _working = Interval::begin(&self.instance, context, MESSAGE_SERIALIZE, None);
        self.cpu.run(context, work_us.round() as u64).await;
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;
    use ragdoll_runtime::{Overrides, run_virtual};

    use super::*;
    use crate::testing::Bench;

    #[test]
    fn messages_take_time_by_their_bytes_and_a_factor_in_force() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::GATEWAY, 1);
            let cpu = Cpu::new(&bench.instance, 1, 0.0);
            let spec = Spec {
                us_per_kib: 100.0,
                size_factor: 1.0,
            };
            let codec = Codec::new(&bench.instance, spec, &cpu);
            codec.serve(&Bench::request(1), 10 * 1024).await;
            assert_eq!(bench.spans(), [("message.serialize".to_owned(), 1_000)]);
            bench.instance.controls.apply(Overrides {
                codec_time_factor: Some(7.0),
                ..Overrides::default()
            });
            codec.serve(&Bench::request(2), 10 * 1024).await;
            assert_eq!(bench.spans(), [("message.serialize".to_owned(), 7_000)]);
            codec.serve(&Bench::request(3), 0).await;
            assert!(bench.spans().is_empty(), "nothing takes no time");
        });
    }
}
