//! Whether users could tell one stretch of a run from another.
//!
//! A stretch is cut into blocks of equal length, since neighbouring requests share queues and are
//! alike. An indicator has moved where it is larger by a share that matters, and the blocks' mean is
//! larger by several times its standard error (Welch's t for two stretches of one run, the paired t
//! for the same stretch of two runs with the same arrivals).

use ragdoll_experiment::{Phase, RequestOutcome, quantile};
use ragdoll_score::{Indicators, Moved};

/// Blocks of a stretch.
const BLOCKS: usize = 20;
/// Growth of a latency that nobody feels, in milliseconds.
const FLOOR_MS: f64 = 4.0;

/// How large a change must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Growth of the mean latency, as a share.
    mean: f64,
    /// Growth of the 95th percentile, as a share.
    tail: f64,
    /// Growth of the share of requests that fail.
    errors: f64,
    /// Loss of answers and failures a second, as a share.
    throughput: f64,
    /// Standard errors by which the blocks' mean is larger.
    t: f64,
}

/// What a fault must do at least.
pub(crate) const CLEAR: Limits = Limits {
    mean: 0.25,
    tail: 0.45,
    errors: 0.03,
    throughput: 0.2,
    t: 3.2,
};

/// What one of several faults must add to what the others do.
pub(crate) const ADDED: Limits = Limits {
    mean: 0.15,
    tail: 0.3,
    errors: 0.02,
    throughput: 0.12,
    t: 3.0,
};

/// What must not happen without a fault. What lies between the two is neither.
pub(crate) const HINT: Limits = Limits {
    mean: 0.12,
    tail: 0.25,
    errors: 0.01,
    throughput: 0.1,
    t: 2.8,
};

/// Whether the stretches are of the same run or of two runs with the same arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// Blocks have nothing to do with each other.
    Apart,
    /// The first block of one stretch was offered what the first block of the other was, and so on.
    Paired,
}

/// A stretch of a run, as requests went.
pub(crate) struct Stretch<'r> {
    from_us: u64,
    to_us: u64,
    due: Vec<&'r RequestOutcome>,
    /// Ends of all requests, whenever they were due.
    ended_us: Vec<u64>,
}

impl<'r> Stretch<'r> {
    /// What counts of a phase.
    pub(crate) fn new(phase: &Phase, requests: &'r [RequestOutcome]) -> Self {
        let (from_us, to_us) = (phase.counted_from_us(), phase.end_us());
        let within = from_us..to_us;
        let due = requests
            .iter()
            .filter(|request| within.contains(&request.intended_us));
        let ended = requests.iter().map(RequestOutcome::ended_us);
        Stretch {
            from_us,
            to_us,
            due: due.collect(),
            ended_us: ended.filter(|at_us| within.contains(at_us)).collect(),
        }
    }

    fn block(&self, at_us: u64) -> usize {
        let into_us = at_us.saturating_sub(self.from_us) as usize;
        let length_us = (self.to_us - self.from_us) as usize;
        (into_us * BLOCKS / length_us).min(BLOCKS - 1)
    }

    fn seconds(&self) -> f64 {
        (self.to_us - self.from_us) as f64 / 1e6
    }

    /// Mean of a figure of the requests in each block; the stretch's own mean where a block has none.
    fn blocks(&self, figure: impl Fn(&RequestOutcome) -> f64) -> Vec<f64> {
        let mut sums = [(0.0, 0.0); BLOCKS];
        for request in &self.due {
            let block = &mut sums[self.block(request.intended_us)];
            block.0 += figure(request);
            block.1 += 1.0;
        }
        let (sum, count) = sums
            .iter()
            .fold((0.0, 0.0), |all, block| (all.0 + block.0, all.1 + block.1));
        let own = if count > 0.0 { sum / count } else { 0.0 };
        let mean = |(sum, count): &(f64, f64)| if *count > 0.0 { sum / count } else { own };
        sums.iter().map(mean).collect()
    }

    /// Requests that ended in each block.
    fn ended(&self) -> Vec<f64> {
        let mut counts = vec![0.0; BLOCKS];
        for at_us in &self.ended_us {
            counts[self.block(*at_us)] += 1.0;
        }
        counts
    }

    /// Durations of the requests that were answered, in milliseconds, sorted.
    fn answered_ms(&self) -> Vec<f64> {
        let answered = self.due.iter().filter(|request| request.ok());
        let mut answered: Vec<f64> = answered.map(|request| ms(request)).collect();
        answered.sort_unstable_by(f64::total_cmp);
        answered
    }

