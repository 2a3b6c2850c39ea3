//! Blocks of equal time, of which whole ones are drawn to tell change from noise.
//!
//! A window may hold long intervals in which nothing starts: one trace of another day, two recordings
//! that were put together. Blocks of equal time would then leave nearly all requests in one of them, and
//! whatever is drawn of such blocks is noise. So a gap counts for the length of one block at most.

use crate::facts::time::Window;

/// Rounds in which the length of a block is sought; each brings it closer by a fixed factor.
const ROUNDS_MAX: usize = 64;

/// How many times as many requests one window must have before it is cut into more blocks.
const UNEQUAL_MIN: f64 = 1.5;

/// How many times the usual number of blocks a long window has at most.
const BLOCKS_FACTOR_MAX: f64 = 20.0;

/// The time of a window in which something starts, in nanoseconds from its start.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    window: Window,
    /// Ends of the gaps that are shortened, with all time that is left out up to there.
    shortened: Vec<Shortened>,
    length_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Shortened {
    end_ns: u64,
    left_out_ns: u64,
    left_out_before_ns: u64,
}

impl Active {
    /// `starts` are in ascending order and within the window; a gap counts for one of `count` blocks at
    /// most.
    pub(crate) fn new(
        window: &Window,
        starts: impl Iterator<Item = u64> + Clone,
        count: usize,
    ) -> Self {
        let whole_ns = window.end_ns.saturating_sub(window.start_ns);
        let mut active = Active {
            window: *window,
            shortened: Vec::new(),
            length_ns: whole_ns,
        };
        // The length of every gap, with its end; the last one ends with the window.
        let gaps = || {
            let ends = starts.clone().chain([window.end_ns]);
            ends.scan(window.start_ns, |before_ns, end_ns| {
                let gap_ns = end_ns.saturating_sub(*before_ns);
                *before_ns = end_ns;
                Some((gap_ns, end_ns))
            })
        };
        let mut most_ns = whole_ns.div_ceil(count as u64);
        if gaps().all(|(gap_ns, _)| gap_ns <= most_ns) {
            return active;
        }
        for _ in 0..ROUNDS_MAX {
            let total_ns: u64 = gaps().map(|(gap_ns, _)| gap_ns.min(most_ns)).sum();
            let next_ns = total_ns.div_ceil(count as u64).max(1);
            if next_ns >= most_ns {
                break;
            }
            most_ns = next_ns;
        }
        let mut left_out_ns = 0;
        for (gap_ns, end_ns) in gaps().filter(|&(gap_ns, _)| gap_ns > most_ns) {
            let left_out_before_ns = left_out_ns;
            left_out_ns += gap_ns - most_ns;
            active.shortened.push(Shortened {
                end_ns,
                left_out_ns,
                left_out_before_ns,
            });
        }
        active.length_ns = whole_ns - left_out_ns;
        active
    }

    /// Its length in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.length_ns as f64 / 1e9
    }

    pub(crate) fn contains(&self, time_ns: u64) -> bool {
        self.window.contains(time_ns)
    }

    /// Which of `count` parts of equal length a time is in; the first or the last for one outside.
    pub(crate) fn block(&self, time_ns: u64, count: usize) -> usize {
        let length_ns = self.length_ns.div_ceil(count as u64).max(1);
        (self.elapsed_ns(time_ns) / length_ns).min(count as u64 - 1) as usize
    }

    fn elapsed_ns(&self, time_ns: u64) -> u64 {
        let passed = self.shortened.partition_point(|gap| gap.end_ns <= time_ns);
        let left_out_ns = match (passed.checked_sub(1), self.shortened.get(passed)) {
            // Of a gap that is not over, the time counts that comes first.
            (_, Some(open)) => {
                let own_ns = open.left_out_ns - open.left_out_before_ns;
                let to_end_ns = open.end_ns - time_ns;
                open.left_out_before_ns + own_ns.saturating_sub(to_end_ns)
            }
            (Some(last), None) => self.shortened[last].left_out_ns,
            (None, None) => 0,
        };
        time_ns
            .saturating_sub(self.window.start_ns)
            .saturating_sub(left_out_ns)
    }
}

