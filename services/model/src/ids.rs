//! Identities: instances, requests.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::service::Service;

/// One running copy of a service. Its name is the value of `service.instance.id`, for example
/// `reranker-0`, or `shard-2-1` for replica 1 of partition 2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    service: Service,
    name: Arc<str>,
}

impl InstanceId {
    /// Copy number `index` of a service that is not partitioned.
    pub fn new(service: Service, index: u32) -> Self {
        InstanceId {
            service,
            name: format!("{service}-{index}").into(),
        }
    }

    /// Replica `replica` of partition `partition`.
    pub fn shard(partition: u32, replica: u32) -> Self {
        InstanceId {
            service: Service::SHARD,
            name: format!("{}-{partition}-{replica}", Service::SHARD).into(),
        }
    }

    /// The service this is a copy of.
    pub fn service(&self) -> Service {
        self.service
    }

    /// The value of `service.instance.id`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same, to keep without a copy.
    pub fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Number of a request within a run, counted from 0 in the order of intended send times.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
