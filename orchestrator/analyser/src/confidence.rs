//! How sure it is that a place grew, and that it grew more than others. The blocks of both windows are
//! drawn again, as in `noise`, and the growth of every place is worked out for each draw.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::blocks::{Active, counts};
use crate::config::Config;
use crate::population::{Place, Population};
use crate::prepared::{Prepared, Request, ms};
use crate::sides::Sides;
use crate::statistics::mean;

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
    /// `requests` and `requests_before` are those whose time is compared.
    pub(crate) fn new(
        prepared: &Prepared<'_>,
        (requests, now): (&[&Request], &Population<'_>),
        (requests_before, before): (&[&Request], &Population<'_>),
        places: &[Place],
        sides: &Sides,
        config: &Config,
    ) -> Self {
        let (count, count_before) = counts(
            config.blocks,
            (requests.len(), &now.active),
            (requests_before.len(), &before.active),
        );
        let blocks = Sums::new(prepared, requests, (&now.active, count), places, sides);
        let blocks_before = Sums::new(
            prepared,
            requests_before,
            (&before.active, count_before),
            places,
            sides,
        );
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let mut growth_ms = vec![Vec::with_capacity(DRAWS); places.len()];
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
        places: &[Place],
        sides: &Sides,
    ) -> Self {
        let mut sums = Sums {
            requests: vec![0.0; count],
            places_ms: vec![vec![0.0; places.len()]; count],
        };
        for request in requests {
            let block = active.block(request.start_ns, count);
            sums.requests[block] += 1.0;
            for part in prepared.parts(request) {
                let owner = sides.owner(prepared, part);
                let place = places
                    .iter()
                    .position(|place| place.service == owner && place.cause == part.cause);
                if let Some(place) = place {
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
