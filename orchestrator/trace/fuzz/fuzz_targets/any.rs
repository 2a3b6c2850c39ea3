//! Any bytes, whose format is found from them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ragdoll_trace_fuzz::read(bytes));
