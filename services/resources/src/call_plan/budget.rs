//! How many calls may be made a second time: a share of those made a first time, and a few besides.
//! Finagle's retry budget (`RetryBudget`, twitter.github.io/finagle), which linkerd and tower have
//! too: deposits and withdrawals count for ten seconds.

use std::sync::Arc;

use crate::instance::Instance;
use crate::per_life::PerLife;

/// Seconds for which a deposit or a withdrawal counts, one slot each.
const SLOTS: usize = 10;
const SLOT_US: u64 = 1_000_000;
/// Tokens are counted in millionths, so that sums of shares are exact.
const TOKEN: i64 = 1_000_000;

/// A budget by its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tokens {
    deposit: i64,
    /// What may be drawn beyond the deposits within the time that they count.
    reserve: i64,
    slots: [i64; SLOTS],
    /// Number of the slot that is filled now, counted from the start of the run.
    newest: u64,
}

impl Tokens {
    /// `share` of a token for each call, and `min_per_s` tokens a second besides.
    pub(crate) fn new(share: f64, min_per_s: f64) -> Self {
        Tokens {
            deposit: (share * TOKEN as f64).round() as i64,
            reserve: (min_per_s * SLOTS as f64 * TOKEN as f64).round() as i64,
            slots: [0; SLOTS],
            newest: 0,
        }
    }

    /// Counts a call.
    pub(crate) fn deposit(&mut self, now_us: u64) {
        self.forget_until(now_us);
        self.slots[self.newest as usize % SLOTS] += self.deposit;
    }

    /// Takes a token, if there is one.
    pub(crate) fn withdraw(&mut self, now_us: u64) -> bool {
        self.forget_until(now_us);
        let held: i64 = self.reserve + self.slots.iter().sum::<i64>();
        if held < TOKEN {
            return false;
        }
        self.slots[self.newest as usize % SLOTS] -= TOKEN;
        true
    }

    fn forget_until(&mut self, now_us: u64) {
        let now = now_us / SLOT_US;
        let passed = now.saturating_sub(self.newest).min(SLOTS as u64);
        for step in 1..=passed {
            self.slots[((now - passed + step) % SLOTS as u64) as usize] = 0;
        }
        self.newest = self.newest.max(now);
    }
}

/// The budget of one caller for one callee.
#[derive(Debug)]
pub(crate) struct Budget {
    instance: Arc<Instance>,
    full: Tokens,
    tokens: PerLife<Tokens>,
}

impl Budget {
    /// A budget, unless both figures are 0: then there is no limit.
    pub(crate) fn new(instance: &Arc<Instance>, share: f64, min_per_s: f64) -> Option<Self> {
        let full = Tokens::new(share, min_per_s);
        (share > 0.0 || min_per_s > 0.0).then(|| Budget {
            instance: instance.clone(),
            full,
            tokens: PerLife::new(full),
        })
    }

    /// Counts a call.
    pub(crate) fn deposit(&self) {
        let now_us = self.instance.clock.now_us();
        let count = |tokens: &mut Tokens| tokens.deposit(now_us);
        self.tokens.with(&self.instance, || self.full, count);
    }

    /// Takes a token, if there is one.
    pub(crate) fn withdraw(&self) -> bool {
        let now_us = self.instance.clock.now_us();
        let take = |tokens: &mut Tokens| tokens.withdraw(now_us);
        self.tokens.with(&self.instance, || self.full, take)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    #[test]
    fn a_fifth_of_the_calls_may_be_made_again() {
        let mut tokens = Tokens::new(0.2, 0.0);
        let mut allowed = 0;
        for call in 0..10_000 {
            let now_us = call * 1_000;
            tokens.deposit(now_us);
            allowed += u32::from(tokens.withdraw(now_us));
        }
        assert_eq!(allowed, 2_000);
    }

    #[test]
    fn where_nothing_is_called_the_reserve_comes_back_with_time() {
        let mut tokens = Tokens::new(0.2, 2.0);
        let mut draw = |now_us| (0..100).filter(|_| tokens.withdraw(now_us)).count();
        assert_eq!(draw(0), 20);
        assert_eq!(draw(9_999_999), 0);
        assert_eq!(draw(10_000_000), 20);
        assert_eq!(draw(40_000_000), 20);
    }

    #[test]
    fn calls_of_long_ago_allow_nothing() {
        let mut tokens = Tokens::new(0.5, 0.0);
        for _ in 0..100 {
            tokens.deposit(5_000_000);
        }
        let mut later = tokens;
        assert!(tokens.withdraw(14_999_999));
        assert!(!later.withdraw(15_000_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        /// What is drawn within the ten seconds that count is never more than the share of the calls
        /// and the reserve.
        #[test]
        fn never_more_than_the_budget(
            events in prop::collection::vec((0_u64..700_000, any::<bool>()), 1..400),
            share in 0.01_f64..1.0,
            min_per_s in 0.0_f64..3.0,
        ) {
            let mut tokens = Tokens::new(share, min_per_s);
            let mut now_us = 0;
            let mut made = Vec::new();
            for (wait_us, calls) in events {
                now_us += wait_us;
                if calls {
                    tokens.deposit(now_us);
                    made.push((now_us / SLOT_US, share));
                } else if tokens.withdraw(now_us) {
                    made.push((now_us / SLOT_US, -1.0));
                    let oldest = (now_us / SLOT_US).saturating_sub(SLOTS as u64 - 1);
                    let counting = made.iter().filter(|(slot, _)| *slot >= oldest);
                    let sum: f64 = counting.map(|(_, tokens)| tokens).sum();
                    // Shares are rounded to millionths.
                    prop_assert!(min_per_s * SLOTS as f64 + sum > -0.001);
                }
            }
        }
    }
}
