//! The engine's scheduler: which sequences take part in an iteration, and what becomes of them.
//! Pure: time comes in as a number, nothing waits here.

use std::collections::VecDeque;

use ragdoll_model::topology::Llm;
use tokio::sync::oneshot;

use super::generation::{Generation, Prompt, Segment, Stage};

/// All sequences in the engine, and the KV cache.
#[derive(Debug)]
pub(super) struct Batch {
    block_size: u32,
    free_blocks: u32,
    total_blocks: u32,
    token_budget: u32,
    waiting: VecDeque<Sequence>,
    running: Vec<Sequence>,
    preemptions: u64,
    next_number: u64,
    /// Whether the first that waits does so for want of blocks or of tokens in the budget.
    held_back: bool,
    /// Deaths of the process before this life of it.
    life: u64,
}

/// A sequence and how far it is.
#[derive(Debug)]
struct Sequence {
    number: u64,
    prompt: Prompt,
    reply: oneshot::Sender<Generation>,
    stage: Stage,
    stage_since_us: u64,
    segments: Vec<Segment>,
    first_token_us: Option<u64>,
    /// Tokens whose keys and values are in the cache.
    computed_tokens: u32,
    /// Tokens that must be computed before the next one can be generated: the prompt, and after a
    /// preemption what was generated before it.
    context_tokens: u32,
    /// Tokens of the context computed in the iteration that is under way.
    chunk_tokens: u32,
    generated_tokens: u32,
    blocks: u32,
    preemptions: u32,
}

/// What an iteration computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Iteration {
    pub(super) prefill_tokens: u32,
    pub(super) decoding: u32,
}

impl Iteration {
    /// Time of the iteration: every prompt token costs the same; the first decoding sequence costs a
    /// whole pass over the weights, each further one little.
    pub(super) fn time_ms(&self, spec: &Llm) -> f64 {
        let prefill_ms = f64::from(self.prefill_tokens) * spec.prefill_per_token_ms;
        let decode_ms = if self.decoding == 0 {
            0.0
        } else {
            spec.decode_base_ms + f64::from(self.decoding - 1) * spec.decode_per_seq_ms
        };
        prefill_ms + decode_ms
    }
}

impl Sequence {
    fn enter(&mut self, stage: Stage, now_us: u64) {
        if self.stage == stage {
            return;
        }
        if now_us > self.stage_since_us || self.segments.is_empty() {
            self.segments.push(Segment {
                stage: self.stage,
                start_us: self.stage_since_us,
                end_us: now_us,
            });
        }
        self.stage = stage;
        self.stage_since_us = now_us;
    }

    /// Tokens to compute before the next one can be generated.
    fn missing_tokens(&self) -> u32 {
        self.context_tokens.saturating_sub(self.computed_tokens)
    }

    /// Takes as many of the missing tokens into the next iteration as `budget` allows.
    fn take_chunk(&mut self, budget: u32) -> u32 {
        self.chunk_tokens = self.missing_tokens().min(budget);
        self.chunk_tokens
    }

    /// How it went until now, and whom to tell.
    fn close(self, now_us: u64) -> (Generation, oneshot::Sender<Generation>) {
        let mut segments = self.segments;
        segments.push(Segment {
            stage: self.stage,
            start_us: self.stage_since_us,
            end_us: now_us,
        });
        let generation = Generation {
            segments,
            first_token_us: self.first_token_us.unwrap_or(now_us),
            output_tokens: self.generated_tokens,
            preemptions: self.preemptions,
        };
        (generation, self.reply)
    }
}

impl Batch {
    pub(super) fn new(spec: &Llm) -> Self {
        let block_size = spec.block_size.max(1);
        let total_blocks = spec.num_gpu_blocks.max(blocks_min(block_size));
        Batch {
            block_size,
            free_blocks: total_blocks,
            total_blocks,
            token_budget: spec.max_num_batched_tokens.max(1),
            waiting: VecDeque::new(),
            running: Vec::new(),
            preemptions: 0,
            next_number: 0,
            held_back: false,
            life: 0,
        }
    }

