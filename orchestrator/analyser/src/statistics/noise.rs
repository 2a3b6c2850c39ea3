//! Whether a difference between two windows is more than noise.
//!
//! Latencies of requests that queue behind each other are alike, and failures come in bursts, so
//! that requests are not independent samples. A window is therefore cut into blocks of equal time
//! (`blocks`), and whole blocks are drawn. A difference must pass two tests: it stays above zero when the
//! blocks of each window are drawn again (block bootstrap), and it is rarely as large when the
//! blocks of both windows are shuffled (block permutation). The second is what a single long
//! busy period does not pass. Shuffled blocks vary alike only where the windows have about as many
//! requests; where they have not, a test that allows for that comes besides: of means Welch's, of shares
//! Fisher's. The generator's seed is fixed: the same data give the same answer.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::facts::request::Request;
use crate::facts::time::ms;
use crate::statistics::blocks::{Active, are_unequal, counts};
use crate::statistics::config::Config;
use crate::statistics::significance::{Sample, fisher_p, welch_p};

const SEED: u64 = 0x7261_6764_6f6c_6c31;

/// The requests of a window as the bootstrap needs them.
struct Blocks {
    /// Durations in milliseconds with their blocks, longest first.
    durations: Vec<(f64, u32)>,
    requests: Vec<u32>,
    sums: Vec<f64>,
    failures: Vec<u32>,
    /// Requests that were answered in the block, a second.
    answers_per_s: Vec<f64>,
}

impl Blocks {
    fn new(requests: &[&Request], active: &Active, count: usize) -> Self {
        let mut blocks = Blocks {
            durations: Vec::with_capacity(requests.len()),
            requests: vec![0; count],
            sums: vec![0.0; count],
            failures: vec![0; count],
            answers_per_s: vec![0.0; count],
        };
        let block_s = (active.seconds() / count as f64).max(f64::MIN_POSITIVE);
        for request in requests {
            let block = active.block(request.start_ns, count);
            let duration_ms = ms(request.duration_ns);
            blocks.durations.push((duration_ms, block as u32));
            blocks.requests[block] += 1;
            blocks.sums[block] += duration_ms;
            blocks.failures[block] += u32::from(request.failed);
            let end_ns = request.start_ns.saturating_add(request.duration_ns);
            if !request.failed && active.contains(end_ns) {
                blocks.answers_per_s[active.block(end_ns, count)] += 1.0 / block_s;
            }
        }
        blocks
            .durations
            .sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        blocks
    }

    fn count(&self) -> usize {
        self.requests.len()
    }

    /// The blocks of two windows as those of one, the second window's after the first's.
    fn joined(&self, other: &Blocks) -> Blocks {
        let shift = self.count() as u32;
        let mut durations = self.durations.clone();
        durations.extend(
            other
                .durations
                .iter()
                .map(|&(ms, block)| (ms, block + shift)),
        );
        durations.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Blocks {
            durations,
            requests: [self.requests.as_slice(), &other.requests].concat(),
            sums: [self.sums.as_slice(), &other.sums].concat(),
            failures: [self.failures.as_slice(), &other.failures].concat(),
            answers_per_s: [self.answers_per_s.as_slice(), &other.answers_per_s].concat(),
        }
    }

    /// Values of the blocks, each as often as it was drawn.
    fn total<T: Copy + Into<f64>>(times: &[u32], values: &[T]) -> f64 {
        times
            .iter()
            .zip(values)
            .map(|(&times, &value)| f64::from(times) * value.into())
            .sum()
    }

    fn tail_mean(&self, times: &[u32], share: f64) -> f64 {
        let wanted = Self::total(times, &self.requests) * share;
        let (mut taken, mut sum) = (0.0, 0.0);
        for &(duration_ms, block) in &self.durations {
            let weight = f64::from(times[block as usize]).min(wanted - taken);
            sum += weight * duration_ms;
            taken += weight;
            if taken >= wanted {
                break;
            }
        }
        if taken > 0.0 { sum / taken } else { 0.0 }
    }

    fn mean(&self, times: &[u32]) -> f64 {
        Self::total(times, &self.sums) / Self::total(times, &self.requests).max(1.0)
    }

    /// Requests that are answered a second.
    fn answers(&self, times: &[u32]) -> f64 {
        let blocks: u32 = times.iter().sum();
        Self::total(times, &self.answers_per_s) / f64::from(blocks.max(1))
    }

    fn failure_rate(&self, times: &[u32]) -> f64 {
        Self::total(times, &self.failures) / Self::total(times, &self.requests).max(1.0)
    }

    /// Failures of all blocks, and requests.
    fn failures_of_all(&self) -> (u64, u64) {
        let failures = self.failures.iter().map(|&count| u64::from(count)).sum();
        (failures, self.durations.len() as u64)
    }

    fn all_durations(&self) -> impl ExactSizeIterator<Item = f64> + Clone {
        self.durations.iter().map(|&(duration_ms, _)| duration_ms)
    }
}

/// Two windows whose difference is in doubt.
pub(crate) struct Noise<'c> {
    now: Blocks,
    before: Blocks,
    config: &'c Config,
}

impl<'c> Noise<'c> {
    pub(crate) fn new(
        (requests, active): (&[&Request], &Active),
        (baseline_requests, baseline): (&[&Request], &Active),
        config: &'c Config,
    ) -> Self {
        let (count, count_before) = counts(
            config.blocks,
            (requests.len(), active),
            (baseline_requests.len(), baseline),
        );
        Noise {
            now: Blocks::new(requests, active, count),
            before: Blocks::new(baseline_requests, baseline, count_before),
            config,
        }
    }

