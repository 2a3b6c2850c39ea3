//! Metadata store: workers, some work, and a lock around the store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::proto::metadata_server::Metadata;
use ragdoll_model::proto::{LookupRequest, LookupResponse};
use ragdoll_model::topology;
use ragdoll_resources::{Instance, Lock, Workers};
use tonic::{Request, Response, Status};

use crate::client::context_of;

/// The store's gRPC service.
#[derive(Clone)]
pub struct MetadataStub {
    instance: Arc<Instance>,
    spec: topology::Metadata,
    workers: Arc<Workers>,
    lock: Arc<Lock>,
    versions: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl MetadataStub {
    /// A store that nobody has asked yet.
    pub fn new(instance: &Arc<Instance>, spec: &topology::Metadata) -> Self {
        MetadataStub {
            instance: instance.clone(),
            workers: Workers::new(instance, spec.workers, spec.queue_bound),
            lock: Lock::new(instance, "metadata.store", spec.lock_scope),
            spec: spec.clone(),
            versions: Arc::default(),
        }
    }

    fn next_version(&self, user: &str) -> u64 {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let version = versions.entry(user.to_owned()).or_default();
        *version += 1;
        *version
    }
}

#[tonic::async_trait]
impl Metadata for MetadataStub {
    async fn lookup(
        &self,
        request: Request<LookupRequest>,
    ) -> Result<Response<LookupResponse>, Status> {
        let context = context_of(&request);
        let user = request.into_inner().user;
        let _worker = self.workers.acquire(&context).await?;
        let work_us = self
            .workers
            .service_time_us(&context, &self.spec.service_time);
        self.instance.work_us(work_us).await;
        self.lock
            .hold(&context, &user, &self.spec.lock_hold)
            .await?;
        let version = self.next_version(&user);
        Ok(Response::new(LookupResponse {
            collection: "documents".to_owned(),
            version,
        }))
    }
}
