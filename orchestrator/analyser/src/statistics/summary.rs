//! Means, quantiles and ratios.

/// Mean; 0 of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// The smallest value that at least this share of the values do not exceed; 0 of nothing.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let rank = (share * values.len() as f64).ceil() as usize;
    let at = rank.clamp(1, values.len()) - 1;
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

/// How many times as much, where there was something before.
pub(crate) fn ratio(now: f64, before: f64) -> Option<f64> {
    (before > 0.0).then(|| now / before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occur() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.95), 95.0);
        assert_eq!(quantile(values, 0.0), 1.0);
        assert_eq!(quantile(Vec::new(), 0.5), 0.0);
    }
}
