//! Log lines of the services.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ragdoll_trace_fuzz::read_behind;

const BEGINNING: &[u8] = b"{\"timestamp\":\"2024-01-01T00:00:00Z\",\"severity\":\"INFO\",\"service\":\"a\",\"message\":\"m\"}\n";

fuzz_target!(|bytes: &[u8]| read_behind(BEGINNING, bytes));
