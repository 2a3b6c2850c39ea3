//! OTLP JSON lines.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ragdoll_trace_fuzz::read_behind;

const BEGINNING: &[u8] = b"{\"resourceSpans\":[]}\n";

fuzz_target!(|bytes: &[u8]| read_behind(BEGINNING, bytes));
