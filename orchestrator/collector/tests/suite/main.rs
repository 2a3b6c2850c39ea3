//! Whatever telemetry comes, and whatever way, the same is kept, written and passed on.

mod bad_input;
mod common;
mod forwarding;
mod lifetime;
mod one_door;
mod ways_in;
