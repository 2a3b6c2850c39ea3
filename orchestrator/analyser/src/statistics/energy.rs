//! The run of points that differs most from the others, and whether it does by chance.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::statistics::config::Config;
use crate::statistics::summary::mean;

const SEED: u64 = 0x7261_6764_6f6c_6c32;

/// Points of a run, and of what is before or after it where there is any, at least: a boundary this
/// close to an end is no boundary.
const RUN_MIN: usize = 4;

/// Correlation of neighbours from which they are shuffled in chunks. Of 60 unrelated points it is
/// rarely as large by chance.
const CORRELATION_MIN: f64 = 0.4;

/// Figures of one block: those below at their positions, share of failures, rate of answers.
pub(crate) type Point = [f64; 4];

const MEDIAN: usize = 0;
const P95: usize = 1;

/// Points by which a boundary is moved at most once it is known what changed.
const MOVED_MAX: usize = 8;

/// The points `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arc {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Arc {
    pub(crate) fn len(self) -> usize {
        self.to - self.from
    }

    /// Without the point next to another run.
    pub(crate) fn beside(self, other: Arc) -> Arc {
        if self.len() <= RUN_MIN {
            self
        } else if self.to == other.from {
            Arc {
                to: self.to - 1,
                ..self
            }
        } else {
            Arc {
                from: self.from + 1,
                ..self
            }
        }
    }
}

/// The run that differs most from all other points, where shuffled points rarely have one that
/// differs as much: in a share [`Config::noise_tail`] of [`Config::resamples`] orders.
pub(crate) fn changed_arc(points: &[Point], config: &Config) -> Option<Arc> {
    let mut field = Field::new(points);
    let mut order: Vec<usize> = (0..points.len()).collect();
    let (observed, arc) = field.largest(&order)?;
    if observed <= 0.0 {
        return None;
    }
    let chunk = chunk(points);
    let mut chunks: Vec<usize> = (0..points.len().div_ceil(chunk)).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let allowed = (config.noise_tail * config.resamples as f64) as usize;
    let as_large = (0..config.resamples)
        .filter(|_| {
            for at in (1..chunks.len()).rev() {
                chunks.swap(at, rng.random_range(0..=at));
            }
            order.clear();
            for &number in &chunks {
                order.extend(number * chunk..points.len().min((number + 1) * chunk));
            }
            field
                .largest(&order)
                .is_some_and(|(statistic, _)| statistic >= observed * (1.0 - 1e-9))
        })
        .take(allowed + 1)
        .count();
    (as_large <= allowed).then(|| refined(points, arc))
}

/// The same run with boundaries where the figure that changed most changes most: the others, which
/// say where there is a run at all, only blur where it begins.
fn refined(points: &[Point], arc: Arc) -> Arc {
    let level = |figure: usize, is_in: bool| {
        let of_side = points.iter().enumerate().filter(|&(at, _)| {
            let is_inside = (arc.from..arc.to).contains(&at);
            is_inside == is_in
        });
        mean(of_side.map(|(_, point)| point[figure]))
    };
    let difference = |figure: usize| (level(figure, true) - level(figure, false)).abs();
    let most = (0..points[0].len()).max_by(|&a, &b| difference(a).total_cmp(&difference(b)));
    let values: Vec<f64> = points
        .iter()
        .map(|point| point[most.unwrap_or(MEDIAN)])
        .collect();
    let from = match arc.from {
        0 => 0,
        from => boundary(&values[..arc.to], from),
    };
    let to = match arc.to {
        to if to == points.len() => to,
        to => from + boundary(&values[from..], to - from),
    };
    Arc { from, to }
}

/// Where near `guess` the values before and after differ most: the least squares of two levels.
fn boundary(values: &[f64], guess: usize) -> usize {
    let total: f64 = values.iter().sum();
    let first = guess.saturating_sub(MOVED_MAX).max(RUN_MIN);
    let last = (guess + MOVED_MAX).min(values.len().saturating_sub(RUN_MIN));
    let between = |at: usize| {
        let (before, count) = (values[..at].iter().sum::<f64>(), values.len());
        let gap = before / at as f64 - (total - before) / (count - at) as f64;
        at as f64 * (count - at) as f64 * gap * gap
    };
    (first..=last)
        .max_by(|&a, &b| between(a).total_cmp(&between(b)))
        .unwrap_or(guess)
}

/// Distances between all points, and sums of them.
struct Field {
    count: usize,
    distances: Vec<f64>,
    /// Of each point to all others.
    of_point: Vec<f64>,
    total: f64,
    /// Sums over the first rows and columns, in the order that is looked at.
    sums: Vec<f64>,
    sums_of_points: Vec<f64>,
}