/// How many blocks a window and its baseline are cut into, where `usual` is what one of them has at
/// least. Where one of them is longer and has more requests its blocks are no longer than the other's
/// all the same: blocks of different length vary differently, and must not be shuffled.
pub(crate) fn counts(
    usual: usize,
    (requests, active): (usize, &Active),
    (requests_before, active_before): (usize, &Active),
) -> (usize, usize) {
    let by_requests = requests as f64 / requests_before.max(1) as f64;
    let by_length = active.seconds() / active_before.seconds().max(f64::MIN_POSITIVE);
    let factor = |requests: f64, length: f64| {
        let times = requests.min(length);
        if times < UNEQUAL_MIN {
            return usual;
        }
        (usual as f64 * times.min(BLOCKS_FACTOR_MAX)).round() as usize
    };
    let inverse = |ratio: f64| 1.0 / ratio.max(f64::MIN_POSITIVE);
    (
        factor(by_requests, by_length),
        factor(inverse(by_requests), inverse(by_length)),
    )
}

/// Whether so many requests are too different from so many others for what is shuffled of both to
/// vary alike.
pub(crate) fn are_unequal(requests: usize, others: usize) -> bool {
    let (most, least) = (requests.max(others), requests.min(others));
    most as f64 >= UNEQUAL_MIN * least as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    fn window(seconds: u64) -> Window {
        Window {
            start_ns: 5 * SECOND_NS,
            end_ns: (5 + seconds) * SECOND_NS,
        }
    }

    fn requests_in(active: &Active, starts: &[u64], count: usize) -> Vec<usize> {
        let mut requests = vec![0; count];
        for &start_ns in starts {
            requests[active.block(start_ns, count)] += 1;
        }
        requests
    }

    #[test]
    fn without_gaps_blocks_are_equal_parts_of_the_window() {
        let window = window(60);
        let starts: Vec<u64> = (0..600)
            .map(|at| window.start_ns + at * SECOND_NS / 10)
            .collect();
        let active = Active::new(&window, starts.iter().copied(), 20);
        assert_eq!(requests_in(&active, &starts, 20), [30; 20]);
        assert_eq!(active.seconds(), 60.0);
        assert_eq!((active.block(0, 20), active.block(u64::MAX, 20)), (0, 19));
    }

    #[test]
    fn a_request_of_another_day_takes_one_block_and_no_more() {
        let window = window(86_400);
        let mut starts: Vec<u64> = (0..600)
            .map(|at| window.start_ns + at * SECOND_NS / 10)
            .collect();
        starts.push(window.end_ns - 1);
        let active = Active::new(&window, starts.iter().copied(), 20);
        let requests = requests_in(&active, &starts, 20);
        assert!(
            requests[..18].iter().all(|&count| count >= 20),
            "{requests:?}"
        );
        assert!(
            (active.seconds() - 63.1).abs() < 0.2,
            "{}",
            active.seconds()
        );
    }

    #[test]
    fn two_recordings_fill_all_blocks() {
        let window = window(500_000);
        let at = |at: u64| (at % 300) * SECOND_NS / 10 + at / 300 * 400_000 * SECOND_NS;
        let starts: Vec<u64> = (0..600)
            .map(|number| window.start_ns + at(number))
            .collect();
        let active = Active::new(&window, starts.iter().copied(), 20);
        let filled = requests_in(&active, &starts, 20)
            .into_iter()
            .filter(|&count| count > 0);
        assert!(filled.count() >= 18);
    }

    #[test]
    fn blocks_of_a_longer_window_are_as_long_as_those_of_a_short_one() {
        let of = |seconds: u64, requests: u64| {
            let window = window(seconds);
            let step_ns = seconds * SECOND_NS / requests;
            let starts = (0..requests).map(|at| window.start_ns + at * step_ns);
            (requests as usize, Active::new(&window, starts, 20))
        };
        let (short, long, dense) = (of(60, 600), of(600, 6000), of(60, 6000));
        let count = |(now, active): &(usize, Active), (before, other): &(usize, Active)| {
            counts(20, (*now, active), (*before, other))
        };
        assert_eq!(count(&short, &long), (20, 200));
        assert_eq!(count(&long, &short), (200, 20));
        assert_eq!(count(&short, &dense), (20, 20));
        assert_eq!(count(&short, &short), (20, 20));
    }
}
