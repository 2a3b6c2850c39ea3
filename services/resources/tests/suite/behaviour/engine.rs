use std::sync::Arc;

use ragdoll_model::topology::Llm;
use ragdoll_resources::engine::{Prompt, Stage};
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Engine, Generation, ResourceError};
use ragdoll_runtime::{Clock, Overrides};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{durations_ms, scenario};

/// Iterations that take 10 ms to decode one sequence, 1 ms for each further one, and 0.1 ms for each
/// token of a prompt.
fn spec() -> Llm {
    Llm {
        max_num_seqs: 4,
        max_num_batched_tokens: 1000,
        block_size: 10,
        num_gpu_blocks: 1000,
        queue_bound: 100,
        decode_base_ms: 10.0,
        decode_per_seq_ms: 1.0,
        prefill_per_token_ms: 0.1,
        ..Llm::default()
    }
}

fn prompt(prompt_tokens: u32, output_tokens: u32) -> Prompt {
    Prompt {
        prompt_tokens,
        output_tokens,
        progress: None,
    }
}

/// Generates from `at_ms` on, on a task of its own.
fn spawn_at(
    clock: &Clock,
    engine: &Arc<Engine>,
    at_ms: u64,
    prompt: Prompt,
) -> JoinHandle<Generation> {
    let (clock, engine) = (clock.clone(), engine.clone());
    tokio::spawn(async move {
        clock.sleep_until_us(at_ms * 1000).await;
        let generation = engine.generate(&Bench::request(at_ms), prompt).await;
        generation.expect("room in the queue")
    })
}

fn times_ms(generation: &Generation) -> [f64; 4] {
    [
        Stage::Queue,
        Stage::Prefill,
        Stage::Decode,
        Stage::Preempted,
    ]
    .map(|stage| generation.time_us(stage) as f64 / 1000.0)
}

#[test]
fn a_sequence_alone_takes_what_the_formula_says() {
    scenario(|clock, bench| async move {
        let engine = Engine::start(&bench.instance, &spec());
        clock.sleep_us(123).await;
        let (progress, mut tokens) = mpsc::unbounded_channel();
        let alone = Prompt {
            progress: Some(progress),
            ..prompt(300, 21)
        };
        let generation = engine.generate(&Bench::request(1), alone).await;
        let generation = generation.expect("an empty queue");
        // 300 tokens of 0.1 ms to the first token, then 20 iterations of 10 ms.
        assert_eq!(times_ms(&generation), [0.0, 30.0, 200.0, 0.0]);
        assert_eq!(generation.first_token_us, 30_123);
        assert_eq!(generation.finished_us(), 230_123);
        assert_eq!(generation.inter_token_latency_us(), 10_000.0);
        let mut progress = Vec::new();
        while let Ok(count) = tokens.try_recv() {
            progress.push(count);
        }
        assert_eq!(progress, (1..=21).collect::<Vec<u32>>());
    });
}

#[test]
fn a_sequence_joins_at_the_next_iteration_and_slows_the_others_down() {
    scenario(|clock, bench| async move {
        let engine = Engine::start(&bench.instance, &spec());
        let first = spawn_at(&clock, &engine, 0, prompt(100, 5));
        let second = spawn_at(&clock, &engine, 15, prompt(50, 2));
        let first = first.await.expect("not cancelled");
        let second = second.await.expect("not cancelled");
        // First: prefill to 10; decodes to 20; to 35 beside the second's prefill; to 46 beside the
        // second's decode; to 56 alone.
        assert_eq!(times_ms(&first), [0.0, 10.0, 46.0, 0.0]);
        assert_eq!(times_ms(&second), [5.0, 15.0, 11.0, 0.0]);
        assert_eq!(second.arrived_us(), 15_000);
    });
}

#[test]
fn no_more_sequences_run_than_may_and_a_change_of_that_holds_at_once() {
    scenario(|clock, bench| async move {
        let engine = Engine::start(&bench.instance, &spec());
        let generations: Vec<_> = (0..8)
            .map(|_| spawn_at(&clock, &engine, 0, prompt(10, 100)))
            .collect();
        clock.sleep_us(500_000).await;
        let gauges = bench.gauges();
        assert_eq!(gauges["vllm:num_requests_running"], 4.0);
        assert_eq!(gauges["vllm:num_requests_waiting"], 4.0);
        assert_eq!(gauges["queue.depth"], 4.0);
        assert_eq!(gauges["worker.utilization"], 1.0);
        bench.instance.controls.apply(Overrides {
            servers: Some(6),
            ..Overrides::default()
        });
        clock.sleep_us(30_000).await;
        assert_eq!(bench.gauges()["vllm:num_requests_running"], 6.0);
        for generation in generations {
            let generation = generation.await.expect("not cancelled");
            assert_eq!(generation.output_tokens, 100);
        }
        clock.sleep_us(1_000_000).await;
        let gauges = bench.gauges();
        assert_eq!(gauges["vllm:num_requests_running"], 0.0);
        assert_eq!(gauges["vllm:kv_cache_usage_perc"], 0.0);
    });
}

