//! Several faults at one place, whom they concern, and faults that come and go while requests run.

mod bench;
mod change;
mod order;
mod when;
mod whom;
