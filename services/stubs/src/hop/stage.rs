//! The stages of a service, ready to be passed.

mod builder;

use std::sync::Arc;

use ragdoll_model::stages::DiskUse;
use ragdoll_model::{Dist, TokenDist};
use ragdoll_resources::{
    Batcher, Cache, Codec, Cpu, Device, Disk, Instance, Lock, Pool, RateLimit, Workers,
};
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{chance, hash, sample_tokens, sample_us};
use ragdoll_telemetry::names::{AGENT_STEPS, CACHE_HIT, GUARD_BLOCKED};
use ragdoll_telemetry::{KeyValue, RequestContext};
use tonic::Status;

use super::calls::{self, Downstream};
use super::content::Carried;
use super::search::{Searcher, rerank};
use crate::corpus::Corpus;
use crate::generator::Generator;

/// Stages that requests pass one after the other.
pub(super) struct Stages {
    stages: Vec<Stage>,
    cpu: Arc<Cpu>,
    corpus: Arc<Corpus>,
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
    Cache(Arc<Cache<Carried>>),
    Repeat(Box<Repeat>),
    Other(Box<Other>),
}

/// What fewer services have: apart, so that requests which pass none of it are not made larger by it.
enum Other {
    Batch(Arc<Batcher>),
    Device(Arc<Device>),
    Codec(Codec),
    Guard { blocked_share: f64, random: Stream },
    Embed,
    Search(Arc<Searcher>),
    Rerank { limit: u32 },
    Generate(Generate),
}

struct Generate {
    generator: Generator,
    instruction_tokens: u32,
    output_tokens: Option<TokenDist>,
    random: Stream,
}

struct Repeat {
    stages: Vec<Stage>,
    again: f64,
    max_steps: u32,
    tokens_per_step: u32,
    random: Stream,
}

/// A request in a service.
pub(super) struct Visit<'v> {
    pub(super) instance: &'v Instance,
    pub(super) workers: &'v Workers,
    pub(super) context: &'v RequestContext,
    /// Bytes of its message and of its answer.
    pub(super) bytes: u64,
    /// What it is about, where the system reads that.
    pub(super) carried: &'v mut Option<Carried>,
    /// What the server span is to say.
    pub(super) attributes: &'v mut Vec<KeyValue>,
}

impl Stages {
    /// The pools of connections of all calls.
    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        let stages = self.stages.iter().flat_map(|stage| match stage {
            Stage::Repeat(repeat) => &repeat.stages[..],
            stage => std::slice::from_ref(stage),
        });
        let groups = stages.filter_map(|stage| match stage {
            Stage::Calls(group) => Some(group),
            _ => None,
        });
        groups.flatten().filter_map(Downstream::pool)
    }

    /// Passes all of them, or those up to the one that has the answer.
    ///
    /// # Errors
    /// The first that refuses or fails.
    pub(super) async fn pass(&self, visit: &mut Visit<'_>) -> Result<(), Status> {
        self.pass_each(&self.stages, visit).await
    }

    async fn pass_each(&self, stages: &[Stage], visit: &mut Visit<'_>) -> Result<(), Status> {
        let context = visit.context;
        // What is left of the work that is drawn at once.
        let mut rest_us = 0;
        // Where the answer is kept once it is there.
        let mut missed: Option<&Cache<Carried>> = None;
        for stage in stages {
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
                Stage::Calls(group) => visit.call(group).await?,
                Stage::Cache(cache) => match visit.look_up(cache) {
                    true => return Ok(()),
                    false => missed = Some(cache),
                },
                Stage::Repeat(repeat) => Box::pin(self.repeat(repeat, visit)).await?,
                Stage::Other(other) => Box::pin(self.pass_other(other, visit)).await?,
            }
            if visit.carried.as_ref().is_some_and(Carried::is_ended) {
                return Ok(());
            }
        }
        if let (Some(cache), Some(carried)) = (missed, &*visit.carried) {
            cache.put(context, carried.query(), carried);
        }
        Ok(())
    }

    async fn pass_other(&self, other: &Other, visit: &mut Visit<'_>) -> Result<(), Status> {
        let context = visit.context;
        match other {
            Other::Batch(batcher) => batcher.serve(context).await?,
            Other::Device(device) => device.serve(context).await,
            Other::Codec(codec) => codec.serve(context, visit.bytes).await,
            Other::Guard {
                blocked_share,
                random,
            } => visit.guard(*blocked_share, *random),
            Other::Embed => {
                let carried = visit.carried();
                let vector = self.corpus.embed(carried.query());
                carried.embed(ragdoll_model::retrieval::vector_to_bytes(&vector));
            }
            Other::Search(searcher) => searcher.search(visit.carried()),
            Other::Rerank { limit } => rerank(&self.corpus, *limit, visit.carried()),
            Other::Generate(generate) => visit.generate(generate).await?,
        }
        Ok(())
    }

    /// Step after step, until one is the last. Each draws anew, here and in whom it calls.
    async fn repeat(&self, repeat: &Repeat, visit: &mut Visit<'_>) -> Result<(), Status> {
        let overrides = visit.instance.overrides(visit.context);
        let again = overrides.repeat_again.unwrap_or(repeat.again);
        let mut context = visit.context.clone();
        let mut steps = 0;
        loop {
            let mut step = Visit {
                context: &context,
                carried: visit.carried,
                attributes: visit.attributes,
                ..*visit
            };
            self.pass_each(&repeat.stages, &mut step).await?;
            steps += 1;
            let goes_on = steps < repeat.max_steps
                && !visit.carried.as_ref().is_some_and(Carried::is_ended)
                && chance(again, &mut context.random(repeat.random));
            if !goes_on {
                break;
            }
            if let Some(carried) = visit.carried {
                carried.add_tokens(repeat.tokens_per_step);
            }
            context = visit
                .context
                .clone()
                .on_way(repeat.random.key(), u64::from(steps));
        }
        let attribute = KeyValue::new(AGENT_STEPS, i64::from(steps));
        visit.attributes.push(attribute);
        Ok(())
    }
}

