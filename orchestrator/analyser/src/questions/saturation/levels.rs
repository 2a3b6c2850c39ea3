//! Own time of calls by how many others were in service when theirs began. Times at the same number are
//! comparable whatever the load: that tells slower service from more of it.

use std::ops::Range;

/// Numbers of others up to here have a level of their own; above, a level is a quarter wider than the
/// one below.
const EXACT: usize = 16;
pub(super) const LEVELS: usize = 48;

/// Equal parts of the window that are left out in turn to learn how sure a ratio is.
pub(super) const BLOCKS: usize = 20;

/// Calls at one level, on either side, below which it is not compared.
const CALLS_MIN: f64 = 3.0;

/// Calls on either side, and blocks, below which a ratio says nothing.
const COMPARED_MIN: f64 = 30.0;
const BLOCKS_MIN: usize = 8;

/// Share of the calls that are "few" and "many" at least.
const THIRD: f64 = 1.0 / 3.0;

/// The level of a number of others.
pub(super) fn level_of(others: usize) -> usize {
    if others < EXACT {
        return others;
    }
    let above = libm::log(others as f64 / EXACT as f64) / libm::log(1.25);
    (EXACT + above as usize).min(LEVELS - 1)
}

/// Calls of one level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub(super) calls: f64,
    pub(super) own_ms: f64,
    /// Sum of the numbers of others.
    pub(super) others: f64,
}

impl Cell {
    fn add(&mut self, other: &Cell, sign: f64) {
        self.calls += sign * other.calls;
        self.own_ms += sign * other.own_ms;
        self.others += sign * other.others;
    }

    pub(super) fn mean_ms(&self) -> f64 {
        self.own_ms / self.calls.max(1.0)
    }

    pub(super) fn mean_others(&self) -> f64 {
        self.others / self.calls.max(1.0)
    }
}

pub(super) type Levels = [Cell; LEVELS];

/// The calls of a window by block and level.
#[derive(Clone, Debug)]
pub(super) struct Table {
    blocks: Vec<Levels>,
}

impl Table {
    pub(super) fn new() -> Self {
        Table {
            blocks: vec![[Cell::default(); LEVELS]; BLOCKS],
        }
    }

    pub(super) fn add(&mut self, block: usize, others: usize, own_ms: f64) {
        let cell = &mut self.blocks[block][level_of(others)];
        cell.calls += 1.0;
        cell.own_ms += own_ms;
        cell.others += others as f64;
    }

    pub(super) fn append(&mut self, other: &Table) {
        for (own, others) in self.blocks.iter_mut().zip(&other.blocks) {
            for (cell, more) in own.iter_mut().zip(others) {
                cell.add(more, 1.0);
            }
        }
    }

    pub(super) fn total(&self) -> Levels {
        let mut total = [Cell::default(); LEVELS];
        for block in &self.blocks {
            for (sum, cell) in total.iter_mut().zip(block) {
                sum.add(cell, 1.0);
            }
        }
        total
    }

    /// The total without each block that has calls.
    fn without_each(&self) -> Vec<Levels> {
        let total = self.total();
        let with_calls = self
            .blocks
            .iter()
            .filter(|block| block.iter().any(|cell| cell.calls > 0.0));
        with_calls
            .map(|block| {
                let mut rest = total;
                for (sum, cell) in rest.iter_mut().zip(block) {
                    sum.add(cell, -1.0);
                }
                rest
            })
            .collect()
    }
}

/// How many times as much, and how far from once in standard errors of its logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) ratio: f64,
    pub(super) z: f64,
}

impl Ratio {
    fn new(log: f64, variance: f64) -> Ratio {
        Ratio {
            ratio: libm::exp(log),
            z: log / libm::sqrt(variance).max(1e-9),
        }
    }

    /// Probability that noise alone gives as much or more.
    pub(super) fn p_value(&self) -> f64 {
        0.5 * libm::erfc(self.z / std::f64::consts::SQRT_2)
    }
}

/// Own time of the calls of `a` over that of `b`, of calls that found as many others in service.
pub(super) fn at_same_load(a: &Table, b: &Table) -> Option<Ratio> {
    let (total, total_b) = (a.total(), b.total());
    let log = log_at_same_load(&total, &total_b)?;
    let of_a: Vec<_> = a
        .without_each()
        .iter()
        .map(|rest| log_at_same_load(rest, &total_b))
        .collect::<Option<_>>()?;
    let of_b: Vec<_> = b
        .without_each()
        .iter()
        .map(|rest| log_at_same_load(&total, rest))
        .collect::<Option<_>>()?;
    Some(Ratio::new(log, jackknife(&of_a)? + jackknife(&of_b)?))
}

