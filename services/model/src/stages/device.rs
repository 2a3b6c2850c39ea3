//! Work on an accelerator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use crate::distribution::Dist;

/// An accelerator of one instance, such as a GPU: it works on a few requests at once, the others wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// Requests that it works on at once, from 1 to 1,024.
    #[schemars(range(min = 1, max = 1024))]
    pub slots: u32,
    /// Time that it takes for a request.
    pub work: Dist,
}

impl Default for Device {
    fn default() -> Self {
        Device {
            // Assumption: kernels of one model run one after the other in one stream.
            slots: 1,
            // An embedder's time for a batch of one, with its source there.
            work: Batch::default().service_time,
        }
    }
}
