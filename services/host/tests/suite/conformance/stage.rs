//! A system that is up, whatever carries its calls, and what it has said so far.

use std::ops::Deref;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{Dist, InstanceId, TokenDist, Topology};
use ragdoll_telemetry::{Batch, Exporter};
use serde_json::Value;

use super::{MS, SECOND};
use crate::common::{Ground, Seen};

/// How long a scenario waits for what must come, before the finding says that it did not.
pub(crate) const PATIENCE_US: u64 = 10 * SECOND;
/// How often it looks.
const PAUSE_US: u64 = 2 * MS;
/// A time that no run reaches.
pub(crate) const NEVER_US: u64 = u64::MAX / 4;

/// A system under test, the way into it, and what it has said.
#[derive(Clone)]
pub(crate) struct Stage {
    ground: Ground,
    said: Said,
}

impl Deref for Stage {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Stage {
    pub(crate) fn new(ground: Ground, said: Said) -> Self {
        Stage { ground, said }
    }

    /// What was said until now.
    pub(crate) fn seen(&self) -> Seen {
        self.said.seen(0)
    }

    /// Samples every gauge now, and not only each second.
    pub(crate) fn sample_gauges(&self) {
        for instance in &self.system.instances {
            instance.sample_gauges();
        }
    }

    /// The value of a gauge now.
    pub(crate) fn gauge(&self, instance: &str, gauge: &str) -> f64 {
        self.sample_gauges();
        self.seen().gauge(instance, gauge)
    }

    /// Waits until what was said is so. Where it never is, the finding says what is missing.
    pub(crate) async fn until(&self, is_so: impl Fn(&Seen) -> bool) {
        let limit_us = self.clock.now_us() + PATIENCE_US;
        while !is_so(&self.seen()) && self.clock.now_us() < limit_us {
            self.clock.sleep_us(PAUSE_US).await;
        }
    }

    /// Waits until a gauge has this value.
    pub(crate) async fn until_gauge(&self, instance: &str, gauge: &str, value: f64) {
        let limit_us = self.clock.now_us() + PATIENCE_US;
        while self.gauge(instance, gauge) != value && self.clock.now_us() < limit_us {
            self.clock.sleep_us(PAUSE_US).await;
        }
    }

    /// Asks about topic 1 on a task of its own.
    pub(crate) fn asking(&self, request_id: &str) -> tokio::task::JoinHandle<(u16, Value)> {
        let (stage, request_id) = (self.clone(), request_id.to_owned());
        tokio::spawn(async move { stage.ask(&request_id, &stage.query(1, 1)).await })
    }
}

/// Where everything that is said in one run arrives.
#[derive(Clone, Default)]
pub(crate) struct Said {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    names: Vec<InstanceId>,
    mouths: Vec<Mouth>,
    all: Batch,
}

/// Who speaks through one exporter.
struct Mouth {
    exporter: Exporter,
    batches: Receiver<Batch>,
    /// Position of the one instance that does. Absent where several do, and say which.
    speaker: Option<u32>,
}

impl Said {
    /// Nothing yet; instances are told apart by their position in `names`.
    pub(crate) fn by(mut names: Vec<InstanceId>) -> Self {
        names.sort();
        let said = Said::default();
        said.lock().names = names;
        said
    }

    /// An exporter for all instances together.
    pub(crate) fn exporter(&self) -> Exporter {
        self.mouth(None)
    }

    /// An exporter for one instance that believes to be the only one.
    pub(crate) fn exporter_of(&self, id: &InstanceId) -> Exporter {
        let position = self.lock().names.iter().position(|name| name == id);
        let position = position.unwrap_or_else(|| panic!("{id} is not part of the topology"));
        self.mouth(Some(position as u32))
    }

    fn mouth(&self, speaker: Option<u32>) -> Exporter {
        let (exporter, batches) = Exporter::channel();
        self.lock().mouths.push(Mouth {
            exporter: exporter.clone(),
            batches,
            speaker,
        });
        exporter
    }

    /// Everything until now, of which `left_open` spans ended only with the runtime.
    pub(crate) fn seen(&self, left_open: usize) -> Seen {
        let mut inner = self.lock();
        inner.listen();
        Seen::new(&inner.all, &inner.names, left_open)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn listen(&mut self) {
        for mouth in &self.mouths {
            mouth.exporter.flush();
            while let Ok(mut batch) = mouth.batches.try_recv() {
                if let Some(speaker) = mouth.speaker {
                    let spans = batch.spans.iter_mut();
                    spans.for_each(|span| span.instance = speaker);
                    let samples = batch.metrics.iter_mut();
                    samples.for_each(|sample| sample.instance = speaker);
                }
                self.all.spans.append(&mut batch.spans);
                self.all.logs.append(&mut batch.logs);
                self.all.metrics.append(&mut batch.metrics);
            }
        }
    }
}

/// A small system that does nearly nothing, on a network that takes no time: what takes time in a
/// scenario is what the scenario is about.
pub(crate) fn small() -> Topology {
    let mut topology = Topology::default();
    topology.corpus.documents = 32;
    topology.corpus.topics = 4;
    topology.corpus.dimensions = 8;
    topology.corpus.document_tokens = TokenDist::Fixed { tokens: 10 };
    topology.corpus.long_topic_every = 0;
    topology.network.latency = Dist::fixed(0.0);
    topology.gateway.service_time = Dist::fixed(0.0);
    topology.gateway.candidates = 8;
    topology.metadata.service_time = Dist::fixed(0.0);
    topology.metadata.lock_hold = Dist::fixed(0.0);
    topology.embedder.service_time = Dist::fixed(0.0);
    topology.embedder.per_item_ms = 0.0;
    topology.vector_db.shards = 2;
    topology.vector_db.replicas = 1;
    topology.vector_db.service_time = Dist::fixed(0.0);
    topology.vector_db.merge_time = Dist::fixed(0.0);
    topology.shard.search_time = Dist::fixed(0.0);
    topology.shard.write_time = Dist::fixed(0.0);
    topology.reranker.service_time = Dist::fixed(0.0);
    topology.reranker.per_document_ms = 0.0;
    topology.llm.decode_base_ms = 1.0;
    topology.llm.decode_per_seq_ms = 0.0;
    topology.llm.prefill_per_token_ms = 0.0;
    topology.ingest.service_time = Dist::fixed(0.0);
    topology
}

/// Asks `count` times at once, as requests `r-0`, `r-1` and so on, each by a user of its own.
/// Returns statuses and answers in that order.
pub(crate) async fn together(stage: &Stage, count: u32) -> Vec<(u16, Value)> {
    let asked = (0..count).map(|number| {
        let stage = stage.clone();
        tokio::spawn(async move {
            let mut query = stage.query(number, number);
            query.user = format!("user-{number}");
            stage.ask(&format!("r-{number}"), &query).await
        })
    });
    let asked: Vec<_> = asked.collect();
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.expect("no panic"));
    }
    answers
}

/// A fault that lasts for the whole run.
pub(crate) fn fault(kind: &str, target: Target, params: Value) -> Planned {
    lasting(kind, target, params, 0, NEVER_US)
}

/// A fault from `start_us` to `stop_us`.
pub(crate) fn lasting(
    kind: &str,
    target: Target,
    params: Value,
    start_us: u64,
    stop_us: u64,
) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us,
        stop_us,
    }
}