fn log_at_same_load(a: &Levels, b: &Levels) -> Option<f64> {
    let (mut calls, mut sum_a, mut sum_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        if a.calls < CALLS_MIN || b.calls < CALLS_MIN {
            continue;
        }
        let weight = a.calls * b.calls / (a.calls + b.calls);
        calls += a.calls.min(b.calls);
        sum_a += weight * a.mean_ms();
        sum_b += weight * b.mean_ms();
    }
    (calls >= COMPARED_MIN).then(|| log_ratio(sum_a, sum_b))?
}

/// Own time of the calls that found many others in service over that of those that found few, of the
/// levels below one.
pub(super) fn with_load(table: &Table, below: usize) -> Option<Ratio> {
    let below = below.min(LEVELS);
    let total = table.total();
    let (few, many) = few_and_many(&total[..below])?;
    apart(table, few, many..below)
}

/// Own time of the calls at the levels `many` over that of those before level `few`.
pub(super) fn apart(table: &Table, few: usize, many: Range<usize>) -> Option<Ratio> {
    let log = |levels: &Levels| {
        let (low, high) = (pooled(&levels[..few]), pooled(&levels[many.clone()]));
        let enough = low.calls >= COMPARED_MIN && high.calls >= COMPARED_MIN;
        enough.then(|| log_ratio(high.mean_ms(), low.mean_ms()))?
    };
    let whole = log(&table.total())?;
    let without: Vec<f64> = table
        .without_each()
        .iter()
        .map(&log)
        .collect::<Option<_>>()?;
    Some(Ratio::new(whole, jackknife(&without)?))
}

pub(super) fn pooled(levels: &[Cell]) -> Cell {
    let mut sum = Cell::default();
    for cell in levels {
        sum.add(cell, 1.0);
    }
    sum
}

/// The first level that is not few, and the first that is many: a third of the calls or more on each
/// side.
fn few_and_many(levels: &[Cell]) -> Option<(usize, usize)> {
    let all = pooled(levels).calls;
    let mut sum = 0.0;
    let cumulative: Vec<f64> = levels
        .iter()
        .map(|cell| {
            sum += cell.calls;
            sum
        })
        .collect();
    let few = cumulative.iter().position(|&calls| calls >= THIRD * all)? + 1;
    let many = cumulative
        .iter()
        .rposition(|&calls| all - calls >= THIRD * all)?
        + 1;
    (all > 0.0 && many >= few).then_some((few, many))
}

fn log_ratio(a: f64, b: f64) -> Option<f64> {
    (a > 0.0 && b > 0.0).then(|| libm::log(a / b))
}

/// Variance of a figure, from its values without each block in turn (Quenouille's and Tukey's jackknife).
pub(super) fn jackknife(without_each: &[f64]) -> Option<f64> {
    let n = without_each.len();
    if n < BLOCKS_MIN {
        return None;
    }
    let mean = without_each.iter().sum::<f64>() / n as f64;
    let squares: f64 = without_each
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    Some((n as f64 - 1.0) / n as f64 * squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_grow_with_the_number_and_are_bounded() {
        let levels: Vec<usize> = (0..100_000).map(level_of).collect();
        assert!(levels.is_sorted());
        assert_eq!(levels[..17], std::array::from_fn::<usize, 17, _>(|at| at));
        assert_eq!(levels.last(), Some(&(LEVELS - 1)));
    }

    #[test]
    fn the_same_time_at_every_load_is_no_slowdown() {
        let (mut a, mut b) = (Table::new(), Table::new());
        for at in 0..2000 {
            let noise = f64::from(at * 7919 % 100) / 100.0;
            a.add(at as usize % BLOCKS, at as usize % 9, 10.0 + noise);
            b.add(at as usize % BLOCKS, at as usize % 4, 10.0 + noise);
        }
        let same = at_same_load(&a, &b).expect("common levels");
        assert!(
            (same.ratio - 1.0).abs() < 0.01 && same.z.abs() < 3.0,
            "{same:?}"
        );
        let flat = with_load(&a, LEVELS).expect("few and many");
        assert!((flat.ratio - 1.0).abs() < 0.01, "{flat:?}");
    }

    #[test]
    fn few_and_many_need_a_number_that_varies() {
        let mut table = Table::new();
        for at in 0..1000 {
            table.add(at % BLOCKS, 0, 5.0);
        }
        assert_eq!(with_load(&table, LEVELS), None);
    }
}
