//! Time: windows, and nanoseconds as milliseconds.

/// Requests whose root span starts in `start_ns..end_ns`, nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First nanosecond.
    pub start_ns: u64,
    /// First nanosecond after it.
    pub end_ns: u64,
}

impl Window {
    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.end_ns.saturating_sub(self.start_ns) as f64 / 1e9
    }

    /// Those of the items that start within it; they are in the order of their start.
    pub(crate) fn part_of<'a, T>(&self, items: &'a [T], start_ns: impl Fn(&T) -> u64) -> &'a [T] {
        let from = items.partition_point(|item| start_ns(item) < self.start_ns);
        let to = items.partition_point(|item| start_ns(item) < self.end_ns);
        &items[from..to.max(from)]
    }

    pub(crate) fn contains(&self, time_ns: u64) -> bool {
        (self.start_ns..self.end_ns).contains(&time_ns)
    }
}

/// Nanoseconds as milliseconds.
pub(crate) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
