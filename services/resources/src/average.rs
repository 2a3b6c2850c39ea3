//! Mean of a level over time.

/// Integrates a level that changes in steps, such as the number of busy servers.
#[derive(Debug, Default)]
pub(crate) struct TimeAverage {
    level: f64,
    since_us: u64,
    area: f64,
    sampled_us: u64,
}

impl TimeAverage {
    /// An average that knows of nothing before `since_us`.
    pub(crate) fn since(since_us: u64) -> Self {
        TimeAverage {
            since_us,
            sampled_us: since_us,
            ..TimeAverage::default()
        }
    }

    /// The level is `level` from `now_us` on.
    pub(crate) fn set(&mut self, now_us: u64, level: f64) {
        self.advance(now_us);
        self.level = level;
    }

    /// Mean level since the last sample; the level itself where no time has passed.
    pub(crate) fn sample(&mut self, now_us: u64) -> f64 {
        self.advance(now_us);
        let elapsed_us = now_us - self.sampled_us;
        let mean = if elapsed_us == 0 {
            self.level
        } else {
            self.area / elapsed_us as f64
        };
        self.area = 0.0;
        self.sampled_us = now_us;
        mean
    }

    fn advance(&mut self, now_us: u64) {
        self.area += self.level * (now_us - self.since_us) as f64;
        self.since_us = now_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_counts_for_as_long_as_it_lasted() {
        let mut average = TimeAverage::default();
        average.set(10, 2.0);
        average.set(30, 4.0);
        assert_eq!(
            average.sample(40),
            (0.0 * 10.0 + 2.0 * 20.0 + 4.0 * 10.0) / 40.0
        );
        assert_eq!(average.sample(50), 4.0);
        assert_eq!(average.sample(50), 4.0);
    }
}
