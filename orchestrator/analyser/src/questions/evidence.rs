//! Figures that a reader can check.

use crate::questions::findings::{Figure, SharedTrait};

pub(crate) fn figure(
    what: impl Into<String>,
    value: f64,
    baseline: impl Into<Option<f64>>,
    unit: &str,
) -> Figure {
    Figure {
        what: what.into(),
        value,
        baseline: baseline.into(),
        unit: unit.to_owned(),
    }
}

/// How much more often the affected have a correlated attribute, in words.
pub(crate) fn correlation_figures(
    found: &SharedTrait,
    affected: &str,
    others: &str,
) -> [Figure; 2] {
    let condition = format!("{} {}", found.attribute, found.condition);
    [
        figure(
            format!("{affected} that have {condition}"),
            100.0 * found.share_affected,
            None,
            "%",
        ),
        figure(
            format!("{others} that have {condition}"),
            100.0 * found.share_others,
            None,
            "%",
        ),
    ]
}

pub(crate) fn trace_ids<'a>(ids: impl Iterator<Item = &'a u128>, most: usize) -> Vec<String> {
    ids.take(most).map(|id| format!("{id:032x}")).collect()
}
