//! Coordinator of the vector database: asks every partition, merges what comes back.

use std::sync::Arc;

use ragdoll_model::proto::shard_client::ShardClient;
use ragdoll_model::proto::vector_db_server::VectorDb;
use ragdoll_model::proto::{Hits, SearchRequest, SearchResponse, ShardQueryRequest};
use ragdoll_model::{Hit, topology};
use ragdoll_resources::{Callee, Instance, fan_out};
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::sample_us;
use ragdoll_telemetry::names::{
    DB_OPERATION, DB_ROWS, DB_SYSTEM, FAN_IN_MERGE, SHARDS_ANSWERED, SHARDS_QUERIED,
};
use ragdoll_telemetry::{KeyValue, RequestContext, log};
use tonic::{Request, Response, Status};

use crate::client::{Client, SpanAttributes, context_of, grpc_request};

/// The coordinator's gRPC service.
#[derive(Clone)]
pub struct VectorDbStub {
    instance: Arc<Instance>,
    spec: Arc<topology::VectorDb>,
    /// Each partition as it is called, and a client over its replicas.
    partitions: Arc<[(Callee, Client)]>,
    service_random: Stream,
    merge_random: Stream,
}

impl VectorDbStub {
    /// A coordinator of these partitions.
    pub fn new(
        instance: &Arc<Instance>,
        spec: &topology::VectorDb,
        partitions: Vec<Client>,
    ) -> Self {
        let callee = |client| (Callee::new(instance, "shard", &spec.shard_call), client);
        VectorDbStub {
            instance: instance.clone(),
            spec: Arc::new(spec.clone()),
            partitions: partitions.into_iter().map(callee).collect(),
            service_random: instance.random.child("service-time"),
            merge_random: instance.random.child("merge-time"),
        }
    }

    async fn ask_partition(
        &self,
        context: &RequestContext,
        partition: usize,
        query: &ShardQueryRequest,
    ) -> Result<Hits, Status> {
        let (callee, client) = &self.partitions[partition];
        callee
            .call(context, |attempt| {
                let mut client = ShardClient::new(client.clone());
                let request = grpc_request(attempt.context(context), query.clone());
                async move {
                    Ok(client
                        .query(request)
                        .await?
                        .into_inner()
                        .hits
                        .unwrap_or_default())
                }
            })
            .await
    }

    /// Merges what the partitions answered, each with its number.
    async fn merge(
        &self,
        context: &RequestContext,
        answers: Vec<(usize, Result<Hits, Status>)>,
        limit: u32,
    ) -> Result<SearchResponse, Status> {
        let started_us = self.instance.clock.now_us();
        let merge_us = sample_us(
            &self.spec.merge_time,
            &mut context.random(self.merge_random),
        );
        let merge_us = match self.instance.overrides(context).merge_time_factor {
            None => merge_us,
            Some(factor) => (merge_us as f64 * factor).round() as u64,
        };
        self.instance.work_us(merge_us).await;
        self.instance
            .telemetry
            .interval(FAN_IN_MERGE, &context.span, started_us, Vec::new());

        let shards_queried = answers.len() as u32;
        let mut shards_answered = Vec::with_capacity(answers.len());
        let mut hits: Vec<Hit> = Vec::new();
        let mut failure = None;
        for (partition, answer) in answers {
            match answer {
                Ok(found) => {
                    shards_answered.push(partition as u32);
                    hits.extend(found.iter());
                }
                Err(status) if self.spec.partial_results => failure = Some(status),
                Err(status) => return Err(status),
            }
        }
        match failure {
            Some(status) if shards_answered.is_empty() => return Err(status),
            _ => {}
        }
        hits.sort_unstable_by(Hit::best_first);
        hits.truncate(limit as usize);
        Ok(SearchResponse {
            hits: Some(hits.into_iter().collect()),
            shards_answered,
            shards_queried,
        })
    }
}

#[tonic::async_trait]
impl VectorDb for VectorDbStub {
    async fn search(
        &self,
        request: Request<SearchRequest>,
    ) -> Result<Response<SearchResponse>, Status> {
        let context = context_of(&request);
        let search = request.into_inner();
        let work_us = sample_us(
            &self.spec.service_time,
            &mut context.random(self.service_random),
        );
        self.instance.work_us(work_us).await;

        let query = ShardQueryRequest {
            vector: search.vector,
            limit: search.limit,
        };
        let overrides = self.instance.overrides(&context);
        let unknown = overrides.unknown_partition.map(|number| number as usize);
        let known = (0..self.partitions.len()).filter(|&partition| Some(partition) != unknown);
        let known: Vec<usize> = known.collect();
        let answers = fan_out(
            overrides.fan_out.unwrap_or(self.spec.fan_out),
            self.spec.fan_out_limit,
            known.iter().copied(),
            |partition| Box::pin(self.ask_partition(&context, partition, &query)),
        )
        .await;
        let answers = known.into_iter().zip(answers).collect();
        let response = self.merge(&context, answers, search.limit).await?;
        let results = response
            .hits
            .as_ref()
            .map_or(0, |hits| hits.documents.len());
        log!(
            info,
            self.instance.telemetry,
            context,
            "documents retrieved",
            query_hash = format!("{:016x}", query_hash(&query.vector)).as_str(),
            results = results as u64,
            shards_queried = response.shards_queried,
            shards_answered = response.shards_answered.len() as u64,
        );
        let attributes = SpanAttributes(vec![
            KeyValue::new(DB_SYSTEM, "ragdoll"),
            KeyValue::new(DB_OPERATION, "search"),
            KeyValue::new(DB_ROWS, results as i64),
            KeyValue::new(SHARDS_QUERIED, i64::from(response.shards_queried)),
            KeyValue::new(SHARDS_ANSWERED, response.shards_answered.len() as i64),
        ]);
        let mut response = Response::new(response);
        response.extensions_mut().insert(attributes);
        Ok(response)
    }
}

/// Names a query in logs without its text.
fn query_hash(vector: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(vector)
}
