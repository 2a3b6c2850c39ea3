//! Schedules of arrivals, recordings, and the driver that follows them.

mod drive;
mod recording;
mod schedule;
