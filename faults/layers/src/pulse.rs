//! What comes and goes by itself.

/// Something that comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// From one start to the next, longer than `for_us`.
    pub every_us: u64,
    /// How long it lasts each time, above 0.
    pub for_us: u64,
}

impl Pulse {
    /// The first pulse that is not over at `now_us`, of those that start from `start_us` on, as
    /// times of the run.
    pub(crate) fn next(self, start_us: u64, now_us: u64) -> (u64, u64) {
        let passed_us = now_us.saturating_sub(start_us);
        let started = passed_us / self.every_us;
        let is_over = passed_us % self.every_us >= self.for_us;
        let number = started + u64::from(is_over);
        let from_us = start_us.saturating_add(number.saturating_mul(self.every_us));
        (from_us, from_us.saturating_add(self.for_us))
    }
}
