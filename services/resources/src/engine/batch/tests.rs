use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;

fn spec(max_num_batched_tokens: u32, block_size: u32, num_gpu_blocks: u32) -> Llm {
    Llm {
        max_num_batched_tokens,
        block_size,
        num_gpu_blocks,
        ..Llm::default()
    }
}

fn push(
    batch: &mut Batch,
    prompt_tokens: u32,
    output_tokens: u32,
    now_us: u64,
) -> (u64, oneshot::Receiver<Generation>) {
    let (reply, generation) = oneshot::channel();
    let prompt = Prompt {
        prompt_tokens,
        output_tokens,
        progress: None,
    };
    (batch.push(prompt, now_us, reply), generation)
}

/// Panics where the blocks that sequences have and those that are free are not all there are.
fn check_blocks(batch: &Batch) {
    let taken: u32 = batch.running.iter().map(|sequence| sequence.blocks).sum();
    assert_eq!(
        taken + batch.free_blocks,
        batch.total_blocks,
        "blocks taken and free"
    );
    assert!(batch.waiting.iter().all(|sequence| sequence.blocks == 0));
    for sequence in &batch.running {
        let held_tokens = sequence.blocks * batch.block_size;
        assert!(sequence.computed_tokens <= held_tokens);
    }
}

#[test]
fn a_long_prompt_is_computed_in_chunks_of_what_the_decoding_leaves() {
    let mut batch = Batch::new(&spec(100, 16, 1000));
    let _short = push(&mut batch, 10, 50, 0);
    let _long = push(&mut batch, 250, 5, 0);
    let mut iterations = Vec::new();
    for now_us in 0..4 {
        let iteration = batch.begin_iteration(now_us, 8).expect("work to do");
        iterations.push((iteration.prefill_tokens, iteration.decoding));
        batch.end_iteration(now_us + 1);
    }
    assert_eq!(iterations, [(100, 0), (99, 1), (61, 1), (0, 2)]);
}

