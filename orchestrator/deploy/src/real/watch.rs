//! Whether the machine held the load, or was the bottleneck itself: what a simulation never is.

use std::sync::{Arc, Mutex, PoisonError};

use procfs::{CurrentSI as _, KernelStats};
use ragdoll_experiment::MachineRecord;
use ragdoll_runtime::Clock;

/// How often a timer is tried.
const INTERVAL_US: u64 = 10_000;

/// Tries timers beside the load. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct MachineWatch {
    delays_us: Arc<Mutex<Vec<u64>>>,
}

/// Processor time of the whole machine since its start, in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessorTime {
    busy: u64,
    total: u64,
}

impl ProcessorTime {
    /// None where the kernel does not tell.
    pub(crate) fn now() -> Option<Self> {
        let all = KernelStats::current().ok()?.total;
        let idle = all.idle + all.iowait.unwrap_or(0);
        let busy =
            all.user + all.nice + all.system + all.irq.unwrap_or(0) + all.softirq.unwrap_or(0);
        Some(ProcessorTime {
            busy,
            total: busy + idle,
        })
    }

    fn busy_share_since(self, earlier: ProcessorTime) -> f64 {
        let total = self.total.saturating_sub(earlier.total);
        self.busy.saturating_sub(earlier.busy) as f64 / total.max(1) as f64
    }
}

impl MachineWatch {
    /// Tries timers until it is dropped.
    pub(crate) async fn run(self, clock: Clock) {
        loop {
            let due_us = clock.now_us() + INTERVAL_US;
            clock.sleep_until_us(due_us).await;
            let delay_us = clock.now_us() - due_us;
            self.delays().push(delay_us);
        }
    }

    /// What was seen, with how late each request was sent.
    pub(crate) fn record(
        &self,
        mut lateness_us: Vec<u64>,
        before: Option<ProcessorTime>,
    ) -> MachineRecord {
        let mut delays_us = self.delays().clone();
        let busy_share = before.zip(ProcessorTime::now());
        MachineRecord {
            scheduling_delay_p99_ms: p99_ms(&mut delays_us),
            lateness_p99_ms: p99_ms(&mut lateness_us),
            busy_share: busy_share.map(|(before, now)| now.busy_share_since(before)),
        }
    }

    fn delays(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.delays_us
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn p99_ms(values_us: &mut [u64]) -> f64 {
    values_us.sort_unstable();
    let position = (values_us.len() * 99).div_ceil(100).saturating_sub(1);
    values_us
        .get(position)
        .map_or(0.0, |value| *value as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_values_may_be_higher() {
        assert_eq!(p99_ms(&mut []), 0.0);
        assert_eq!(p99_ms(&mut [3_000]), 3.0);
        let mut values: Vec<u64> = (1..=200).rev().map(|value| value * 1_000).collect();
        assert_eq!(p99_ms(&mut values), 198.0);
    }

    #[test]
    fn the_processors_are_busy_for_a_share_of_the_time() {
        let earlier = ProcessorTime {
            busy: 10,
            total: 100,
        };
        let later = ProcessorTime {
            busy: 40,
            total: 160,
        };
        assert_eq!(later.busy_share_since(earlier), 0.5);
    }
}
