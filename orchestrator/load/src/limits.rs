//! What a schedule may hold at most.

/// Most requests in a run. A schedule that expects more is refused, and [`crate::drive`] stops at
/// this number: a closed loop is as fast as its answers.
pub const MAX_REQUESTS: u64 = 5_000_000;

/// Most users in a closed loop: each is a task, whether or not anything happens.
pub const MAX_USERS: u32 = 100_000;

/// Latest end of a phase, 18 hours: within the reach of the clock's timers.
pub const MAX_RUN_US: u64 = 18 * 3_600 * 1_000_000;