#[test]
fn a_full_cache_preempts_the_last_admitted_and_everything_still_finishes() {
    scenario(|clock, bench| async move {
        let spec = Llm {
            num_gpu_blocks: 20,
            ..spec()
        };
        let engine = Engine::start(&bench.instance, &spec);
        let generations: Vec<_> = (0..4)
            .map(|number| spawn_at(&clock, &engine, number, prompt(45, 40)))
            .collect();
        let mut preemptions = Vec::new();
        for generation in generations {
            let generation = generation.await.expect("not cancelled");
            assert_eq!(generation.output_tokens, 40);
            let total_us: f64 = times_ms(&generation).iter().sum();
            let span_us = generation.finished_us() - generation.arrived_us();
            assert_eq!(total_us * 1000.0, span_us as f64);
            preemptions.push(generation.preemptions);
        }
        assert_eq!(preemptions[0], 0, "the first admitted keeps its blocks");
        assert!(preemptions[3] > 0, "{preemptions:?}");
        let gauges = bench.gauges();
        let total: u32 = preemptions.iter().sum();
        assert_eq!(gauges["vllm:num_preemptions_total"], f64::from(total));
        assert_eq!(gauges["vllm:kv_cache_usage_perc"], 0.0);
    });
}

#[test]
fn one_who_gives_up_frees_blocks_and_leaves_the_spans_of_its_stages() {
    scenario(|clock, bench| async move {
        let engine = Engine::start(&bench.instance, &spec());
        let context = Bench::request(1);
        let other = spawn_at(&clock, &engine, 0, prompt(100, 50));
        clock.sleep_us(5_000).await;
        let given_up = engine.generate(&context, prompt(200, 1000));
        assert!(clock.timeout_us(60_000, given_up).await.is_err());
        let spans = bench.spans();
        // Waits for the other's prefill until 10; its own takes until 40; decodes until 65.
        assert_eq!(durations_ms(&spans, "queue.wait"), [5.0]);
        assert_eq!(durations_ms(&spans, "gen_ai.prefill"), [30.0]);
        assert_eq!(durations_ms(&spans, "gen_ai.decode"), [25.0]);
        assert_eq!(bench.gauges()["vllm:num_requests_running"], 1.0);
        other.await.expect("not cancelled");
        assert_eq!(bench.gauges()["vllm:kv_cache_usage_perc"], 0.0);
        assert_eq!(
            bench.spans(),
            [],
            "a whole generation is its caller's to record"
        );
    });
}

#[test]
fn the_queue_refuses_what_it_may_not_hold_but_not_what_has_a_place() {
    scenario(|clock, bench| async move {
        let spec = Llm {
            queue_bound: 1,
            ..spec()
        };
        let engine = Engine::start(&bench.instance, &spec);
        let mut kept = Vec::new();
        for _ in 0..5 {
            kept.push(spawn_at(&clock, &engine, 0, prompt(10, 1)));
        }
        clock.sleep_us(100).await;
        let refused = engine.generate(&Bench::request(1), prompt(10, 1)).await;
        let full = ResourceError::QueueFull {
            waiting: 1,
            bound: 1,
        };
        assert_eq!(refused, Err(full));
        for generation in kept {
            generation.await.expect("not cancelled");
        }
    });
}

#[test]
fn a_process_that_died_forgets_its_sequences_and_serves_in_its_next_life() {
    scenario(|clock, bench| async move {
        let engine = Engine::start(&bench.instance, &spec());
        let process = &bench.instance.process;
        let context = Bench::request(1);
        let killer = async {
            clock.sleep_us(50_000).await;
            bench.instance.crash(1_000);
        };
        let doomed = process.or_death(engine.generate(&context, prompt(10, 1000)));
        assert_eq!(tokio::join!(doomed, killer).0, None);
        clock.sleep_us(1_000).await;
        let next = engine.generate(&context, prompt(10, 2)).await;
        assert_eq!(times_ms(&next.expect("room")), [0.0, 1.0, 10.0, 0.0]);

        clock.sleep_us(1_000).await;
        bench.instance.crash(1_000);
        clock.sleep_us(1_000_000).await;
        let after_idle = engine.generate(&context, prompt(10, 2)).await;
        assert_eq!(times_ms(&after_idle.expect("room")), [0.0, 1.0, 10.0, 0.0]);
    });
}