#[test]
fn a_prompt_waits_in_the_queue_while_others_use_up_the_budget() {
    let mut batch = Batch::new(&spec(100, 16, 1000));
    let _long = push(&mut batch, 250, 5, 0);
    let _short = push(&mut batch, 60, 5, 0);
    let mut seen = Vec::new();
    for now_us in 0..4 {
        let iteration = batch.begin_iteration(now_us, 8).expect("work to do");
        seen.push((
            iteration.prefill_tokens,
            iteration.decoding,
            batch.running(),
            batch.free_places(8),
        ));
        batch.end_iteration(now_us + 1);
    }
    let expected = [
        (100, 0, 1, 0),
        (100, 0, 1, 0),
        (100, 0, 2, 6),
        (10, 1, 2, 6),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_last_admitted_loses_its_blocks_and_comes_back_with_all_its_tokens() {
    // Four blocks of four tokens: two prompts of seven fill them, with room for one token each.
    let mut batch = Batch::new(&spec(100, 4, 4));
    let (_, mut first) = push(&mut batch, 7, 6, 0);
    let (_, mut second) = push(&mut batch, 7, 6, 0);
    let mut now_us = 0;
    while batch.begin_iteration(now_us, 8).is_some() {
        check_blocks(&batch);
        now_us += 10;
        batch.end_iteration(now_us);
    }
    let first = first.try_recv().expect("finished");
    let second = second.try_recv().expect("finished");
    assert_eq!((first.preemptions, second.preemptions), (0, 1));
    assert_eq!((first.output_tokens, second.output_tokens), (6, 6));
    let stages: Vec<_> = second.segments.iter().map(|part| part.stage).collect();
    use Stage::{Decode, Preempted, Prefill, Queue};
    assert_eq!(stages, [Queue, Prefill, Decode, Preempted, Prefill, Decode]);
    assert_eq!(first.finished_us(), 60);
    // Two tokens before, four after: the recomputed context yields one with its prefill.
    assert_eq!(second.time_us(Preempted), 40);
    assert_eq!(second.finished_us(), 100);
    assert_eq!(batch.preemptions(), 1);
}

#[test]
fn a_prompt_that_can_never_fit_is_cut_to_the_cache() {
    let mut batch = Batch::new(&spec(1000, 4, 4));
    let (_, mut generation) = push(&mut batch, 1_000_000, 1_000_000, 0);
    let mut now_us = 0;
    while batch.begin_iteration(now_us, 1).is_some() {
        now_us += 1;
        batch.end_iteration(now_us);
    }
    assert_eq!(generation.try_recv().expect("finished").output_tokens, 1);
}

#[test]
fn the_smallest_cache_still_serves() {
    let mut batch = Batch::new(&spec(0, 0, 0));
    let (_, mut generation) = push(&mut batch, 0, 0, 0);
    let iteration = batch.begin_iteration(0, 1).expect("work to do");
    assert_eq!((iteration.prefill_tokens, iteration.decoding), (1, 0));
    batch.end_iteration(1);
    assert_eq!(generation.try_recv().expect("finished").output_tokens, 1);
}

#[test]
fn a_cache_that_shrinks_takes_blocks_from_who_came_last_and_everybody_finishes() {
    let mut batch = Batch::new(&spec(100, 4, 40));
    let mut replies = [30, 20, 10].map(|prompt_tokens| push(&mut batch, prompt_tokens, 8, 0).1);
    batch.begin_iteration(1, 8).expect("work to do");
    assert_eq!(batch.running(), 3);
    batch.set_blocks(9, 2);
    check_blocks(&batch);
    assert_eq!((batch.running(), batch.waiting()), (1, 2));
    batch.set_blocks(5, 3);
    check_blocks(&batch);
    assert_eq!(batch.running(), 0, "not even the first fits any more");
    for now_us in 4..200 {
        if now_us == 20 {
            batch.set_blocks(40, now_us);
        }
        if batch.begin_iteration(now_us, 8).is_some() {
            batch.end_iteration(now_us);
        }
        check_blocks(&batch);
    }
    assert_eq!(batch.free_blocks, 40);
    for reply in &mut replies {
        assert!(reply.try_recv().is_ok(), "it never finished");
    }
}

#[test]
fn an_abandoned_sequence_frees_its_blocks_and_tells_its_stages() {
    let mut batch = Batch::new(&spec(100, 4, 4));
    let (running, _reply) = push(&mut batch, 15, 6, 0);
    let (waiting, _reply) = push(&mut batch, 15, 6, 3);
    batch.begin_iteration(5, 8).expect("work to do");
    assert_eq!((batch.free_blocks, batch.waiting()), (0, 1));
    assert_eq!(
        batch.free_places(8),
        0,
        "places without blocks are of no use"
    );
    let segment = |stage, start_us, end_us| Segment {
        stage,
        start_us,
        end_us,
    };
    assert_eq!(
        batch.abandon(running, 9),
        Some(vec![
            segment(Stage::Queue, 0, 5),
            segment(Stage::Prefill, 5, 9)
        ])
    );
    assert_eq!(
        batch.abandon(waiting, 9),
        Some(vec![segment(Stage::Queue, 3, 9)])
    );
    assert_eq!(batch.abandon(running, 9), None);
    assert_eq!(batch.free_blocks, 4);
    batch.end_iteration(10);
    assert_eq!(batch.begin_iteration(10, 8), None);
}

#[test]
fn a_death_empties_the_engine_once() {
    let mut batch = Batch::new(&spec(100, 4, 8));
    let (_, mut lost) = push(&mut batch, 7, 6, 0);
    batch.begin_iteration(0, 8).expect("work to do");
    batch.begin_life(1);
    check_blocks(&batch);
    assert_eq!(lost.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(batch.running(), 0);
    let (_, mut kept) = push(&mut batch, 7, 1, 5);
    batch.begin_life(1);
    batch.begin_iteration(5, 8).expect("work to do");
    batch.end_iteration(6);
    assert_eq!(kept.try_recv().expect("finished").output_tokens, 1);
}

#[derive(Clone, Debug)]
struct Arrival {
    iteration: usize,
    prompt_tokens: u32,
    output_tokens: u32,
    abandoned_after: Option<usize>,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let abandoned = prop_oneof![4 => Just(None), 1 => (0_usize..20).prop_map(Some)];
    (0_usize..40, 1_u32..60, 1_u32..30, abandoned).prop_map(
        |(iteration, prompt_tokens, output_tokens, abandoned_after)| Arrival {
            iteration,
            prompt_tokens,
            output_tokens,
            abandoned_after,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn blocks_are_conserved_budgets_kept_and_every_sequence_finishes(
        arrivals in prop::collection::vec(arrival(), 1..40),
        token_budget in 1_u32..80,
        block_size in 1_u32..20,
        num_gpu_blocks in 1_u32..40,
        max_num_seqs in 1_u32..12,
    ) {
        let mut batch = Batch::new(&spec(token_budget, block_size, num_gpu_blocks));
        let most_tokens = batch.total_blocks * batch.block_size - 1;
        let mut pending = Vec::new();
        let mut now_us = 0;
        for step in 0.. {
            for arrival in arrivals.iter().filter(|arrival| arrival.iteration == step) {
                let (number, reply) =
                    push(&mut batch, arrival.prompt_tokens, arrival.output_tokens, now_us);
                let abandoned_at = arrival.abandoned_after.map(|after| step + after);
                pending.push((arrival.clone(), number, reply, abandoned_at));
            }
            let iteration = batch.begin_iteration(now_us, max_num_seqs);
            check_blocks(&batch);
            prop_assert!(batch.running() <= max_num_seqs as usize);
            pending.retain(|(_, number, _, abandoned_at)| {
                let gives_up = *abandoned_at == Some(step);
                if gives_up {
                    batch.abandon(*number, now_us);
                }
                !gives_up
            });
            check_blocks(&batch);
            now_us += 7;
            let Some(iteration) = iteration else {
                if step > 60 {
                    break;
                }
                continue;
            };
            let computed = iteration.prefill_tokens + iteration.decoding;
            prop_assert!((1..=token_budget).contains(&computed), "{:?}", iteration);
            batch.end_iteration(now_us);
            check_blocks(&batch);
        }
        prop_assert_eq!(batch.free_blocks, batch.total_blocks);
        for (arrival, _, mut reply, abandoned_at) in pending {
            let Ok(generation) = reply.try_recv() else {
                prop_assert!(abandoned_at.is_some(), "{:?} did not finish", arrival);
                continue;
            };
            let prompt_tokens = arrival.prompt_tokens.min(most_tokens);
            let room = most_tokens - prompt_tokens + 1;
            prop_assert_eq!(generation.output_tokens, arrival.output_tokens.min(room));
            for pair in generation.segments.windows(2) {
                prop_assert_eq!(pair[0].end_us, pair[1].start_us);
            }
            let stages = [Stage::Queue, Stage::Prefill, Stage::Decode, Stage::Preempted];
            let total: u64 = stages.iter().map(|stage| generation.time_us(*stage)).sum();
            prop_assert_eq!(total, generation.finished_us() - generation.arrived_us());
            prop_assert!(generation.first_token_us <= generation.finished_us());
        }
    }
}
