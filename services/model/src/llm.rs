//! An inference engine, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mitigation::is_default;

/// Inference engine with continuous batching.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Llm {
    /// Copies, at least 1.
    pub instances: u32,
    /// Value of `gen_ai.request.model`.
    pub model: String,
    /// Sequences in the running batch at most, at least 1 (vLLM's name).
    pub max_num_seqs: u32,
    /// Tokens computed in one iteration at most, at least 1 (vLLM's name).
    pub max_num_batched_tokens: u32,
    /// Tokens in a KV-cache block, at least 1 (vLLM's name).
    pub block_size: u32,
    /// KV-cache blocks of one copy, at least 1 (vLLM's name).
    pub num_gpu_blocks: u32,
    /// Requests that may wait; more are answered with 503.
    pub queue_bound: u32,
    /// Requests in one copy, waiting or running, past which it answers with 503; 0 for no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub max_in_flight: u32,
    /// Time of an iteration that decodes one sequence.
    pub decode_base_ms: f64,
    /// Time that each further decoding sequence adds to the iteration.
    pub decode_per_seq_ms: f64,
    /// Time for each prompt token computed in the iteration.
    pub prefill_per_token_ms: f64,
}

impl Default for Llm {
    fn default() -> Self {
        Llm {
            instances: 1,
            // The model and machine that the times below were measured on: 8 H100 of 80 GB.
            model: "llama-2-70b".to_owned(),
            // vLLM, `get_batch_defaults` of vllm/engine/arg_utils.py: its API server computes 8,192
            // tokens an iteration on an H100, and runs 256 sequences on an A100 or a smaller GPU.
            // An H100 may run 1,024, far past the 64 up to which the times below were measured.
            max_num_seqs: 256,
            max_num_batched_tokens: 8192,
            // vLLM: DEFAULT_BLOCK_SIZE 16 (vllm/config/cache.py).
            block_size: 16,
            // 0.92 of 640 GB (vLLM's `gpu_memory_utilization`, vllm/config/cache.py) less 138 GB of
            // weights, at 320 KiB a token: 80 layers, 8 KV heads of 128, keys and values, 2 bytes
            // (config.json of Llama-2-70b-hf). That is 85,600, less some for activations.
            num_gpu_blocks: 85_000,
            // Assumption: vLLM's queue has no bound; eight times the running batch.
            queue_bound: 2048,
            max_in_flight: 0,
            // Splitwise (Patel et al., ISCA 2024, arXiv 2311.18677), its authors' measurements in
            // data/perf_model.csv of Mutinifni/splitwise-sim, prompts of 512 tokens: 29.7 ms
            // between tokens at batch 1, 32.4 at 8, 34.2 at 16, 38.9 at 32, 50.0 at 64.
            decode_base_ms: 29.7,
            decode_per_seq_ms: 0.32,
            // Same file: 78.3 ms for a prompt of 1,024 tokens (0.067 ms a token at 2,048, 0.09 to
            // 0.1 where prompts are batched to 4,096 and 8,192).
            prefill_per_token_ms: 0.076,
        }
    }
}
