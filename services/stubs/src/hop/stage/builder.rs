//! Stages made from their description.

use std::sync::Arc;

use ragdoll_model::stages;
use ragdoll_model::{GraphCall, GraphLock, GraphService, Service, Stage as Spec};
use ragdoll_resources::batcher::BatchSpec;
use ragdoll_resources::{Batcher, Cache, Codec, Cpu, Device, Disk, Instance, Lock, RateLimit};
use ragdoll_runtime::Stream;
use ragdoll_telemetry::metrics::CACHE_HIT_RATIO;

use super::{Generate, Other, Repeat, Stage, Stages};
use crate::client::Client;
use crate::generator::Generator;
use crate::hop::calls::Downstream;
use crate::hop::surroundings::Surroundings;

impl Stages {
    /// The stages of `spec`. `client_of` makes a client of a service that it calls.
    pub(in crate::hop) fn new(
        instance: &Arc<Instance>,
        spec: &GraphService,
        around: &Surroundings<'_>,
        client_of: impl Fn(Service) -> Client,
    ) -> Stages {
        let cpu = Cpu::new(instance, spec.cores(), spec.cpu_quota_ms);
        let has_disk = spec.disk_uses().next().is_some();
        let mut builder = Builder {
            instance,
            around,
            client_of,
            cpu: &cpu,
            disk: has_disk.then(|| Disk::new(instance, spec.disk)),
            calls: 0,
            locks: 0,
        };
        let built = match spec.stages.is_empty() {
            true => builder.usual(spec),
            false => builder.listed(spec, &spec.stages, instance.random.child("stages")),
        };
        Stages {
            stages: built,
            cpu,
            corpus: around.corpus.clone(),
        }
    }
}

struct Builder<'b, F> {
    instance: &'b Arc<Instance>,
    around: &'b Surroundings<'b>,
    client_of: F,
    cpu: &'b Arc<Cpu>,
    disk: Option<Arc<Disk>>,
    /// Calls and locks that have been built.
    calls: u64,
    locks: u32,
}

impl<F: Fn(Service) -> Client> Builder<'_, F> {
    /// The stages of a service that does not say them: a part of its work, its lock, its calls, and the rest.
    fn usual(&mut self, spec: &GraphService) -> Vec<Stage> {
        let share = match spec.calls.is_empty() {
            true => 1.0,
            false => spec.work_before_calls,
        };
        let work = spec.service_time;
        let mut stages = vec![Stage::FirstPart { work, share }];
        if let Some(lock) = spec.lock {
            stages.push(self.lock(spec, lock));
        }
        for group in spec.call_groups() {
            stages.push(self.group(group));
        }
        stages.push(Stage::Rest);
        stages
    }

    /// Stages as they are listed; each draws from a stream of `random` named by its place.
    fn listed(&mut self, service: &GraphService, specs: &[Spec], random: Stream) -> Vec<Stage> {
        let numbered = specs.iter().enumerate();
        let stages =
            numbered.map(|(at, spec)| self.stage(service, spec, random.child(&at.to_string())));
        stages.collect()
    }

    fn stage(&mut self, service: &GraphService, stage: &Spec, random: Stream) -> Stage {
        let other = |other| Stage::Other(Box::new(other));
        match stage {
            Spec::Work(work) => Stage::Work {
                work: *work,
                random,
            },
            Spec::Lock(lock) => self.lock(service, *lock),
            Spec::Disk(what) => Stage::Disk {
                disk: self
                    .disk
                    .clone()
                    .expect("a service with such a stage has a disk"),
                what: *what,
                random,
            },
            Spec::RateLimit(limit) => Stage::RateLimit(RateLimit::new(self.instance, *limit)),
            Spec::Calls(group) => self.group(group),
            Spec::Batch(batch) => other(Other::Batch(self.batcher(service, batch))),
            Spec::Device(device) => {
                other(Other::Device(Device::new(self.instance, *device, random)))
            }
            Spec::Codec(codec) => other(Other::Codec(Codec::new(self.instance, *codec, self.cpu))),
            Spec::Cache(cache) => {
                let cache = Cache::new(self.instance, *cache, CACHE_HIT_RATIO);
                Stage::Cache(cache.expect("a cache of a stage keeps at least one answer"))
            }
            Spec::Guard(guard) => other(Other::Guard {
                blocked_share: guard.blocked_share,
                random,
            }),
            Spec::Embed(_) => other(Other::Embed),
            Spec::Search(search) => {
                let searcher = self.around.searchers.of(self.around.corpus, *search);
                other(Other::Search(searcher))
            }
            Spec::Rerank(rerank) => other(Other::Rerank {
                limit: rerank.limit,
            }),
            Spec::Generate(generate) => other(Other::Generate(Generate {
                generator: Generator::start(self.instance, &generate.engine),
                instruction_tokens: generate.instruction_tokens,
                output_tokens: generate.output_tokens,
                random,
            })),
            Spec::Repeat(repeat) => Stage::Repeat(Box::new(Repeat {
                stages: self.listed(service, &repeat.stages, random.child("step")),
                again: repeat.again,
                max_steps: repeat.max_steps,
                tokens_per_step: repeat.tokens_per_step,
                random: random.child("again"),
            })),
        }
    }

    fn lock(&mut self, service: &GraphService, lock: GraphLock) -> Stage {
        self.locks += 1;
        let name = match self.locks {
            1 => service.name.name().to_owned(),
            number => format!("{}-lock-{number}", service.name),
        };
        Stage::Lock {
            lock: Lock::new(self.instance, &name, lock.scope),
            hold: lock.hold,
        }
    }

    fn batcher(&self, service: &GraphService, batch: &stages::Batch) -> Arc<Batcher> {
        let spec = BatchSpec {
            servers: batch.servers,
            queue_bound: batch.queue_bound,
            max_batch: batch.max_batch,
            service_time: batch.service_time,
            per_item_ms: batch.per_item_ms,
            shedding: service.shedding,
        };
        Batcher::new(self.instance, spec)
    }

    fn group(&mut self, group: &[GraphCall]) -> Stage {
        let calls = group.iter().map(|call| {
            self.calls += 1;
            let client = (self.client_of)(call.service);
            Downstream::new(self.instance, call, self.calls, self.around.graph, client)
        });
        Stage::Calls(calls.collect())
    }
}
