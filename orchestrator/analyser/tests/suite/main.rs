//! All scenarios of the analyser in one program, which links once.

mod common;

mod blindness;
mod broken_traces;
mod change_point;
mod critical_path;
mod floors;
mod foreign;
mod foreign_spans;
mod given_up;
mod host_signs;
mod origins;
mod questions;
mod rate_limits;
mod rules;
mod saturation;
mod serial;
mod serial_calls;
mod signs;
mod unequal_windows;
mod verdicts;