impl Field {
    fn new(points: &[Point]) -> Field {
        let count = points.len();
        let distances: Vec<f64> = points
            .iter()
            .flat_map(|a| points.iter().map(|b| distance(a, b)))
            .collect();
        let of_point: Vec<f64> = distances
            .chunks(count.max(1))
            .map(|row| row.iter().sum())
            .collect();
        Field {
            count,
            total: of_point.iter().sum(),
            distances,
            of_point,
            sums: vec![0.0; (count + 1) * (count + 1)],
            sums_of_points: vec![0.0; count + 1],
        }
    }

    /// The largest energy statistic of any run, with the run; none of too few points.
    fn largest(&mut self, order: &[usize]) -> Option<(f64, Arc)> {
        self.sum(order);
        let count = self.count;
        let starts = (0..count).filter(|&from| from == 0 || from >= RUN_MIN);
        let mut largest: Option<(f64, Arc)> = None;
        for from in starts {
            for to in from + RUN_MIN..=count {
                let is_whole = from == 0 && to == count;
                if is_whole || (to < count && count - to < RUN_MIN) {
                    continue;
                }
                let arc = Arc { from, to };
                let statistic = self.statistic(arc);
                if largest.is_none_or(|(most, _)| statistic > most) {
                    largest = Some((statistic, arc));
                }
            }
        }
        largest
    }

    fn sum(&mut self, order: &[usize]) {
        let width = self.count + 1;
        for (row, &point) in order.iter().enumerate() {
            let distances = &self.distances[point * self.count..(point + 1) * self.count];
            let (above, below) = self.sums.split_at_mut((row + 1) * width);
            let above = &above[row * width..];
            let mut so_far = 0.0;
            for (column, &other) in order.iter().enumerate() {
                so_far += distances[other];
                below[column + 1] = above[column + 1] + so_far;
            }
            self.sums_of_points[row + 1] = self.sums_of_points[row] + self.of_point[point];
        }
    }

    /// `n m / (n + m) * (2 mean|x - y| - mean|x - x'| - mean|y - y'|)`, with `x` the `n` points of
    /// the run and `y` the `m` others (Matteson and James 2014, equations 5 and 6).
    fn statistic(&self, arc: Arc) -> f64 {
        let width = self.count + 1;
        let at = |row: usize, column: usize| self.sums[row * width + column];
        let within = at(arc.to, arc.to) - at(arc.from, arc.to) - at(arc.to, arc.from)
            + at(arc.from, arc.from);
        let all = self.sums_of_points[arc.to] - self.sums_of_points[arc.from];
        let across = all - within;
        let within_others = self.total - 2.0 * across - within;
        let (n, m) = (arc.len() as f64, (self.count - arc.len()) as f64);
        let energy = 2.0 * across / (n * m) - within / (n * n) - within_others / (m * m);
        n * m / (n + m) * energy
    }
}

fn distance(a: &Point, b: &Point) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    libm::sqrt(squares.sum())
}

/// How many neighbours stay together: 1 where they are unrelated, else by the rule of Carlstein
/// (1986) for points of which each depends on the one before.
fn chunk(points: &[Point]) -> usize {
    let count = points.len() as f64;
    let of_figure = |figure: usize| {
        let values: Vec<f64> = points.iter().map(|point| point[figure]).collect();
        correlation(&values)
    };
    // Median and percentile say the same of what queues do; the mean of both is less noisy.
    let correlation = f64::midpoint(of_figure(MEDIAN), of_figure(P95)).min(0.9);
    if correlation < CORRELATION_MIN {
        return 1;
    }
    let spread = 2.0 * correlation / (1.0 - correlation * correlation);
    let chunk = libm::pow(spread, 2.0 / 3.0) * libm::cbrt(count);
    (chunk.round() as usize).clamp(2, (points.len() / 20).max(2))
}

/// Correlation of neighbours: where each point depends on the one before, differences over two steps
/// are larger than those over one by this much (after von Neumann 1941). The largest few are left out:
/// they are the steps that are sought.
fn correlation(values: &[f64]) -> f64 {
    let one = trimmed_squares(values.windows(2).map(|pair| pair[1] - pair[0]));
    let two = trimmed_squares(values.windows(3).map(|three| three[2] - three[0]));
    if one > 0.0 { two / one - 1.0 } else { 0.0 }
}

fn trimmed_squares(differences: impl Iterator<Item = f64>) -> f64 {
    const LEFT_OUT: f64 = 0.1;
    let mut squares: Vec<f64> = differences
        .map(|difference| difference * difference)
        .collect();
    squares.sort_by(f64::total_cmp);
    let kept = squares.len() - (LEFT_OUT * squares.len() as f64).ceil() as usize;
    mean(squares[..kept].iter().copied())
}
