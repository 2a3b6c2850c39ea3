//! A disk that serves a few operations at once, and the page cache before it. With a fixed operation time and
//! exponential arrivals it is the M/D/c queue.

use std::sync::Arc;

use ragdoll_model::stages::{Disk as Spec, DiskUse};
use ragdoll_runtime::random::{chance, sample_us};
use ragdoll_runtime::{Overrides, Stream};
use ragdoll_telemetry::metrics::{DISK_IO_TIME, DISK_PENDING};
use ragdoll_telemetry::names::{DISK_READ, DISK_WRITE};
use ragdoll_telemetry::{Gauge, Observe, RequestContext};

use crate::error::ResourceError;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::interval::Interval;

/// The disk of one instance.
#[derive(Debug)]
pub struct Disk {
    instance: Arc<Instance>,
    spec: Spec,
    gate: Gate,
}

impl Disk {
    /// A disk of an instance.
    pub fn new(instance: &Arc<Instance>, spec: Spec) -> Arc<Self> {
        let now_us = instance.clock.now_us();
        let disk = Arc::new(Disk {
            instance: instance.clone(),
            gate: Gate::new(instance.clock.clone(), spec.queue_depth, now_us),
            spec,
        });
        instance.telemetry.observe(&disk);
        disk
    }

    /// Reads and writes as a request does that draws from `random`. Errors with [`ResourceError::DiskFull`]
    /// where there is no room for what it writes.
    pub async fn serve(
        &self,
        context: &RequestContext,
        random: Stream,
        what: &DiskUse,
    ) -> Result<(), ResourceError> {
        let overrides = self.instance.overrides(context);
        if what.read_bytes > 0 && !self.is_cached(context, random, &overrides) {
            let time_us = self.operation_us(context, random.child("read"), what.read_bytes);
            self.operate(context, DISK_READ, time_us, &overrides).await;
        }
        if what.write_bytes == 0 {
            return Ok(());
        }
        if overrides.disk_full == Some(true) {
            return Err(ResourceError::DiskFull);
        }
        if what.fsync {
            let fsync = overrides.disk_fsync.unwrap_or(self.spec.fsync);
            let fsync_us = sample_us(&fsync, &mut context.random(random.child("fsync")));
            let move_us = self.operation_us(context, random.child("write"), what.write_bytes);
            let time_us = move_us.saturating_add(fsync_us);
            self.operate(context, DISK_WRITE, time_us, &overrides).await;
        }
        Ok(())
    }

    fn is_cached(&self, context: &RequestContext, random: Stream, overrides: &Overrides) -> bool {
        let share = overrides
            .disk_cached_share
            .unwrap_or(self.spec.cached_share);
        chance(share, &mut context.random(random.child("cached")))
    }

    /// An operation by itself, and the time to move the bytes.
    fn operation_us(&self, context: &RequestContext, random: Stream, bytes: u32) -> u64 {
        let own_us = sample_us(&self.spec.operation, &mut context.random(random));
        let move_us = f64::from(bytes) / self.spec.mb_per_s;
        own_us.saturating_add(move_us.round() as u64)
    }

    /// Waits for the disk and keeps one of its places. The wait is the disk's: nobody else's time passes there.
    async fn operate(
        &self,
        context: &RequestContext,
        name: &'static str,
        time_us: u64,
        overrides: &Overrides,
    ) {
        let factor = overrides.disk_time_factor.unwrap_or(1.0);
        let time_us = (time_us as f64 * factor).round() as u64;
        let _operating = Interval::begin(&self.instance, context, name, None);
        let entered = self.gate.enter(None).await;
        let _place = entered.expect("a disk's queue has no bound");
        self.instance.clock.sleep_us(time_us).await;
    }
}

impl Observe for Disk {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(DISK_IO_TIME, self.gate.sample_utilization(now_us));
        let pending = self.gate.waiting() + self.gate.inside() as usize;
        report(DISK_PENDING, pending as f64);
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::{Dist, Service};
    use ragdoll_runtime::{Clock, run_virtual};

    use super::*;
    use crate::testing::Bench;