impl Visit<'_> {
    /// What the request is about: a system with a stage that reads it carries it.
    fn carried(&mut self) -> &mut Carried {
        let carried = self.carried.as_mut();
        carried.expect("a system with such a stage carries what requests are about")
    }

    async fn call(&mut self, group: &[Downstream]) -> Result<(), Status> {
        let content = self.carried.as_ref().map(Carried::question);
        let answers = calls::make(self.instance, self.context, content.as_ref(), group).await?;
        if let Some(carried) = &mut *self.carried {
            answers.into_iter().for_each(|answer| carried.merge(answer));
        }
        Ok(())
    }

    /// Whether a cache has what the request asks for, which then is the answer.
    fn look_up(&mut self, cache: &Cache<Carried>) -> bool {
        let context = self.context;
        let carried = self.carried();
        let found = cache.get(context, carried.query());
        let attribute = KeyValue::new(CACHE_HIT, found.is_some());
        let is_hit = found.is_some();
        if let Some(found) = found {
            *carried = found;
        }
        self.attributes.push(attribute);
        is_hit
    }

    /// Turns the question down, or not: always the same of the same question.
    fn guard(&mut self, blocked_share: f64, random: Stream) {
        let carried = self.carried();
        let is_blocked = chance(blocked_share, &mut random.at(hash(carried.query())));
        if is_blocked {
            carried.end();
            self.attributes.push(KeyValue::new(GUARD_BLOCKED, true));
        }
    }

    async fn generate(&mut self, generate: &Generate) -> Result<(), Status> {
        let context = self.context;
        let carried = self.carried();
        let prompt_tokens = carried.prompt_tokens();
        let prompt_tokens = prompt_tokens.saturating_add(generate.instruction_tokens);
        let output_tokens = match &generate.output_tokens {
            None => carried.output_tokens(),
            Some(dist) => sample_tokens(dist, &mut context.random(generate.random)),
        };
        let generator = &generate.generator;
        if let Some(limit) = generator.limit_exceeded(context, prompt_tokens, output_tokens) {
            return Err(Status::invalid_argument(format!(
                "the model takes {limit} tokens, and these are {}",
                prompt_tokens.saturating_add(output_tokens)
            )));
        }
        let generating = generator.generate(context, prompt_tokens, output_tokens, None);
        let generation = generating.await?;
        let attributes = generator.attributes(prompt_tokens, &generation);
        self.attributes.extend(attributes);
        Ok(())
    }
}
