//! Spans in a list of Zipkin.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ragdoll_trace_fuzz::read_behind;

const BEGINNING: &[u8] = b"[{\"traceId\":\"1\",\"id\":\"1\",\"timestamp\":1},";

fuzz_target!(|bytes: &[u8]| read_behind(BEGINNING, bytes));
