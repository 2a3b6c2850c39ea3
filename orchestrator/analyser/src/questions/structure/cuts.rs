//! The two windows, cut into blocks, and from when on a change counts.

use crate::facts::steps::{OperationSteps, Step};
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::statistics::blocks::{Active, counts};
use crate::statistics::config::Config;
use crate::statistics::noise::Noise;
use crate::statistics::summary::mean;

/// Spans of an operation in each window below which their shapes say nothing.
pub(super) const SPANS_MIN: usize = 5;

/// Probability of a wrong alarm, corrected for the number of tests.
pub(super) const P_MAX: f64 = 1e-4;

/// Share of an operation's spans up to which what they did was an exception.
pub(super) const RARE_MAX: f64 = 0.05;

/// The two windows, cut into blocks.
pub(crate) struct Cuts<'w> {
    pub(super) windows: [&'w Window; 2],
    pub(super) active: [Active; 2],
    pub(super) blocks: [usize; 2],
    pub(super) config: &'w Config,
}

impl<'w> Cuts<'w> {
    pub(super) fn new(compared: &Comparison<'w>) -> Self {
        let Comparison {
            prepared,
            window,
            baseline,
            config,
        } = *compared;
        let windows = [window, baseline];
        let requests = windows.map(|window| prepared.requests(window));
        let active = [0, 1].map(|side| {
            let starts = requests[side].iter().map(|request| request.start_ns);
            Active::new(windows[side], starts, config.blocks)
        });
        let (now, before) = counts(
            config.blocks,
            (requests[0].len(), &active[0]),
            (requests[1].len(), &active[1]),
        );
        Cuts {
            windows,
            active,
            blocks: [now, before],
            config,
        }
    }

    /// The spans of an operation by block, with the sum of a figure of each.
    pub(super) fn sums(
        &self,
        operation_steps: &OperationSteps,
        side: usize,
        of: impl Fn(&Step) -> f64,
    ) -> (Vec<u32>, Vec<f64>) {
        let count = self.blocks[side];
        let (mut spans, mut sums) = (vec![0; count], vec![0.0; count]);
        for step in operation_steps.within(self.windows[side]) {
            let block = self.active[side].block(step.start_ns, count);
            spans[block] += 1;
            sums[block] += of(step);
        }
        (spans, sums)
    }

    /// Whether a figure of a span grew beyond noise.
    pub(super) fn grew(&self, operation_steps: &OperationSteps, of: impl Fn(&Step) -> f64) -> bool {
        let (now, before) = (
            self.sums(operation_steps, 0, &of),
            self.sums(operation_steps, 1, &of),
        );
        Noise::of_sums(now, before, self.config).sums_grew()
    }

    /// By how much the blocks of the baseline differ: the standard deviation of a mean figure.
    pub(super) fn usual(&self, operation_steps: &OperationSteps, of: impl Fn(&Step) -> f64) -> f64 {
        let (spans, sums) = self.sums(operation_steps, 1, of);
        let means = spans.iter().zip(sums).filter(|&(&spans, _)| spans > 0);
        let means: Vec<f64> = means.map(|(&spans, sum)| sum / f64::from(spans)).collect();
        let middle = mean(means.iter().copied());
        mean(means.iter().map(|one| (one - middle) * (one - middle))).sqrt()
    }
}
