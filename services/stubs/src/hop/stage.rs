//! The stages of a service, ready to be passed.

use std::sync::Arc;

use ragdoll_model::stages::DiskUse;
use ragdoll_model::{Dist, Graph, GraphService, Service, Stage as Spec};
use ragdoll_resources::{Cpu, Disk, Instance, Lock, Pool, RateLimit, Workers};
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::sample_us;
use ragdoll_telemetry::RequestContext;
use tonic::Status;

use super::calls::{self, Downstream};
use crate::client::Client;

/// Stages that requests pass one after the other.
pub(super) struct Stages {
    stages: Vec<Stage>,
    cpu: Arc<Cpu>,
}

enum Stage {
    /// A share of the work that a service has which does not say its stages, from 0 to 1.
    FirstPart {
        work: Dist,
        share: f64,
    },
    /// The rest of it.
    Rest,
    Work {
        work: Dist,
        random: Stream,
    },
    Lock {
        lock: Arc<Lock>,
        hold: Dist,
    },
    Disk {
        disk: Arc<Disk>,
        what: DiskUse,
        random: Stream,
    },
    RateLimit(Arc<RateLimit>),
    Calls(Vec<Downstream>),
}

/// A request in a service.
pub(super) struct Visit<'v> {
    pub(super) instance: &'v Instance,
    pub(super) workers: &'v Workers,
    pub(super) context: &'v RequestContext,
}

impl Stages {
    /// The stages of `spec`. `client_of` makes a client of a service that it calls.
    pub(super) fn new(
        instance: &Arc<Instance>,
        spec: &GraphService,
        graph: &Graph,
        client_of: impl Fn(Service) -> Client,
    ) -> Stages {
        let cpu = Cpu::new(instance, spec.cores(), spec.cpu_quota_ms);
        let has_disk = spec.disk_uses().next().is_some();
        let mut builder = Builder {
            instance,
            graph,
            client_of,
            disk: has_disk.then(|| Disk::new(instance, spec.disk)),
            calls: 0,
            locks: 0,
        };
        let stages = match spec.stages.is_empty() {
            true => builder.usual(spec),
            false => {
                let stages = spec.stages.iter().enumerate();
                let built = stages.map(|(at, stage)| builder.stage(spec, at, stage));
                built.collect()
            }
        };
        Stages { stages, cpu }
    }

    /// The pools of connections of all calls.
    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        let groups = self.stages.iter().filter_map(|stage| match stage {
            Stage::Calls(group) => Some(group),
            _ => None,
        });
        groups.flatten().filter_map(Downstream::pool)
    }

    /// Passes all of them.
    ///
    /// # Errors
    /// The first that refuses or fails.
    pub(super) async fn pass(&self, visit: &Visit<'_>) -> Result<(), Status> {
        let context = visit.context;
        // What is left of the work that is drawn at once.
        let mut rest_us = 0;
        for stage in &self.stages {
            match stage {
                Stage::FirstPart { work, share } => {
                    let all_us = visit.workers.service_time_us(context, work);
                    let first_us = ((all_us as f64 * share).round() as u64).min(all_us);
                    rest_us = all_us - first_us;
                    self.cpu.run(context, first_us).await;
                }
                Stage::Rest if rest_us > 0 => self.cpu.run(context, rest_us).await,
                Stage::Rest => {}
                Stage::Work { work, random } => {
                    let drawn_us = sample_us(work, &mut context.random(*random));
                    let work_us = visit.workers.scaled_us(context, drawn_us);
                    self.cpu.run(context, work_us).await;
                }
                Stage::Lock { lock, hold } => lock.hold(context, &context.user_id, hold).await?,
                Stage::Disk { disk, what, random } => disk.serve(context, *random, what).await?,
                Stage::RateLimit(limit) => limit.pass()?,
                Stage::Calls(group) => calls::make(visit.instance, context, group).await?,
            }
        }
        Ok(())
    }
}

struct Builder<'b, F> {
    instance: &'b Arc<Instance>,
    graph: &'b Graph,
    client_of: F,
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
            stages.push(self.stage(spec, 0, &Spec::Lock(lock)));
        }
        for group in spec.call_groups() {
            stages.push(self.group(group));
        }
        stages.push(Stage::Rest);
        stages
    }

    fn stage(&mut self, service: &GraphService, at: usize, stage: &Spec) -> Stage {
        let random = self.instance.random.child("stages").child(&at.to_string());
        match stage {
            Spec::Work(work) => Stage::Work {
                work: *work,
                random,
            },
            Spec::Lock(lock) => {
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
        }
    }

    fn group(&mut self, group: &[ragdoll_model::GraphCall]) -> Stage {
        let calls = group.iter().map(|call| {
            self.calls += 1;
            let client = (self.client_of)(call.service);
            Downstream::new(self.instance, call, self.calls, self.graph, client)
        });
        Stage::Calls(calls.collect())
    }
}
