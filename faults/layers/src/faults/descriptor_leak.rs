//! Descriptor leak: requests leave files open, until the process may open no more.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Fault, Kind};

/// Lets requests leave file descriptors open. Once the process has as many as it may, it accepts no
/// connection any more, and its callers are refused until it is started again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescriptorLeak {
    /// File descriptors that each request leaves open, on average, from 0.001 to 1,000.
    descriptors_leaked: f64,
    /// File descriptors that the process may have open while the fault lasts, from 64 to 65,536:
    /// 1,024 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    descriptor_limit: Option<u32>,
}

impl Kind for DescriptorLeak {
    const INFO: KindInfo = KindInfo {
        name: "descriptor_leak",
        summary: "requests leave files open, until the process can accept no connection any more",
        resource: "descriptors",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        DescriptorLeak {
            descriptors_leaked: 1.0,
            descriptor_limit: Some(256),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("descriptors_leaked", self.descriptors_leaked, 0.001, 1000.0)?;
        let limit = f64::from(self.descriptor_limit.unwrap_or(1024));
        check_within("descriptor_limit", limit, 64.0, 65_536.0)
    }
}

impl Fault for DescriptorLeak {
    fn meets_requests(&self) -> bool {
        false
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            descriptors_leaked: Some(self.descriptors_leaked),
            descriptor_limit: self.descriptor_limit,
            ..Overrides::default()
        })
    }
}
