//! What affected requests have in common that others do not have.

use std::fmt;

use ragdoll_trace::{Symbol, Value};
use rustc_hash::FxHashMap;

use crate::facts::names::spans::{may_be_measure, may_correlate};
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::questions::findings::SharedTrait;
use crate::statistics::config::Config;
use crate::statistics::significance::{fisher_p, rank_p};

/// Requests of either group that are looked at; more are sampled evenly.
const REQUESTS_MAX: usize = 4000;

/// Affected requests that have an attribute, below which nothing is said of it.
const AFFECTED_MIN: usize = 5;

/// Values of an attribute for each request that has it, above which it only numbers requests.
const DISTINCT_MAX: f64 = 0.5;

/// Requests are compared in three groups.
#[derive(Clone, Copy)]
pub(crate) struct Groups<'g, 'p> {
    /// Those that have in common what is sought.
    pub(crate) affected: &'g [&'p Request],
    /// The others of the same window, which the effect is measured against.
    pub(crate) others: &'g [&'p Request],
    /// Requests of the baseline, which besides those show what is usual. May be empty.
    pub(crate) usual: &'g [&'p Request],
}

const AFFECTED: usize = 0;
const OTHERS: usize = 1;
const USUAL: usize = 2;

/// Values of one attribute.
struct Column {
    key: Symbol,
    /// Largest number of each request that has one, by group.
    numbers: [Vec<f64>; 3],
    /// How many requests of each group have a value.
    values: Vec<(Value, [u64; 3])>,
    value_positions: FxHashMap<(bool, u32), usize>,
    requests_with_values: u64,
}

struct Table {
    columns: Vec<Column>,
    column_by_key: FxHashMap<Symbol, Option<usize>>,
    /// Requests of each group.
    requests: [u64; 3],
}

/// Failing requests at the head of a burst that are looked at by themselves.
const LEADERS: usize = 3;

/// Requests in a row that succeed, from which on the next failure begins a new burst.
const CALM: usize = 3;

/// The first failing requests of each burst. One request may take down a process and with it
/// hundreds of bystanders; what is wrong with it shows among the first that fail, not among all.
/// `all` is in the order of start.
pub(crate) fn leaders<'p>(
    all: &[&'p Request],
    is_affected: impl Fn(&Request) -> bool,
) -> Vec<&'p Request> {
    let (mut calm, mut taken) = (CALM, 0);
    let mut leaders = Vec::new();
    for request in all {
        if !is_affected(request) {
            calm += 1;
            continue;
        }
        if calm >= CALM {
            taken = 0;
        }
        calm = 0;
        if taken < LEADERS {
            taken += 1;
            leaders.push(*request);
        }
    }
    leaders
}

/// What the affected have in common, least likely by chance first.
pub(crate) fn correlated(
    prepared: &Prepared<'_>,
    groups: Groups<'_, '_>,
    config: &Config,
) -> Vec<SharedTrait> {
    let mut table = Table {
        columns: Vec::new(),
        column_by_key: FxHashMap::default(),
        requests: [0; 3],
    };
    let groups = [
        (AFFECTED, groups.affected),
        (OTHERS, groups.others),
        (USUAL, groups.usual),
    ];
    for (group, requests) in groups {
        let step = requests.len().div_ceil(REQUESTS_MAX).max(1);
        for request in requests.iter().step_by(step) {
            table.add(prepared, request, group);
        }
    }
    let (mut found, mut tests) = (Vec::new(), 0.0);
    for column in &table.columns {
        let key = prepared.observations.traces.text(column.key);
        if may_be_measure(key) {
            tests += table.test_numbers(column, key, &mut found);
        }
        tests += table.test_values(prepared, column, key, &mut found);
    }
    for shared in &mut found {
        shared.p_value = (shared.p_value * tests).min(1.0);
    }
    found.retain(|shared| shared.p_value <= config.trait_p_max && has_effect(shared));
    found.sort_by(|a, b| {
        let gap = |shared: &SharedTrait| shared.share_affected - shared.share_others;
        a.p_value
            .total_cmp(&b.p_value)
            .then(gap(b).total_cmp(&gap(a)))
    });
    found
}

/// Chance aside, a correlated attribute matters where it sets the groups well apart, or where hardly any of the
/// others has it: a few culprits may take many bystanders down with them.
fn has_effect(shared: &SharedTrait) -> bool {
    shared.share_affected - shared.share_others >= 0.2
        || shared.share_affected >= 5.0 * shared.share_others
}

impl Table {
    fn add(&mut self, prepared: &Prepared<'_>, request: &Request, group: usize) {
        let set = &prepared.observations.traces;
        let Some(trace) = prepared.index.find(request.trace_id) else {
            return;
        };
        self.requests[group] += 1;
        let mut numbers: Vec<(usize, f64)> = Vec::new();
        let mut values: Vec<(usize, usize)> = Vec::new();
        for &position in trace.spans {
            for attribute in &set.spans()[position as usize].attributes {
                let key = attribute.key;
                let columns = &mut self.columns;
                let column = *self.column_by_key.entry(key).or_insert_with(|| {
                    may_correlate(set.text(key)).then(|| {
                        columns.push(Column::new(key));
                        columns.len() - 1
                    })
                });
                let Some(column) = column else { continue };
                if let Some(number) = attribute.value.as_f64() {
                    numbers.push((column, number));
                } else if let Some(value) = self.columns[column].position(&attribute.value) {
                    values.push((column, value));
                }
            }
        }
        numbers.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        numbers.dedup_by_key(|(column, _)| *column);
        for (column, number) in numbers {
            self.columns[column].numbers[group].push(number);
        }
        values.sort_unstable();
        values.dedup();
        let mut last = None;
        for (column_at, value) in values {
            let column = &mut self.columns[column_at];
            column.values[value].1[group] += 1;
            column.requests_with_values += u64::from(last != Some(column_at));
            last = Some(column_at);
        }
    }

