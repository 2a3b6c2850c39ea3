//! How sure it is that a place grew, and that it grew more than others. The blocks of both windows are
//! drawn again, as in `noise`, and the growth of every place is worked out for each draw.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::facts::prepared::Prepared;
use crate::facts::request::{Part, Request};
use crate::facts::time::ms;
use crate::statistics::blocks::{Active, counts};
use crate::statistics::config::Config;
use crate::statistics::summary::mean;

const SEED: u64 = 0x7261_6764_6f6c_6c32;

/// How often the blocks are drawn.
const DRAWS: usize = 200;

/// Standard errors by which a growth may be smaller than it seems.
const ERRORS: f64 = 1.0;

/// The growth of every place, draw by draw.
pub(crate) struct Draws {
    /// By place, then by draw, in milliseconds a request.
    growth_ms: Vec<Vec<f64>>,
}

impl Draws {
    /// `requests` and `requests_before` are those whose time is compared; `place_of` tells which of so
    /// many `places` a part of a critical path is of.
    pub(crate) fn new(
        prepared: &Prepared<'_>,
        (requests, active): (&[&Request], &Active),
        (requests_before, active_before): (&[&Request], &Active),
        (places, place_of): (usize, impl Fn(&Part) -> Option<usize>),
        config: &Config,
    ) -> Self {
        let (count, count_before) = counts(
            config.blocks,
            (requests.len(), active),
            (requests_before.len(), active_before),
        );
        let sums = |requests, active| Sums::new(prepared, requests, active, (places, &place_of));
        let blocks = sums(requests, (active, count));
        let blocks_before = sums(requests_before, (active_before, count_before));
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let mut growth_ms = vec![Vec::with_capacity(DRAWS); places];
        for _ in 0..DRAWS {
            let (means, means_before) = (blocks.draw(&mut rng), blocks_before.draw(&mut rng));
            for (place, growths) in growth_ms.iter_mut().enumerate() {
                growths.push(means[place] - means_before[place]);
            }
        }
        Draws { growth_ms }
    }

    /// The least growth of a place that is plausible: `growth_ms` less one standard error.
    pub(crate) fn least_ms(&self, place: usize, growth_ms: f64) -> f64 {
        let growths = &self.growth_ms[place];
        let mean_ms = mean(growths.iter().copied());
        let variance = mean(growths.iter().map(|growth| (growth - mean_ms).powi(2)));
        growth_ms - ERRORS * variance.sqrt()
    }

    /// Share of the draws in which these places together grew, and by more than each of the others.
    pub(crate) fn first(&self, places: &[usize], others: &[usize]) -> f64 {
        let is_first = |draw: usize| {
            let own: f64 = places.iter().map(|&at| self.growth_ms[at][draw]).sum();
            let most = others.iter().map(|&at| self.growth_ms[at][draw]);
            own > most.fold(0.0, f64::max)
        };
        (0..DRAWS).filter(|&draw| is_first(draw)).count() as f64 / DRAWS as f64
    }
}

/// Requests and time of every block of a window.
struct Sums {
    requests: Vec<f64>,
    /// By block, then by place, in milliseconds.
    places_ms: Vec<Vec<f64>>,
}

impl Sums {
    fn new(
        prepared: &Prepared<'_>,
        requests: &[&Request],
        (active, count): (&Active, usize),
        (places, place_of): (usize, &impl Fn(&Part) -> Option<usize>),
    ) -> Self {
        let mut sums = Sums {
            requests: vec![0.0; count],
            places_ms: vec![vec![0.0; places]; count],
        };
        for request in requests {
            let block = active.block(request.start_ns, count);
            sums.requests[block] += 1.0;
            for part in prepared.parts(request) {
                if let Some(place) = place_of(part) {
                    sums.places_ms[block][place] += ms(part.ns);
                }
            }
        }
        sums
    }

    /// Mean milliseconds a request of every place, when as many blocks are drawn as there are.
    fn draw(&self, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        let count = self.requests.len();
        let (mut requests, mut totals) = (0.0, vec![0.0; self.places_ms[0].len()]);
        for _ in 0..count {
            let block = rng.random_range(0..count);
            requests += self.requests[block];
            for (total, ms) in totals.iter_mut().zip(&self.places_ms[block]) {
                *total += ms;
            }
        }
        let requests = f64::max(requests, 1.0);
        totals.into_iter().map(|total| total / requests).collect()
    }
}