    /// Durations of all requests, in milliseconds, sorted.
    fn all_ms(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.due.iter().map(|request| ms(request)).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    /// What callers saw.
    pub(crate) fn indicators(&self) -> Indicators {
        let answered = self.answered_ms();
        let requests = self.due.len() as f64;
        let failed = requests - answered.len() as f64;
        Indicators {
            requests: self.due.len() as u64,
            answered_per_s: answered.len() as f64 / self.seconds(),
            error_share: failed / requests.max(1.0),
            mean_ms: mean(&answered),
            p50_ms: quantile(&answered, 0.5),
            p95_ms: quantile(&answered, 0.95),
            p99_ms: quantile(&answered, 0.99),
        }
    }
}

/// Indicators that are worse in `now` than in `before`.
pub(crate) fn moved(
    before: &Stretch<'_>,
    now: &Stretch<'_>,
    blocks: Blocks,
    limits: &Limits,
) -> Vec<Moved> {
    let mut moved = Vec::new();
    if is_slower(before, now, blocks, limits) {
        moved.push(Moved::Latency);
    }
    let failed = |stretch: &Stretch<'_>| stretch.blocks(|request| f64::from(!request.ok()));
    let (failed_before, failed_now) = (failed(before), failed(now));
    let growth = share(now) - share(before);
    if growth >= limits.errors && t(&failed_before, &failed_now, blocks) >= limits.t {
        moved.push(Moved::Errors);
    }
    // A load that grew is answered more often, not less: the comparison is with what was offered.
    let (ended_before, ended_now) = (before.ended(), now.ended());
    let offered = now.due.len().min(before.due.len()) as f64 / before.due.len().max(1) as f64;
    let wanted = mean(&ended_before) * offered;
    let lost = 1.0 - mean(&ended_now) / wanted.max(1e-9);
    if lost >= limits.throughput && t(&ended_now, &ended_before, blocks) >= limits.t {
        moved.push(Moved::Throughput);
    }
    moved
}

/// Share of the requests that failed.
fn share(stretch: &Stretch<'_>) -> f64 {
    let failed = stretch.due.iter().filter(|request| !request.ok());
    failed.count() as f64 / stretch.due.len().max(1) as f64
}

fn is_slower(before: &Stretch<'_>, now: &Stretch<'_>, blocks: Blocks, limits: &Limits) -> bool {
    let (was, is) = (before.blocks(ms), now.blocks(ms));
    let (all_before, all_now) = (before.all_ms(), now.all_ms());
    let (mean_before, mean_now) = (mean(&all_before), mean(&all_now));
    let grew = mean_now - mean_before;
    if grew >= (limits.mean * mean_before).max(FLOOR_MS) && t(&was, &is, blocks) >= limits.t {
        return true;
    }
    let (p95_before, p95_now) = (quantile(&all_before, 0.95), quantile(&all_now, 0.95));
    let grew = p95_now - p95_before;
    let is_late = |request: &RequestOutcome| f64::from(ms(request) > p95_before);
    let (was, is) = (before.blocks(is_late), now.blocks(is_late));
    grew >= (limits.tail * p95_before).max(2.0 * FLOOR_MS) && t(&was, &is, blocks) >= limits.t
}

fn ms(request: &RequestOutcome) -> f64 {
    request.latency_us as f64 / 1000.0
}

/// By how many standard errors the mean of `now` is larger.
fn t(before: &[f64], now: &[f64], blocks: Blocks) -> f64 {
    let (difference, error) = match blocks {
        Blocks::Apart => {
            let error = variance(before) / before.len() as f64 + variance(now) / now.len() as f64;
            (mean(now) - mean(before), error)
        }
        Blocks::Paired => {
            let differences: Vec<f64> =
                now.iter().zip(before).map(|(now, was)| now - was).collect();
            let error = variance(&differences) / differences.len() as f64;
            (mean(&differences), error)
        }
    };
    if difference <= 0.0 {
        return 0.0;
    }
    difference / libm::sqrt(error).max(f64::MIN_POSITIVE)
}

/// 0 where there are no values, and not the −0 that the sum of none is.
fn mean(values: &[f64]) -> f64 {
    let sum = values.iter().fold(0.0, |sum, value| sum + value);
    sum / (values.len() as f64).max(1.0)
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean) * (value - mean));
    squares.sum::<f64>() / (values.len() as f64 - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Arrivals;
    use ragdoll_runtime::Streams;
    use ragdoll_runtime::random::exponential;

    use super::*;

    /// Two phases of 20 s at 10 requests a second that take 50 ms and more; the second one's are
    /// changed.
    fn run(seed: u64, change: impl Fn(&mut RequestOutcome)) -> (Vec<RequestOutcome>, [Phase; 2]) {
        let mut rng = Streams::new(seed).stream("requests").rng();
        let mut requests: Vec<RequestOutcome> = (0..400)
            .map(|number| RequestOutcome {
                intended_us: number * 100_000,
                latency_us: 50_000 + exponential(50_000.0, &mut rng) as u64,
                error: None,
                recall: None,
                precision: None,
            })
            .collect();
        requests[200..].iter_mut().for_each(change);
        let phase = |name: &str, start_s| Phase {
            name: name.to_owned(),
            start_s,
            duration_s: 20.0,
            settle_s: 0.0,
            arrivals: Arrivals::default(),
            recording: None,
            baseline: false,
            faults: Vec::new(),
        };
        (requests, [phase("before", 0.0), phase("during", 20.0)])
    }

    fn found(limits: &Limits, seed: u64, change: impl Fn(&mut RequestOutcome)) -> Vec<Moved> {
        let (requests, [before, during]) = run(seed, change);
        let stretch = |phase| Stretch::new(phase, &requests);
        moved(&stretch(&before), &stretch(&during), Blocks::Apart, limits)
    }

    #[test]
    fn noise_hints_at_nothing() {
        let alarms = (0..200).filter(|&seed| !found(&HINT, seed, |_| ()).is_empty());
        assert!(alarms.count() <= 2);
    }

    #[test]
    fn slower_requests_move_the_latency_and_nothing_else() {
        for seed in 0..20 {
            let slower = found(&CLEAR, seed, |request| request.latency_us += 60_000);
            assert_eq!(slower, [Moved::Latency], "seed {seed}");
        }
    }

    #[test]
    fn failures_move_the_errors_where_they_are_many() {
        let failing = |every: u64| {
            found(&CLEAR, 1, |request| {
                if request.intended_us / 100_000 % every == 0 {
                    request.error = Some("503".to_owned());
                }
            })
        };
        assert_eq!(failing(8), [Moved::Errors]);
        assert_eq!(failing(100), []);
    }

    #[test]
    fn answers_that_come_after_the_end_are_lost_throughput() {
        let late = found(&CLEAR, 1, |request| request.latency_us += 15_000_000);
        assert_eq!(late, [Moved::Latency, Moved::Throughput]);
    }

    #[test]
    fn two_runs_with_the_same_arrivals_are_compared_block_by_block() {
        let (with, [_, during]) = run(3, |request| request.latency_us += 30_000);
        let (without, _) = run(3, |_| ());
        let stretches = [&without, &with].map(|requests| Stretch::new(&during, requests));
        let paired = moved(&stretches[0], &stretches[1], Blocks::Paired, &CLEAR);
        assert_eq!(paired, [Moved::Latency]);
        let same = moved(&stretches[0], &stretches[0], Blocks::Paired, &HINT);
        assert_eq!(same, []);
    }

    #[test]
    fn what_both_runs_share_is_no_noise() {
        let before: Vec<f64> = (0..20).map(|block| f64::from(block % 2) * 100.0).collect();
        let now: Vec<f64> = before.iter().map(|value| value + 5.0).collect();
        assert!(t(&before, &now, Blocks::Apart) < 1.0);
        assert!(t(&before, &now, Blocks::Paired) > 100.0);
        assert_eq!(t(&now, &before, Blocks::Paired), 0.0, "it became less");
    }

    #[test]
    fn indicators_are_of_the_requests_that_were_due() {
        let (mut requests, [before, _]) = run(5, |_| ());
        requests[0].error = Some("503".to_owned());
        let indicators = Stretch::new(&before, &requests).indicators();
        assert_eq!(indicators.requests, 200);
        assert_eq!(indicators.error_share, 0.005);
        assert_eq!(indicators.answered_per_s, 9.95);
        assert!(indicators.p50_ms > 50.0 && indicators.p99_ms > indicators.p95_ms);
    }
}