    /// Tries thresholds from both sides and keeps the one least likely by chance. Returns how many
    /// questions that was.
    fn test_numbers(&self, column: &Column, key: &str, found: &mut Vec<SharedTrait>) -> f64 {
        let sorted = column.numbers.clone().map(|mut numbers| {
            numbers.sort_by(f64::total_cmp);
            numbers
        });
        let [affected, others, usual] = &sorted;
        let mut rest = [others.as_slice(), usual].concat();
        rest.sort_by(f64::total_cmp);
        let enough = AFFECTED_MIN.max(self.requests[AFFECTED] as usize / 2);
        if affected.len() < enough || rest.len() < AFFECTED_MIN {
            return 0.0;
        }
        let all_alike = affected[0] == affected[affected.len() - 1]
            && rest[0] == rest[rest.len() - 1]
            && rest[0] == affected[0];
        if all_alike {
            return 0.0;
        }
        let (n, m) = (affected.len() as u64, rest.len() as u64);
        let thresholds = thresholds(affected);
        let p_of = |bound: &Bound| {
            let with = bound.count(affected);
            fisher_p(with, n, with + bound.count(&rest), n + m)
        };
        let best = thresholds
            .iter()
            .map(|bound| (p_of(bound), bound))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((p, bound)) = best {
            let against = if others.is_empty() { &rest } else { others };
            found.push(SharedTrait {
                attribute: key.to_owned(),
                condition: bound.to_string(),
                share_affected: bound.count(affected) as f64 / n as f64,
                share_others: bound.count(against) as f64 / against.len() as f64,
                // Two tests of one question: a shift of all ranks, or a threshold, whichever is
                // clearer.
                p_value: (p * thresholds.len() as f64).min(rank_p(affected, &rest)) * 2.0,
            });
        }
        1.0
    }

    fn test_values(
        &self,
        prepared: &Prepared<'_>,
        column: &Column,
        key: &str,
        found: &mut Vec<SharedTrait>,
    ) -> f64 {
        let distinct = column.values.len() as f64;
        if distinct > DISTINCT_MAX * column.requests_with_values as f64 {
            return 0.0;
        }
        let total: u64 = self.requests.iter().sum();
        let mut tests = 0.0;
        for (value, counts) in &column.values {
            let with: u64 = counts.iter().sum();
            if counts[AFFECTED] < AFFECTED_MIN as u64 || with == total {
                continue;
            }
            tests += 1.0;
            let share = |group: usize| counts[group] as f64 / self.requests[group].max(1) as f64;
            found.push(SharedTrait {
                attribute: key.to_owned(),
                condition: format!("= {}", prepared.observations.traces.display(value)),
                share_affected: share(AFFECTED),
                share_others: share(OTHERS),
                p_value: fisher_p(counts[AFFECTED], self.requests[AFFECTED], with, total),
            });
        }
        tests
    }
}

impl Column {
    fn new(key: Symbol) -> Self {
        Column {
            key,
            numbers: Default::default(),
            values: Vec::new(),
            value_positions: FxHashMap::default(),
            requests_with_values: 0,
        }
    }

    fn position(&mut self, value: &Value) -> Option<usize> {
        let code = match value {
            Value::Str(symbol) => (false, symbol.0),
            Value::Bool(truth) => (true, u32::from(*truth)),
            _ => return None,
        };
        Some(*self.value_positions.entry(code).or_insert_with(|| {
            self.values.push((value.clone(), [0; 3]));
            self.values.len() - 1
        }))
    }
}

/// A condition on a number.
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    /// How many of the numbers, in ascending order, meet it.
    fn count(&self, numbers: &[f64]) -> u64 {
        let count = match *self {
            Bound::AtLeast(bound) => {
                numbers.len() - numbers.partition_point(|&number| number < bound)
            }
            Bound::AtMost(bound) => numbers.partition_point(|&number| number <= bound),
        };
        count as u64
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(bound) => write!(f, ">= {bound}"),
            Bound::AtMost(bound) => write!(f, "<= {bound}"),
        }
    }
}

/// Thresholds worth trying: values of the affected, close together at the ends, where few culprits
/// among many bystanders would be.
fn thresholds(affected: &[f64]) -> Vec<Bound> {
    let mut values: Vec<f64> = Vec::new();
    let mut rank = 1;
    while rank <= affected.len() {
        values.push(affected[affected.len() - rank]);
        values.push(affected[rank - 1]);
        rank += rank.div_ceil(4);
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
        .into_iter()
        .flat_map(|value| [Bound::AtLeast(value), Bound::AtMost(value)])
        .collect()
}