    /// Of spans and a sum over them by block.
    pub(crate) fn of_sums(
        (spans, sums): (Vec<u32>, Vec<f64>),
        (baseline_spans, baseline_sums): (Vec<u32>, Vec<f64>),
        config: &'c Config,
    ) -> Self {
        let blocks = |spans: Vec<u32>, sums| Blocks {
            durations: Vec::new(),
            failures: vec![0; spans.len()],
            answers_per_s: vec![0.0; spans.len()],
            requests: spans,
            sums,
        };
        Noise {
            now: blocks(spans, sums),
            before: blocks(baseline_spans, baseline_sums),
            config,
        }
    }

    /// Whether the sum a span grew.
    pub(crate) fn sums_grew(&self) -> bool {
        self.grew(Blocks::mean, Blocks::mean)
    }

    /// Whether the mean of the slowest grew; the shares of all that they are, now and before.
    pub(crate) fn tail_grew(&self, share: f64, share_before: f64) -> bool {
        self.is_sure_if_unequal(|| self.durations_p(share, share_before))
            && self.grew(
                |blocks, times| blocks.tail_mean(times, share),
                |blocks, times| blocks.tail_mean(times, share_before),
            )
    }

    pub(crate) fn mean_grew(&self) -> bool {
        self.is_sure_if_unequal(|| self.durations_p(1.0, 1.0))
            && self.grew(Blocks::mean, Blocks::mean)
    }

    /// Probability that the mean of the slowest is as much larger by chance, if requests were unrelated.
    fn durations_p(&self, share: f64, share_before: f64) -> f64 {
        let mut all: Vec<f64> = self.now.all_durations().collect();
        all.extend(self.before.all_durations());
        all.sort_by(|a, b| b.total_cmp(a));
        let all = Sample::of_tail(all.iter().copied(), share.max(share_before));
        let of = |blocks: &Blocks, share| {
            Sample::of_tail(blocks.all_durations(), share).as_unsure_as(all)
        };
        welch_p(of(&self.now, share), of(&self.before, share_before))
    }

    pub(crate) fn failure_rate_grew(&self) -> bool {
        self.is_sure_if_unequal(|| self.failures_p())
            && self.grew(Blocks::failure_rate, Blocks::failure_rate)
    }

    /// Whether more requests fail than would by chance, if each failed for itself.
    pub(crate) fn failures_are_no_chance(&self) -> bool {
        self.failures_p() <= self.config.noise_tail
    }

    fn failures_p(&self) -> f64 {
        let (failed, requests) = self.now.failures_of_all();
        let (failed_before, requests_before) = self.before.failures_of_all();
        fisher_p(
            failed,
            requests,
            failed + failed_before,
            requests + requests_before,
        )
    }

    /// Whether a test of unrelated requests finds a difference too, where the windows are unequal.
    fn is_sure_if_unequal(&self, p_value: impl Fn() -> f64) -> bool {
        let (requests, others) = (self.now.durations.len(), self.before.durations.len());
        !are_unequal(requests, others) || p_value() <= self.config.noise_tail
    }

    pub(crate) fn answers_fell(&self) -> bool {
        self.grew(
            |blocks, times| -blocks.answers(times),
            |blocks, times| -blocks.answers(times),
        )
    }

    fn grew(
        &self,
        figure: impl Fn(&Blocks, &[u32]) -> f64,
        figure_before: impl Fn(&Blocks, &[u32]) -> f64,
    ) -> bool {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let allowed = (self.config.noise_tail * self.config.resamples as f64) as usize;
        let not_above = (0..self.config.resamples)
            .filter(|_| {
                let times = draw_again(&mut rng, self.now.count());
                let times_before = draw_again(&mut rng, self.before.count());
                figure(&self.now, &times) <= figure_before(&self.before, &times_before)
            })
            .take(allowed + 1)
            .count();
        if not_above > allowed {
            return false;
        }
        let all = self.before.joined(&self.now);
        let split = |order: &[usize]| {
            let (mut times, mut times_before) = (vec![0; all.count()], vec![0; all.count()]);
            for (at, &block) in order.iter().enumerate() {
                let side = if at < self.before.count() {
                    &mut times_before
                } else {
                    &mut times
                };
                side[block] = 1;
            }
            figure(&all, &times) - figure_before(&all, &times_before)
        };
        let mut order: Vec<usize> = (0..all.count()).collect();
        let observed = split(&order);
        let as_large = (0..self.config.resamples)
            .filter(|_| {
                shuffle(&mut rng, &mut order);
                split(&order) >= observed
            })
            .take(allowed + 1)
            .count();
        as_large <= allowed
    }
}

/// How often each of `count` blocks is drawn, when as many are drawn as there are.
fn draw_again(rng: &mut Xoshiro256PlusPlus, count: usize) -> Vec<u32> {
    let mut times = vec![0; count];
    for _ in 0..count {
        times[rng.random_range(0..count)] += 1;
    }
    times
}

fn shuffle(rng: &mut Xoshiro256PlusPlus, order: &mut [usize]) {
    for at in (1..order.len()).rev() {
        order.swap(at, rng.random_range(0..=at));
    }
}
