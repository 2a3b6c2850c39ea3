//! Figures of the real process, as Linux tells them. What cannot be read is left out.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use procfs::process::Process;

use crate::metrics::{FILE_DESCRIPTORS, Gauge, Observe};

/// Processor time of the process since it started, of user and system together.
pub const CPU_TIME: Gauge = Gauge::new("process.cpu.time", "s");
/// Memory of the process that is in main memory, under the name that Prometheus' clients use.
/// `process.memory.usage` is what the memory model says.
pub const RESIDENT_MEMORY: Gauge = Gauge::new("process_resident_memory_bytes", "By");
/// Address space of the process.
pub const VIRTUAL_MEMORY: Gauge = Gauge::new("process.memory.virtual", "By");
/// Bytes that came in over all interfaces of the process's network namespace, since that exists.
pub const NETWORK_RECEIVED: Gauge = Gauge::new("process.network.io.received", "By");
/// Bytes that went out over them.
pub const NETWORK_TRANSMITTED: Gauge = Gauge::new("process.network.io.transmitted", "By");
/// Time for which the control group waited for its quota of processor time, since the last sample.
pub const CONTAINER_THROTTLED_TIME: Gauge = Gauge::new("container.cpu.throttled_time", "ms");

/// Where a container finds its own control group, in version 2 and in version 1.
const CPU_STATS: [&str; 3] = [
    "/sys/fs/cgroup/cpu.stat",
    "/sys/fs/cgroup/cpu/cpu.stat",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.stat",
];

/// The gauges of the process that this runs in.
#[derive(Debug)]
pub struct ProcessMetrics {
    throttling: Option<Throttling>,
}

#[derive(Debug)]
struct Throttling {
    cpu_stat: PathBuf,
    last_us: Mutex<u64>,
}

impl ProcessMetrics {
    /// Finds out what there is to read.
    pub fn new() -> Self {
        ProcessMetrics {
            throttling: CPU_STATS
                .iter()
                .find_map(|path| Throttling::of(path.as_ref())),
        }
    }
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        ProcessMetrics::new()
    }
}

impl Observe for ProcessMetrics {
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        if let Ok(process) = Process::myself() {
            observe_process(&process, report);
        }
        if let Some(throttled_us) = self.throttling.as_ref().and_then(Throttling::since_last_us) {
            report(CONTAINER_THROTTLED_TIME, throttled_us as f64 / 1000.0);
        }
    }
}

fn observe_process(process: &Process, report: &mut dyn FnMut(Gauge, f64)) {
    if let Ok(stat) = process.stat() {
        let ticks = (stat.utime + stat.stime) as f64;
        report(CPU_TIME, ticks / procfs::ticks_per_second() as f64);
        report(VIRTUAL_MEMORY, stat.vsize as f64);
    }
    if let Ok(memory) = process.statm() {
        let resident_bytes = memory.resident * procfs::page_size();
        report(RESIDENT_MEMORY, resident_bytes as f64);
    }
    if let Ok(interfaces) = process.dev_status() {
        let received: u64 = interfaces.values().map(|of| of.recv_bytes).sum();
        let transmitted: u64 = interfaces.values().map(|of| of.sent_bytes).sum();
        report(NETWORK_RECEIVED, received as f64);
        report(NETWORK_TRANSMITTED, transmitted as f64);
    }
    if let Ok(count) = process.fd_count() {
        report(FILE_DESCRIPTORS, count as f64);
    }
}

impl Throttling {
    fn of(cpu_stat: &Path) -> Option<Self> {
        let last_us = read_throttled_us(cpu_stat)?;
        Some(Throttling {
            cpu_stat: cpu_stat.to_owned(),
            last_us: Mutex::new(last_us),
        })
    }

    fn since_last_us(&self) -> Option<u64> {
        let now_us = read_throttled_us(&self.cpu_stat)?;
        let mut last_us = self.last_us.lock().unwrap_or_else(PoisonError::into_inner);
        let before_us = std::mem::replace(&mut *last_us, now_us);
        Some(now_us.saturating_sub(before_us))
    }
}

fn read_throttled_us(cpu_stat: &Path) -> Option<u64> {
    parse_throttled_us(&std::fs::read_to_string(cpu_stat).ok()?)
}

/// Version 2 counts microseconds, version 1 nanoseconds.
fn parse_throttled_us(cpu_stat: &str) -> Option<u64> {
    cpu_stat.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let value: u64 = value.trim().parse().ok()?;
        match name {
            "throttled_usec" => Some(value),
            "throttled_time" => Some(value / 1000),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn observe(metrics: &ProcessMetrics) -> BTreeMap<&'static str, f64> {
        let mut values = BTreeMap::new();
        metrics.observe(0, &mut |gauge, value| {
            assert!(
                values.insert(gauge.name, value).is_none(),
                "{gauge:?} twice"
            );
        });
        values
    }

    #[test]
    fn the_process_shows_what_it_uses() {
        let values = observe(&ProcessMetrics::new());
        let resident = values[RESIDENT_MEMORY.name];
        assert!(
            resident > 100_000.0,
            "{resident} bytes are too few for a program"
        );
        assert!(values[VIRTUAL_MEMORY.name] >= resident);
        assert!(values[FILE_DESCRIPTORS.name] >= 1.0);
        assert!(values[CPU_TIME.name] >= 0.0);
        assert!(values[NETWORK_RECEIVED.name] >= 0.0);
        assert!(values[NETWORK_TRANSMITTED.name] >= 0.0);
    }

    #[test]
    fn a_file_more_is_a_descriptor_more() {
        let metrics = ProcessMetrics::new();
        // Other tests open and close files meanwhile, though never this many.
        let files: Vec<_> = (0..100)
            .map(|_| std::fs::File::open("/proc/self/stat").expect("Linux has it"))
            .collect();
        let open = observe(&metrics)[FILE_DESCRIPTORS.name];
        drop(files);
        let closed = observe(&metrics)[FILE_DESCRIPTORS.name];
        assert!(
            open - closed > 50.0,
            "{open} with the files, {closed} without"
        );
    }

    #[test]
    fn both_versions_of_control_groups_are_understood() {
        let version_2 = "usage_usec 5\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1500\n";
        let version_1 = "nr_periods 3\nnr_throttled 2\nthrottled_time 1500000\n";
        assert_eq!(parse_throttled_us(version_2), Some(1500));
        assert_eq!(parse_throttled_us(version_1), Some(1500));
        assert_eq!(parse_throttled_us("usage_usec 5\n"), None);
        assert_eq!(parse_throttled_us("throttled_usec much\n"), None);
    }

    #[test]
    fn throttled_time_counts_since_the_last_sample() {
        let name = format!("ragdoll-telemetry-cpu-stat-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let write = |time_us: u64| {
            std::fs::write(&path, format!("throttled_usec {time_us}\n")).expect("room for a line");
        };
        write(4_000);
        let metrics = ProcessMetrics {
            throttling: Throttling::of(&path),
        };
        write(6_500);
        assert_eq!(observe(&metrics)[CONTAINER_THROTTLED_TIME.name], 2.5);
        assert_eq!(observe(&metrics)[CONTAINER_THROTTLED_TIME.name], 0.0);
        std::fs::remove_file(&path).expect("it was written");
        assert!(!observe(&metrics).contains_key(CONTAINER_THROTTLED_TIME.name));
    }
}
