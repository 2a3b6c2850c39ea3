//! What processes say themselves of how much of them is in use.

use crate::facts::ids::InstanceId;
use crate::facts::metric_index::Holder;
use crate::facts::names::metrics::METRIC_UTILIZATION;
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::saturation::tally::{BINS, part_of};
use crate::questions::signs::samples::points;

/// Samples of one gauge of one process in one window: sum and number by part of it.
#[derive(Clone, Debug)]
struct Samples {
    sums: [f64; BINS],
    counts: [u32; BINS],
}

impl Samples {
    fn new(
        prepared: &Prepared<'_>,
        instance: InstanceId,
        name: &str,
        window: &Window,
    ) -> Option<Samples> {
        let mut points = points(prepared, Holder::Instance(instance), name, window).peekable();
        points.peek()?;
        let mut samples = Samples {
            sums: [0.0; BINS],
            counts: [0; BINS],
        };
        for point in points {
            let bin = part_of(window, point.time_ns, BINS);
            samples.sums[bin] += point.value;
            samples.counts[bin] += 1;
        }
        Some(samples)
    }

    fn mean(&self) -> f64 {
        let count: u32 = self.counts.iter().sum();
        self.sums.iter().sum::<f64>() / f64::from(count)
    }

    /// A part without a sample is like the one before.
    fn by_bin(&self) -> [f64; BINS] {
        let mut last = 0.0;
        std::array::from_fn(|bin| {
            if self.counts[bin] > 0 {
                last = self.sums[bin] / f64::from(self.counts[bin]);
            }
            last
        })
    }
}

/// Mean of the gauge of a process that is highest, 0 to 1, and the highest gauge by part of the window; none
/// where it has no gauge.
pub(super) fn in_use(
    prepared: &Prepared<'_>,
    instance: InstanceId,
    window: &Window,
) -> Option<(f64, [f64; BINS])> {
    let gauges = METRIC_UTILIZATION.iter();
    let samples = gauges.filter_map(|name| Samples::new(prepared, instance, name, window));
    let figures = samples.map(|samples| (samples.mean(), samples.by_bin()));
    figures.reduce(|(mean, by_bin), (other_mean, other)| {
        let highest = std::array::from_fn(|bin| f64::max(by_bin[bin], other[bin]));
        (mean.max(other_mean), highest)
    })
}
