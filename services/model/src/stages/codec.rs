//! Reading and writing messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Time and size of messages: what the service reads and answers is taken apart and put together on its processors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Codec {
    /// Processor time for each KiB of request and answer, in microseconds, from 0 to 10,000,000.
    #[schemars(range(min = 0.0, max = 1e7))]
    pub us_per_kib: f64,
    /// Bytes on the wire for each byte of the answer, from 0.001 to 1,000: below 1 where it is compressed, above where binary
    /// data travels as text.
    #[schemars(range(min = 0.001, max = 1000))]
    pub size_factor: f64,
}

impl Default for Codec {
    fn default() -> Self {
        Codec {
            // 250 MB/s: the order of usual parsers of JSON, which read between some hundred megabytes and 3 GB a second (simdjson,
            // README, "Performance results").
            us_per_kib: 4.0,
            size_factor: 1.0,
        }
    }
}
