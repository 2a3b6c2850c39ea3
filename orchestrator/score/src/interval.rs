//! Shares with the interval in which the true one lies.

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the normal distribution, for intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share of some cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Sum over the cases of what each counts, 0 to 1.
    pub sum: f64,
    /// Cases.
    pub of: u64,
    /// `sum / of`; none without cases.
    pub share: Option<f64>,
    /// Ends of the 95 % interval.
    pub interval: Option<[f64; 2]>,
}

impl Share {
    /// The share of cases that count `sum` in total.
    ///
    /// The interval is that of E. B. Wilson, "Probable inference, the law of succession, and
    /// statistical inference", Journal of the American Statistical Association 22 (1927). With share p,
    /// n cases and the normal quantile z it is
    /// `(p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n)`.
    /// Where a case may count for a part, as in Avg@5, it is too wide if anything: no values from 0 to
    /// 1 with mean p vary more than those of 0 and 1 alone.
    pub fn new(sum: f64, of: u64) -> Self {
        if of == 0 {
            return Share::default();
        }
        let n = of as f64;
        let p = sum / n;
        let z2 = Z * Z / n;
        let middle = p + z2 / 2.0;
        let reach = Z * ((p * (1.0 - p)).max(0.0) / n + z2 / (4.0 * n)).sqrt();
        let ends = [middle - reach, middle + reach].map(|end| (end / (1.0 + z2)).clamp(0.0, 1.0));
        Share {
            sum,
            of,
            share: Some(p),
            interval: Some(ends),
        }
    }

    /// The share of the values that are true; what each of the values is none of is left out.
    pub(crate) fn of(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let (mut sum, mut of) = (0.0, 0);
        for value in values.into_iter().flatten() {
            sum += value;
            of += 1;
        }
        Share::new(sum, of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
    /// Medicine 17 (1998), table I, method 3.
    #[test]
    fn intervals_are_those_of_the_literature() {
        for (hits, of, low, high) in [
            (81.0, 263, 0.2553, 0.3662),
            (15.0, 148, 0.0624, 0.1605),
            (0.0, 20, 0.0, 0.1611),
            (1.0, 29, 0.0061, 0.1718),
        ] {
            let [found_low, found_high] = Share::new(hits, of).interval.unwrap();
            assert!((found_low - low).abs() < 5e-5, "{hits}/{of}: {found_low}");
            assert!(
                (found_high - high).abs() < 5e-5,
                "{hits}/{of}: {found_high}"
            );
        }
    }

    #[test]
    fn of_no_cases_there_is_no_share() {
        let none = Share::of([None, None]);
        assert_eq!((none.share, none.interval, none.of), (None, None, 0));
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_narrows_with_more_cases(
            of in 1_u64..1000,
            part in 0.0..=1.0_f64,
        ) {
            let sum = (part * of as f64).floor();
            let (few, many) = (Share::new(sum, of), Share::new(10.0 * sum, 10 * of));
            let [low, high] = few.interval.unwrap();
            let share = few.share.unwrap();
            prop_assert!(0.0 <= low && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
            let [narrow_low, narrow_high] = many.interval.unwrap();
            prop_assert!(narrow_high - narrow_low < high - low);
        }
    }
}
