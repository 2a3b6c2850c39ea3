//! The inference engine: its queue, its stages, its cache.

use ragdoll_model::Topology;
use serde_json::{Value, json};

use super::{MS, Shown, Stage, Subject, conform, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_batch_of_one_lets_the_second_wait_and_then_generates,
        &[Subject::Resource("engine")],
    ),
    (
        a_full_cache_takes_the_blocks_of_who_came_last,
        &[Subject::Resource("engine")],
    ),
    (
        an_engine_with_a_full_queue_turns_away,
        &[Subject::Resource("engine"), Subject::Protocol("status")],
    ),
];

/// An engine that takes 6 ms a token.
fn slow() -> Topology {
    let mut topology = small();
    topology.llm.decode_base_ms = 6.0;
    topology.llm.prefill_per_token_ms = 0.5;
    topology
}

/// Asks twice at once, for `tokens` tokens after a prompt of `prompt`.
async fn twice(stage: &Stage, prompt: u32, tokens: u32) -> [(u16, Value); 2] {
    let ask = |request_id: &'static str| {
        let stage = stage.clone();
        tokio::spawn(async move {
            let mut query = stage.query(1, 1);
            query.total_prompt_tokens = Some(prompt);
            query.max_tokens = tokens;
            stage.ask(request_id, &query).await
        })
    };
    let [first, second] = [ask("r-0"), ask("r-1")];
    [
        first.await.expect("no panic"),
        second.await.expect("no panic"),
    ]
}

#[test]
fn a_batch_of_one_lets_the_second_wait_and_then_generates() {
    let mut topology = slow();
    topology.llm.max_num_seqs = 1;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let answers = twice(&stage, 20, 16).await;
            stage.sample_gauges();
            answers
        },
        |outcome| {
            for (status, body) in &outcome.answer {
                assert_eq!(
                    (*status, &body["usage"]["completion_tokens"]),
                    (200, &json!(16))
                );
            }
            let waits = outcome.waits_over(50 * MS, "llm-0", "queue.wait");
            assert_eq!(waits.len(), 1, "{waits:#?}");
            let prefills = outcome.spans("llm-0", "gen_ai.prefill");
            let decodes = outcome.spans("llm-0", "gen_ai.decode");
            assert_eq!((prefills.len(), decodes.len()), (2, 2));
            for (prefill, decode) in prefills.iter().zip(&decodes) {
                if outcome.is_exact() {
                    assert_eq!(prefill.length_us(), 10 * MS, "the prompt");
                    assert_eq!(decode.length_us(), 15 * 6 * MS, "15 tokens");
                }
                assert_eq!(
                    (prefill.end_us, &prefill.parent),
                    (decode.start_us, &decode.parent)
                );
            }
            // Where timers fire late, an iteration makes up for the one before: what both requests
            // take together is what cannot be shorter.
            let both_us = decodes[1].end_us - prefills[0].start_us;
            outcome.assert_took("both requests", both_us, 2 * (10 + 15 * 6) * MS);
            assert_eq!(waits[0].parent, prefills[1].parent);
            assert_eq!(waits[0].end_us, prefills[1].start_us);
            assert!(decodes[0].end_us <= prefills[1].start_us);
            for served in outcome.served("llm-0") {
                assert_eq!(served.attribute("gen_ai.usage.input_tokens"), "20");
                assert_eq!(served.attribute("gen_ai.usage.output_tokens"), "16");
            }
            assert_eq!(
                outcome.seen.gauge("llm-0", "vllm:num_requests_running"),
                0.0
            );
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_full_cache_takes_the_blocks_of_who_came_last() {
    let mut topology = slow();
    topology.llm.block_size = 8;
    topology.llm.num_gpu_blocks = 7;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            // Each needs five blocks before it is done, and three to begin with.
            let answers = twice(&stage, 16, 24).await;
            (answers, stage.gauge("llm-0", "vllm:num_preemptions_total"))
        },
        |outcome| {
            let (answers, preemptions) = &outcome.answer;
            assert!(
                answers.iter().all(|(status, _)| *status == 200),
                "{answers:?}"
            );
            assert!(*preemptions >= 1.0, "{preemptions}");
            let lost = outcome.spans("llm-0", "gen_ai.preempted");
            assert_eq!(lost.len() as f64, *preemptions);
            // Whoever lost its blocks computes again what it had.
            let again = outcome.spans("llm-0", "gen_ai.prefill");
            assert_eq!(again.len(), 2 + lost.len());
            assert_eq!(outcome.seen.gauge("llm-0", "vllm:kv_cache_usage_perc"), 0.0);
            outcome.assert_whole();
        },
    );
}

#[test]
fn an_engine_with_a_full_queue_turns_away() {
    let mut topology = slow();
    topology.llm.max_num_seqs = 1;
    topology.llm.queue_bound = 0;
    conform(
        &topology,
        &[],
        async |stage: Stage| twice(&stage, 10, 30).await,
        |outcome| {
            let mut statuses = outcome.answer.clone().map(|(status, _)| status);
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 503]);
            let failed = outcome.answer.iter().find(|(status, _)| *status == 503);
            let body = &failed.expect("just seen").1;
            assert_eq!(body["error"]["type"], "unavailable", "{body}");
            let message = body["error"]["message"].as_str().expect("a message");
            assert!(message.contains("queue full: "), "{message}");
            for side in [outcome.served("llm-0"), outcome.calls("llm")] {
                let full = side.iter().filter(|span| span.error() == "503");
                assert_eq!((side.len(), full.count()), (2, 1), "{side:#?}");
            }
            outcome.assert_whole();
        },
    );
}