    fn spec(cached_share: f64) -> Spec {
        Spec {
            queue_depth: 1,
            operation: Dist::fixed(1.0),
            mb_per_s: 100.0,
            fsync: Dist::fixed(5.0),
            cached_share,
        }
    }

    /// Spans of `count` requests that come at once, and how they end.
    async fn serve(
        bench: &Bench,
        disk: &Arc<Disk>,
        count: u64,
        what: DiskUse,
    ) -> (Vec<(String, u64)>, Result<(), ResourceError>) {
        let requests = (0..count).map(|number| {
            let (disk, random) = (disk.clone(), bench.instance.random);
            tokio::spawn(async move { disk.serve(&Bench::request(number), random, &what).await })
        });
        let mut ends = Ok(());
        for request in requests.collect::<Vec<_>>() {
            ends = ends.and(request.await.expect("no panic"));
        }
        (bench.spans(), ends)
    }

    fn on_disk(test: impl AsyncFnOnce(Clock, Bench) + 'static) {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::SHARD, 1);
            test(clock, bench).await;
        });
    }

    const READ: DiskUse = DiskUse {
        read_bytes: 1_000_000,
        write_bytes: 0,
        fsync: false,
    };
    const WRITE: DiskUse = DiskUse {
        read_bytes: 0,
        write_bytes: 1_000_000,
        fsync: true,
    };

    fn spans(all: &[(&str, u64)]) -> Vec<(String, u64)> {
        all.iter()
            .map(|&(name, us)| (name.to_owned(), us))
            .collect()
    }

    #[test]
    fn operations_wait_for_each_other_and_move_their_bytes() {
        on_disk(async |clock, bench| {
            let disk = Disk::new(&bench.instance, spec(0.0));
            let (said, end) = serve(&bench, &disk, 2, READ).await;
            assert_eq!(said, spans(&[("disk.read", 11_000), ("disk.read", 22_000)]));
            assert_eq!(end, Ok(()));
            let (said, _) = serve(&bench, &disk, 1, WRITE).await;
            assert_eq!(said, spans(&[("disk.write", 16_000)]));
            clock.sleep_us(62_000).await;
            let gauges = bench.gauges();
            assert_eq!(gauges["system.disk.pending_operations"], 0.0);
            assert!(
                (gauges["system.disk.io_time"] - 0.38).abs() < 1e-9,
                "{gauges:?}"
            );
        });
    }

    #[test]
    fn the_page_cache_takes_no_time() {
        on_disk(async |clock, bench| {
            let disk = Disk::new(&bench.instance, spec(1.0));
            let lazy = DiskUse {
                fsync: false,
                read_bytes: 1_000_000,
                ..WRITE
            };
            assert_eq!(serve(&bench, &disk, 3, lazy).await, (Vec::new(), Ok(())));
            assert_eq!(clock.now_us(), 0);
            let disk = Disk::new(&bench.instance, spec(0.7));
            let (said, _) = serve(&bench, &disk, 1000, READ).await;
            // Of 1,000 draws at 0.3; the probability of less or more than five deviations is below 1e-6.
            assert!((228..=372).contains(&said.len()), "{}", said.len());
        });
    }

    #[test]
    fn changes_in_force_hold() {
        on_disk(async |_, bench| {
            let disk = Disk::new(&bench.instance, spec(1.0));
            let handle = bench.instance.controls.apply(Overrides {
                disk_time_factor: Some(3.0),
                disk_fsync: Some(Dist::fixed(9.0)),
                disk_cached_share: Some(0.0),
                ..Overrides::default()
            });
            let (said, _) = serve(&bench, &disk, 1, READ).await;
            assert_eq!(said, spans(&[("disk.read", 33_000)]));
            let (said, _) = serve(&bench, &disk, 1, WRITE).await;
            assert_eq!(said, spans(&[("disk.write", 60_000)]));
            bench.instance.controls.revert(handle);
            bench.instance.controls.apply(Overrides {
                disk_full: Some(true),
                ..Overrides::default()
            });
            assert_eq!(serve(&bench, &disk, 1, READ).await.1, Ok(()));
            let (said, end) = serve(&bench, &disk, 1, WRITE).await;
            assert_eq!((said, end), (Vec::new(), Err(ResourceError::DiskFull)));
        });
    }
}
