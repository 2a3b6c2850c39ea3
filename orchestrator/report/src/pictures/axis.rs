//! From values to pixels, and the round numbers at which an axis is marked.

use crate::figures::significant;

/// Maps a range of values to a range of pixels.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from_px: f64,
    to_px: f64,
    logarithmic: bool,
}

impl Scale {
    /// Equal differences take equal room.
    pub(crate) fn linear(low: f64, high: f64, from_px: f64, to_px: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Scale {
            low,
            high,
            from_px,
            to_px,
            logarithmic: false,
        }
    }

    /// Equal ratios take equal room; `low` is above 0.
    pub(crate) fn logarithmic(low: f64, high: f64, from_px: f64, to_px: f64) -> Self {
        assert!(
            low > 0.0,
            "a logarithmic scale starts above 0, not at {low}"
        );
        Scale {
            logarithmic: true,
            ..Scale::linear(low, high.max(low * 10.0), from_px, to_px)
        }
    }

    /// The pixel of a value; values outside lie on the edge.
    pub(crate) fn px(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let part = if self.logarithmic {
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from_px + part * (self.to_px - self.from_px)
    }

    /// The largest value of the range.
    pub(crate) fn high(&self) -> f64 {
        self.high
    }

    /// Round values within the range: about `wanted` of them, or the powers of ten.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<f64> {
        if self.logarithmic {
            let decades = (-6..=12).map(|power| 10_f64.powi(power));
            return decades
                .filter(|tick| (self.low..=self.high).contains(tick))
                .collect();
        }
        let step = round_step(
            (self.high - self.low) / wanted.max(1) as f64,
            &[1.0, 2.0, 5.0],
        );
        multiples(self.low, self.high, step)
    }

    /// Round times in seconds: steps that a clock has.
    pub(crate) fn second_ticks(&self, wanted: usize) -> Vec<f64> {
        const STEPS: [f64; 12] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
        ];
        let rough = (self.high - self.low) / wanted.max(1) as f64;
        let step = STEPS.into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or_else(|| (rough / 3600.0).ceil() * 3600.0);
        multiples(self.low, self.high, step)
    }
}

/// Labels of times along one axis, all in the unit that suits the longest.
pub(crate) fn time_label(tick_ms: f64, longest_ms: f64) -> String {
    if longest_ms >= 10_000.0 {
        format!("{} s", significant(tick_ms / 1000.0))
    } else {
        format!("{} ms", significant(tick_ms))
    }
}

/// The least round value that is at least `rough`.
fn round_step(rough: f64, leading: &[f64]) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let candidates = leading.iter().map(|lead| lead * power);
    candidates
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power * 10.0)
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|count| count as f64 * step).collect()
}

/// The least round value at or above `value`: where an axis ends.
pub(crate) fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    round_step(value, &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_range() {
        let scale = Scale::linear(0.0, 4_400.0, 0.0, 100.0);
        assert_eq!(scale.ticks(5), [0.0, 1000.0, 2000.0, 3000.0, 4000.0]);
        let scale = Scale::logarithmic(30.0, 20_000.0, 0.0, 100.0);
        assert_eq!(scale.ticks(5), [100.0, 1000.0, 10_000.0]);
        let scale = Scale::linear(0.0, 180.0, 0.0, 100.0);
        assert_eq!(
            scale.second_ticks(8),
            [0.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0]
        );
    }

    #[test]
    fn the_ends_of_the_range_are_the_ends_of_the_pixels() {
        for scale in [
            Scale::linear(10.0, 1000.0, 100.0, 0.0),
            Scale::logarithmic(10.0, 1000.0, 100.0, 0.0),
        ] {
            assert!((scale.px(10.0) - 100.0).abs() < 1e-9);
            assert!(scale.px(1000.0).abs() < 1e-9);
            assert!((scale.px(5.0) - 100.0).abs() < 1e-9, "below the range");
        }
        assert!((Scale::logarithmic(10.0, 1000.0, 0.0, 2.0).px(100.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_axis_ends_at_a_round_value() {
        assert_eq!(round_up(0.0), 1.0);
        assert_eq!(round_up(4180.0), 5000.0);
        assert_eq!(round_up(1000.0), 1000.0);
        assert_eq!(round_up(1100.0), 1200.0);
    }

    #[test]
    fn an_empty_range_is_widened() {
        assert_eq!(Scale::linear(3.0, 3.0, 0.0, 10.0).px(3.0), 0.0);
    }
}
