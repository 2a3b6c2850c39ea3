//! File descriptors: what a process may have open at once, and what its requests never close.

use std::fs::File;
use std::sync::Arc;

use ragdoll_runtime::Overrides;
use ragdoll_telemetry::metrics::FILE_DESCRIPTORS;
use ragdoll_telemetry::{Gauge, Observe, log_process};

use crate::instance::Instance;
use crate::per_life::PerLife;

/// Descriptors of a process that serves nobody: its listener, its log, its connections to others.
const BASE: u64 = 32;
/// Descriptors that a process may have open where nobody says otherwise: the usual soft limit of
/// `RLIMIT_NOFILE` on Linux.
const LIMIT: u64 = 1024;
/// Most files that are really opened, where there is a process to open them.
const REAL_MAX: usize = 4096;
/// The limit that goes with the count: the soft limit of `RLIMIT_NOFILE`.
const FILE_DESCRIPTOR_LIMIT: Gauge =
    Gauge::new("process.unix.file_descriptor.limit", "{file_descriptor}");

/// The file descriptors of one process. Requests may leave some of them open; once there is none left
/// the process accepts no connection until it is started again.
#[derive(Debug)]
pub struct Descriptors {
    instance: Arc<Instance>,
    leaked: PerLife<Leaked>,
}

#[derive(Debug, Default)]
struct Leaked {
    /// What requests left open; a part of a descriptor counts once it is whole.
    count: f64,
    /// What stands for them, where there is a process.
    real: Vec<File>,
}

/// A process that can open nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyOpenFiles;

impl Descriptors {
    /// The descriptors of an instance's process.
    pub fn new(instance: &Arc<Instance>) -> Arc<Self> {
        let descriptors = Arc::new(Descriptors {
            instance: instance.clone(),
            leaked: PerLife::new(Leaked::default()),
        });
        instance.telemetry.observe(&descriptors);
        descriptors
    }

    /// Accepts the connection of one request, which may leave descriptors open.
    ///
    /// # Errors
    /// [`TooManyOpenFiles`] where the limit is reached; the log says so.
    pub fn accept(&self) -> Result<(), TooManyOpenFiles> {
        let overrides = self.instance.controls.current();
        let each = overrides.descriptors_leaked.unwrap_or(0.0);
        let limit = limit(&overrides);
        let is_accepted = self.leaked.with(&self.instance, Leaked::default, |leaked| {
            if leaked.open() >= limit {
                return false;
            }
            leaked.count = (leaked.count + each).min((limit - BASE) as f64);
            if each > 0.0 && self.instance.machine().is_some() {
                leaked.open_really();
            }
            true
        });
        if is_accepted {
            return Ok(());
        }
        log_process!(
            error,
            self.instance.telemetry,
            "accept error: Too many open files (os error 24)"
        );
        Err(TooManyOpenFiles)
    }
}

impl Leaked {
    fn open(&self) -> u64 {
        BASE + self.count as u64
    }

    /// Opens as many files as are missing. Where the machine refuses, the model's count stands alone.
    fn open_really(&mut self) {
        while self.real.len() < (self.count as usize).min(REAL_MAX) {
            match File::open("/dev/null") {
                Ok(file) => self.real.push(file),
                Err(_) => return,
            }
        }
    }
}

fn limit(overrides: &Overrides) -> u64 {
    let limit = overrides.descriptor_limit.map_or(LIMIT, u64::from);
    limit.max(BASE)
}

impl Observe for Descriptors {
    /// Says something once a process has lost descriptors. A process of its own counts its real ones.
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let overrides = self.instance.controls.current();
        let leaked = &self.leaked;
        let open = leaked.with(&self.instance, Leaked::default, |leaked| leaked.open());
        let in_use = if self.instance.process.is_up() {
            open
        } else {
            0
        };
        if self.instance.machine().is_none() {
            report(FILE_DESCRIPTORS, in_use as f64);
        }
        report(FILE_DESCRIPTOR_LIMIT, limit(&overrides) as f64);
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;
    use ragdoll_runtime::run_virtual;

    use super::*;
    use crate::testing::Bench;

    #[test]
    fn a_process_that_leaks_accepts_until_its_limit_and_again_after_a_restart() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::RERANKER, 1);
            let _logs = bench.collect_logs();
            let instance = &bench.instance;
            let descriptors = Descriptors::new(instance);
            for _ in 0..5000 {
                assert_eq!(descriptors.accept(), Ok(()), "nothing leaks");
            }
            instance.sample_gauges();
            let said = bench.take().metrics;
            let mut open = said.iter().filter(|one| one.gauge == FILE_DESCRIPTORS);
            assert_eq!(
                open.next().map(|sample| sample.value),
                Some(BASE as f64),
                "that it is said says nothing"
            );

            let handle = instance.controls.apply(Overrides {
                descriptors_leaked: Some(0.5),
                descriptor_limit: Some(64),
                ..Overrides::default()
            });
            let accepted = (0..100).filter(|_| descriptors.accept().is_ok()).count();
            assert_eq!(
                accepted, 64,
                "half a descriptor each, of the 32 that are left"
            );
            instance.sample_gauges();
            let said = bench.take();
            assert!(!said.logs.is_empty());
            let of = |gauge| {
                let mut samples = said.metrics.iter();
                samples
                    .find(|sample| sample.gauge == gauge)
                    .map(|sample| sample.value)
            };
            assert_eq!(of(FILE_DESCRIPTORS), Some(64.0));
            assert_eq!(of(FILE_DESCRIPTOR_LIMIT), Some(64.0));

            instance.crash(1_000);
            clock.sleep_us(2_000).await;
            assert_eq!(descriptors.accept(), Ok(()), "another process");
            instance.controls.revert(handle);
        });
    }
}