    /// Adds a sequence to the queue; the number says which it is. A context that can never fit
    /// would block the queue for ever: it is cut to the cache.
    pub(super) fn push(
        &mut self,
        mut prompt: Prompt,
        now_us: u64,
        reply: oneshot::Sender<Generation>,
    ) -> u64 {
        prompt.cut_to(self.most_tokens());
        let number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(Sequence {
            number,
            context_tokens: prompt.prompt_tokens,
            prompt,
            reply,
            stage: Stage::Queue,
            stage_since_us: now_us,
            segments: Vec::with_capacity(3),
            first_token_us: None,
            computed_tokens: 0,
            chunk_tokens: 0,
            generated_tokens: 0,
            blocks: 0,
            preemptions: 0,
        });
        number
    }

    /// Removes a sequence whose caller gave up; returns its stages, `None` where it is not here any
    /// more.
    pub(super) fn abandon(&mut self, number: u64, now_us: u64) -> Option<Vec<Segment>> {
        let is_it = |sequence: &Sequence| sequence.number == number;
        if let Some(position) = self.running.iter().position(is_it) {
            let sequence = self.running.remove(position);
            self.free_blocks += sequence.blocks;
            return Some(sequence.close(now_us).0.segments);
        }
        let position = self.waiting.iter().position(is_it)?;
        let sequence = self.waiting.remove(position)?;
        Some(sequence.close(now_us).0.segments)
    }

    /// Forgets all sequences where the process died since the last call.
    pub(super) fn begin_life(&mut self, life: u64) {
        if self.life != life {
            self.life = life;
            self.waiting.clear();
            self.running.clear();
            self.free_blocks = self.total_blocks;
            self.preemptions = 0;
            self.held_back = false;
        }
    }

    /// Changes the size of the cache. Where less than is in use is left, the sequences that were
    /// admitted last lose their blocks; a context that can no longer fit is cut as one is that comes.
    pub(super) fn set_blocks(&mut self, blocks: u32, now_us: u64) {
        let blocks = blocks.max(blocks_min(self.block_size));
        if blocks == self.total_blocks {
            return;
        }
        while self.total_blocks - self.free_blocks > blocks {
            self.preempt_last(now_us);
        }
        self.free_blocks = blocks - (self.total_blocks - self.free_blocks);
        self.total_blocks = blocks;
        let most_tokens = self.most_tokens();
        for sequence in self.running.iter_mut().chain(&mut self.waiting) {
            sequence.prompt.cut_to(most_tokens);
            sequence.context_tokens = sequence.context_tokens.min(most_tokens);
        }
    }

