//! The arithmetic of a fair scheduler with a quota: who has got how much by when. Pure: time comes
//! in as a number, nothing waits here.

/// Period of the Linux scheduler's bandwidth control (`cpu.cfs_period_us`).
pub(super) const PERIOD_US: u64 = 100_000;

/// Far below a microsecond, far above what sums of a run's microseconds are off by.
const NEGLIGIBLE_US: f64 = 1e-3;

/// Pieces of work that share processors equally.
#[derive(Debug)]
pub(super) struct Schedule {
    cores: f64,
    /// Share of a processor's time that work gets while it runs, above 0 and up to 1.
    speed: f64,
    quota_us: f64,
    now_us: u64,
    sharing: u32,
    /// Processor time that a piece of work has got that was always there.
    attained_us: f64,
    used_in_period_us: f64,
    /// Since the last sample.
    used_us: f64,
    throttled_us: f64,
    sampled_us: u64,
}

/// What comes next for a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    /// It runs for so long, unless the number of those who share changes.
    Run {
        wall_us: u64,
    },
    /// The quota is used up until then.
    Throttled {
        until_us: u64,
    },
}

/// Since the last sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// Mean share of the processors in use.
    pub(super) utilization: f64,
    /// Time that work waited for its quota, summed over the pieces of work.
    pub(super) throttled_us: f64,
}

impl Schedule {
    /// `quota_us` is for each period, 0 for none.
    pub(super) fn new(cores: u32, quota_us: u64, now_us: u64) -> Self {
        Schedule {
            cores: f64::from(cores.max(1)),
            speed: 1.0,
            quota_us: limit_us(quota_us),
            now_us,
            sharing: 0,
            attained_us: 0.0,
            used_in_period_us: 0.0,
            used_us: 0.0,
            throttled_us: 0.0,
            sampled_us: now_us,
        }
    }

    /// Changes the quota from `now_us` on, 0 for none; false where it is the same as before. What a
    /// quota has counted in the present period counts for its successor.
    pub(super) fn set_quota(&mut self, quota_us: u64, now_us: u64) -> bool {
        self.advance(now_us);
        let before_us = std::mem::replace(&mut self.quota_us, limit_us(quota_us));
        before_us != self.quota_us
    }

    /// Changes the share of their time that the processors give from `now_us` on; false where it is
    /// the same as before.
    pub(super) fn set_speed(&mut self, speed: f64, now_us: u64) -> bool {
        self.advance(now_us);
        std::mem::replace(&mut self.speed, speed) != speed
    }

    /// Adds a piece of work; returns what [`Schedule::next`] needs to know of it.
    pub(super) fn join(&mut self, work_us: u64, now_us: u64) -> f64 {
        self.advance(now_us);
        self.sharing += 1;
        self.attained_us + work_us as f64
    }

    /// Removes a piece of work, done or not.
    pub(super) fn leave(&mut self, now_us: u64) {
        self.advance(now_us);
        self.sharing -= 1;
        if self.sharing == 0 {
            self.attained_us = 0.0;
        }
    }

    pub(super) fn next(&mut self, target_us: f64, now_us: u64) -> Next {
        self.advance(now_us);
        let left_us = target_us - self.attained_us;
        let quota_left_us = self.quota_us - self.used_in_period_us;
        if left_us < NEGLIGIBLE_US {
            Next::Done
        } else if quota_left_us < NEGLIGIBLE_US {
            Next::Throttled {
                until_us: period_end_us(now_us),
            }
        } else {
            let busy = self.busy();
            let until_done_us = left_us * f64::from(self.sharing) / busy;
            let wall_us = until_done_us.min(quota_left_us / busy);
            Next::Run {
                wall_us: (wall_us - NEGLIGIBLE_US).ceil().max(1.0) as u64,
            }
        }
    }

    /// Whether one more or one less changes what the others may expect.
    pub(super) fn is_contended(&self) -> bool {
        self.quota_us.is_finite() || f64::from(self.sharing) >= self.cores
    }

    pub(super) fn sample(&mut self, now_us: u64) -> Sample {
        self.advance(now_us);
        let elapsed_us = (now_us - self.sampled_us) as f64;
        let used_us = std::mem::take(&mut self.used_us);
        let throttled_us = std::mem::take(&mut self.throttled_us);
        self.sampled_us = now_us;
        let utilization = if elapsed_us > 0.0 {
            used_us / (elapsed_us * self.cores)
        } else {
            self.busy() / self.cores
        };
        Sample {
            utilization,
            throttled_us,
        }
    }

    /// Processors that run while the quota lasts, each counted by the share of its time that it
    /// gives.
    fn busy(&self) -> f64 {
        f64::from(self.sharing).min(self.cores) * self.speed
    }

    /// Gives everyone their share of the time up to `now_us`, a period of the quota at a time.
    fn advance(&mut self, now_us: u64) {
        while self.now_us < now_us {
            let period_end_us = period_end_us(self.now_us);
            let until_us = match self.sharing {
                0 => now_us,
                _ if self.quota_us.is_infinite() => now_us,
                _ => now_us.min(period_end_us),
            };
            self.run((until_us - self.now_us) as f64);
            self.now_us = until_us;
            if until_us >= period_end_us {
                self.used_in_period_us = 0.0;
            }
        }
    }

    fn run(&mut self, wall_us: f64) {
        if self.sharing == 0 {
            return;
        }
        let busy = self.busy();
        let quota_left_us = (self.quota_us - self.used_in_period_us).max(0.0);
        let used_us = (wall_us * busy).min(quota_left_us);
        self.attained_us += used_us / f64::from(self.sharing);
        self.used_us += used_us;
        self.throttled_us += (wall_us - used_us / busy) * f64::from(self.sharing);
        if self.quota_us.is_finite() {
            self.used_in_period_us += used_us;
        }
    }
}

fn limit_us(quota_us: u64) -> f64 {
    match quota_us {
        0 => f64::INFINITY,
        _ => quota_us as f64,
    }
}

fn period_end_us(now_us: u64) -> u64 {
    (now_us / PERIOD_US + 1) * PERIOD_US
}
