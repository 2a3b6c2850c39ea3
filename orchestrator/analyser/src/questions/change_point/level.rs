//! What the requests of some time are like, in four figures.

use crate::facts::request::Request;
use crate::facts::time::ms;
use crate::statistics::config::Config;
use crate::statistics::energy::Point;
use crate::statistics::summary::{mean, quantile};

/// Fall of the rate of answers from which it counts, as a share of what it was.
const ANSWERS_FALL_MIN: f64 = 0.25;

/// Latency below which differences do not matter, in milliseconds.
const LATENCY_FLOOR_MS: f64 = 0.01;

/// Noise of a figure by which one point may differ from the middle at most: one that is far out does
/// not count for more than that it is out.
const FAR_OUT: f64 = 8.0;

/// The requests of some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    median_ms: f64,
    p95_ms: f64,
    error_share: f64,
    answers_per_s: f64,
}

impl Level {
    pub(super) fn new(requests: &[&Request], seconds: f64) -> Level {
        let durations: Vec<f64> = requests
            .iter()
            .map(|request| ms(request.duration_ns))
            .collect();
        let failed = requests.iter().filter(|request| request.failed).count();
        let answered = requests.len() - failed;
        Level {
            median_ms: quantile(durations.clone(), 0.5),
            p95_ms: quantile(durations, 0.95),
            error_share: failed as f64 / requests.len().max(1) as f64,
            answers_per_s: answered as f64 / seconds.max(1e-9),
        }
    }

    /// How much worse this is than what was before, in thresholds: from 1 it counts.
    pub(super) fn growth(&self, before: &Level, config: &Config) -> f64 {
        let latency = |now_ms: f64, before_ms: f64, least: f64| {
            (now_ms - before_ms) / (least * before_ms).max(config.growth_floor_ms)
        };
        let fall = 1.0 - self.answers_per_s / before.answers_per_s.max(f64::MIN_POSITIVE);
        latency(self.p95_ms, before.p95_ms, config.tail_growth_min)
            .max(latency(
                self.median_ms,
                before.median_ms,
                config.mean_growth_min,
            ))
            .max((self.error_share - before.error_share) / config.error_growth_min)
            .max(fall / ANSWERS_FALL_MIN)
    }

    /// In the order that [`Point`] has. The arcsine makes the noise of a share the same at every
    /// level.
    fn figures(&self) -> Point {
        let log_ms = |value: f64| libm::log(value.max(LATENCY_FLOOR_MS));
        [
            log_ms(self.median_ms),
            log_ms(self.p95_ms),
            libm::asin(libm::sqrt(self.error_share)),
            libm::log(self.answers_per_s.max(1e-9)),
        ]
    }
}

/// Every level as a point. Figures are counted from their median, in units of their noise: the mean
/// difference of neighbours, which a lasting change does not raise.
pub(super) fn points(levels: impl Iterator<Item = Level>) -> Vec<Point> {
    let mut points: Vec<Point> = levels.map(|level| level.figures()).collect();
    for figure in 0..points[0].len() {
        let values: Vec<f64> = points.iter().map(|point| point[figure]).collect();
        let differences = values.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let noise = mean(differences);
        let middle = quantile(values, 0.5);
        for point in &mut points {
            let scaled = (point[figure] - middle) / noise;
            point[figure] = if noise > 0.0 {
                scaled.clamp(-FAR_OUT, FAR_OUT)
            } else {
                0.0
            };
        }
    }
    points
}