    /// Tokens of a context that leaves room for the next token.
    fn most_tokens(&self) -> u32 {
        self.total_blocks.saturating_mul(self.block_size) - 1
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// How many of those that wait do so only because the next iteration has not begun.
    pub(super) fn free_places(&self, max_num_seqs: u32) -> usize {
        if self.held_back {
            return 0;
        }
        (max_num_seqs as usize).saturating_sub(self.running.len())
    }

    pub(super) fn preemptions(&self) -> u64 {
        self.preemptions
    }

    pub(super) fn kv_usage(&self) -> f64 {
        1.0 - f64::from(self.free_blocks) / f64::from(self.total_blocks.max(1))
    }

    /// Schedules the next iteration, `None` where there is nothing to do.
    pub(super) fn begin_iteration(&mut self, now_us: u64, max_num_seqs: u32) -> Option<Iteration> {
        self.make_room_for_decoding(now_us);
        let is_decoding = |sequence: &&Sequence| sequence.missing_tokens() == 0;
        let decoding = self.running.iter().filter(is_decoding).count() as u32;
        let prefill_budget = self.token_budget.saturating_sub(decoding);
        let mut budget = prefill_budget;
        for sequence in &mut self.running {
            budget -= sequence.take_chunk(budget);
        }
        self.admit(now_us, max_num_seqs, &mut budget);
        let iteration = Iteration {
            prefill_tokens: prefill_budget - budget,
            decoding,
        };
        (iteration != Iteration::default()).then_some(iteration)
    }

    /// Advances every sequence by what the iteration computed.
    pub(super) fn end_iteration(&mut self, now_us: u64) {
        let mut finished = Vec::new();
        for (position, sequence) in self.running.iter_mut().enumerate() {
            if sequence.missing_tokens() == 0 {
                sequence.computed_tokens += 1;
            } else {
                sequence.computed_tokens += sequence.chunk_tokens;
                if sequence.computed_tokens < sequence.context_tokens {
                    continue;
                }
            }
            sequence.generated_tokens += 1;
            sequence.first_token_us.get_or_insert(now_us);
            sequence.enter(Stage::Decode, now_us);
            if let Some(progress) = &sequence.prompt.progress {
                // A reader that is gone has its caller give up too, which ends the sequence.
                let _ = progress.send(sequence.generated_tokens);
            }
            if sequence.generated_tokens >= sequence.prompt.output_tokens {
                finished.push(position);
            }
        }
        for position in finished.into_iter().rev() {
            let sequence = self.running.remove(position);
            self.free_blocks += sequence.blocks;
            let (generation, reply) = sequence.close(now_us);
            // Nobody waits for a sequence whose caller gives up in this very moment.
            let _ = reply.send(generation);
        }
    }

    /// Gives every decoding sequence a block for its next token, taking those of the sequences that
    /// were admitted last where none is free.
    fn make_room_for_decoding(&mut self, now_us: u64) {
        let mut position = 0;
        while position < self.running.len() {
            let sequence = &self.running[position];
            let needed = self
                .blocks_for(sequence.computed_tokens + 1)
                .max(sequence.blocks);
            let more = needed - sequence.blocks;
            if more <= self.free_blocks {
                self.free_blocks -= more;
                self.running[position].blocks = needed;
                position += 1;
                continue;
            }
            self.preempt_last(now_us);
        }
    }

    fn preempt_last(&mut self, now_us: u64) {
        let mut victim = self
            .running
            .pop()
            .expect("a sequence that needs a block is running");
        self.free_blocks += victim.blocks;
        victim.blocks = 0;
        victim.computed_tokens = 0;
        let context_tokens = victim.prompt.prompt_tokens + victim.generated_tokens;
        victim.context_tokens = context_tokens.min(self.most_tokens());
        victim.preemptions += 1;
        victim.enter(Stage::Preempted, now_us);
        self.preemptions += 1;
        self.waiting.push_front(victim);
    }

    /// Lets in those that wait, in order, while there are places, tokens and blocks for them.
    fn admit(&mut self, now_us: u64, max_num_seqs: u32, budget: &mut u32) {
        self.held_back = false;
        while self.running.len() < max_num_seqs as usize {
            let Some(next) = self.waiting.front() else {
                return;
            };
            let needed = self.blocks_for(next.context_tokens + 1);
            if needed > self.free_blocks || *budget == 0 {
                self.held_back = true;
                return;
            }
            let mut sequence = self.waiting.pop_front().expect("just seen");
            self.free_blocks -= needed;
            sequence.blocks = needed;
            *budget -= sequence.take_chunk(*budget);
            sequence.enter(Stage::Prefill, now_us);
            self.running.push(sequence);
        }
    }

    fn blocks_for(&self, tokens: u32) -> u32 {
        tokens.div_ceil(self.block_size)
    }
}

/// Blocks that hold a prompt of one token and the token that follows.
fn blocks_min(block_size: u32) -> u32 {
    2_u32.div_ceil(block_size)
}

impl Prompt {
    /// Cuts prompt and answer to a cache that holds contexts of `most_tokens`.
    fn cut_to(&mut self, most_tokens: u32) {
        self.prompt_tokens = self.prompt_tokens.clamp(1, most_tokens);
        let room = most_tokens - self.prompt_tokens + 1;
        self.output_tokens = self.output_tokens.clamp(1, room);
    }
}

#[cfg(test)]
mod tests;
