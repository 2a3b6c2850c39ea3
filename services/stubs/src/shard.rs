//! One replica of one partition: real vectors, real nearest neighbours, and a lock that lets
//! searches run together and a write alone.

use std::sync::Arc;

use ragdoll_model::proto::shard_server::Shard;
use ragdoll_model::proto::{
    Hits, ShardQueryRequest, ShardQueryResponse, UpsertRequest, UpsertResponse,
};
use ragdoll_model::retrieval::vector_from_bytes;
use ragdoll_model::{Hit, topology};
use ragdoll_resources::{Instance, Workers};
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{chance, index as any_index, sample_us};
use ragdoll_telemetry::names::{LOCK_HOLD, LOCK_NAME, LOCK_WAIT};
use ragdoll_telemetry::{KeyValue, RequestContext};
use tokio::sync::RwLock;
use tonic::{Request, Response, Status};

use crate::client::{SpanAttributes, context_of};
use crate::corpus::Corpus;
use crate::index::{self, Found, Index, Search, best};
use crate::maintenance::maintain;

/// A replica's gRPC service.
#[derive(Clone)]
pub struct ShardStub {
    instance: Arc<Instance>,
    spec: topology::Shard,
    workers: Arc<Workers>,
    write_random: Stream,
    partition: Arc<RwLock<Partition>>,
}

/// Documents of a partition, and their vectors at the same positions of an index.
#[derive(Debug)]
struct Partition {
    entries: Vec<Hit>,
    index: Box<dyn Index>,
    /// Names each document's draw of what became of its old version.
    old_versions: Stream,
}

impl ShardStub {
    /// Replica of partition `partition` of `shards`.
    pub fn new(
        instance: &Arc<Instance>,
        spec: &topology::Shard,
        corpus: &Corpus,
        partition: u32,
        shards: u32,
    ) -> Self {
        let mut held = Partition {
            entries: Vec::new(),
            index: index::empty(&spec.index, corpus.dimensions(), instance.random),
            old_versions: instance.random.child("old-version"),
        };
        for (entry, vector) in corpus.part(partition, shards) {
            held.entries.push(entry);
            held.index.insert(vector);
        }
        let partition = Arc::new(RwLock::new(held));
        maintain(instance, &partition);
        ShardStub {
            instance: instance.clone(),
            spec: spec.clone(),
            workers: Workers::new(instance, spec.workers, spec.queue_bound),
            write_random: instance.random.child("write-time"),
            partition,
        }
    }

    fn note_lock_wait(&self, context: &RequestContext, since_us: u64) {
        if self.instance.clock.now_us() > since_us {
            let attributes = vec![KeyValue::new(LOCK_NAME, "shard.index")];
            self.instance
                .telemetry
                .interval(LOCK_WAIT, &context.span, since_us, attributes);
        }
    }
}

#[tonic::async_trait]
impl Shard for ShardStub {
    async fn query(
        &self,
        request: Request<ShardQueryRequest>,
    ) -> Result<Response<ShardQueryResponse>, Status> {
        let context = context_of(&request);
        let query = request.into_inner();
        let _worker = self.workers.acquire(&context).await?;
        let asked_us = self.instance.clock.now_us();
        let partition = self.partition.read().await;
        self.note_lock_wait(&context, asked_us);
        let search_us = self
            .workers
            .service_time_us(&context, &self.spec.search_time);
        self.instance.work_us(search_us).await;
        let vector = vector_from_bytes(&query.vector);
        let stale_share = self.instance.overrides(&context).stale_share;
        let (hits, attributes) =
            partition.search(&vector, query.limit, stale_share.unwrap_or(0.0))?;
        let mut response = Response::new(ShardQueryResponse { hits: Some(hits) });
        SpanAttributes::put(attributes, response.extensions_mut());
        Ok(response)
    }

    async fn upsert(
        &self,
        request: Request<UpsertRequest>,
    ) -> Result<Response<UpsertResponse>, Status> {
        let context = context_of(&request);
        let document = request.into_inner();
        let _worker = self.workers.acquire(&context).await?;
        let asked_us = self.instance.clock.now_us();
        let mut partition = self.partition.write().await;
        self.note_lock_wait(&context, asked_us);
        let vector = vector_from_bytes(&document.vector);
        partition.check(&vector)?;
        let held_us = self.instance.clock.now_us();
        let write_us = sample_us(
            &self.spec.write_time,
            &mut context.random(self.write_random),
        );
        self.instance.clock.work_us(write_us).await;
        partition.store(
            document.document,
            document.tokens,
            document.size_bytes,
            &vector,
        );
        let attributes = vec![KeyValue::new(LOCK_NAME, "shard.index")];
        self.instance
            .telemetry
            .interval(LOCK_HOLD, &context.span, held_us, attributes);
        let documents = partition.entries.len() as u32;
        Ok(Response::new(UpsertResponse { documents }))
    }
}

impl Partition {
    fn check(&self, vector: &[f32]) -> Result<(), Status> {
        if vector.len() == self.index.dimensions() {
            return Ok(());
        }
        Err(Status::invalid_argument(format!(
            "the vector has {} dimensions, the index {}",
            vector.len(),
            self.index.dimensions()
        )))
    }

    /// The documents nearest to `vector`, as far as the index knows: it has an old version of a
    /// share of them. And what the search's span says of the index.
    fn search(
        &self,
        vector: &[f32],
        limit: u32,
        stale_share: f64,
    ) -> Result<(Hits, Vec<KeyValue>), Status> {
        self.check(vector)?;
        let limit = limit as usize;
        let search = Search { vector, limit };
        let found = match stale_share > 0.0 {
            true => self.search_stale(&search, stale_share),
            false => self.index.search(&search),
        };
        let attributes = self.index.attributes(&found);
        let hits = found.nearest.into_iter().map(|(position, score)| Hit {
            score,
            ..self.entries[position as usize]
        });
        Ok((hits.collect(), attributes))
    }

    /// The nearest documents where some stand at a place that is not theirs any more. A document whose
    /// place the search never came by is not found.
    fn search_stale(&self, search: &Search<'_>, share: f64) -> Found {
        let considered = self.index.considered(search);
        let compared = considered.iter().filter(|&&score| is_met(score)).count();
        let mut nearest = best(&self.stale(&considered, share), search.limit);
        nearest.retain(|&(_, score)| is_met(score));
        Found { nearest, compared }
    }

    /// Scores by an index in which a share of the documents, always the same, stand where they stood
    /// before they changed: there a document was about what some other one is about now.
    fn stale(&self, scores: &[f32], share: f64) -> Vec<f32> {
        let score = |(position, entry): (usize, &Hit)| {
            let mut random = self.old_versions.at(u64::from(entry.document));
            match chance(share, &mut random) {
                true => scores[any_index(scores.len(), &mut random)],
                false => scores[position],
            }
        };
        self.entries.iter().enumerate().map(score).collect()
    }

    fn store(&mut self, document: u32, tokens: u32, size_bytes: u64, vector: &[f32]) {
        let entry = Hit {
            document,
            score: 0.0,
            tokens,
            size_bytes,
        };
        match self
            .entries
            .iter()
            .position(|held| held.document == document)
        {
            Some(position) => {
                self.entries[position] = entry;
                self.index.replace(position as u32, vector);
            }
            None => {
                self.entries.push(entry);
                self.index.insert(vector);
            }
        }
    }
}

/// Whether a search came by the place that has this score.
fn is_met(score: f32) -> bool {
    score != f32::NEG_INFINITY
}
