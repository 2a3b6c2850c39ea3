//! OTLP requests end to end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ragdoll_trace_fuzz::read_behind;

const BEGINNING: &[u8] = b"\x0a\x02\x0a\x00";

fuzz_target!(|bytes: &[u8]| read_behind(BEGINNING, bytes));
