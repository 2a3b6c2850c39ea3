//! Ranges that the model's types state in words, as JSON-schema keywords. The check of a file and
//! the published schema both read them from here.

use serde_json::{Value, json};

/// Type, property, keyword, value. Where the type does not say otherwise a number is at least 0.
const LIMITS: &[(&str, &str, &str, f64)] = &[
    ("Corpus", "documents", "minimum", 1.0),
    ("Corpus", "documents", "maximum", 1e6),
    ("Corpus", "topics", "minimum", 1.0),
    ("Corpus", "dimensions", "minimum", 8.0),
    ("Corpus", "dimensions", "maximum", 4096.0),
    ("Corpus", "dimensions", "multipleOf", 8.0),
    ("Corpus", "long_topic_factor", "minimum", 1.0),
    ("Corpus", "bytes_per_token", "exclusiveMinimum", 0.0),
    ("Network", "bandwidth_mbps", "exclusiveMinimum", 0.0),
    ("Network", "loss", "maximum", 1.0),
    ("Network", "health_check_ms", "maximum", 3.6e6),
    ("Network", "zones", "maxItems", 32.0),
    // Every pair of 33 zones, both ways.
    ("Network", "zone_latency", "maxItems", 1056.0),
    ("Zone", "name", "minLength", 1.0),
    ("Zone", "members", "minItems", 1.0),
    ("Gateway", "instances", "minimum", 1.0),
    ("Gateway", "instances", "maximum", 1000.0),
    ("Gateway", "workers", "minimum", 1.0),
    ("Gateway", "candidates", "minimum", 1.0),
    ("Gateway", "deadline_ms", "exclusiveMinimum", 0.0),
    ("Gateway", "metadata_pool_size", "minimum", 1.0),
    ("Metadata", "instances", "minimum", 1.0),
    ("Metadata", "instances", "maximum", 1000.0),
    ("Metadata", "workers", "minimum", 1.0),
    ("Embedder", "instances", "minimum", 1.0),
    ("Embedder", "instances", "maximum", 1000.0),
    ("Embedder", "workers", "minimum", 1.0),
    ("Embedder", "max_batch", "minimum", 1.0),
    ("VectorDb", "instances", "minimum", 1.0),
    ("VectorDb", "instances", "maximum", 1000.0),
    ("VectorDb", "shards", "minimum", 1.0),
    ("VectorDb", "shards", "maximum", 1000.0),
    ("VectorDb", "replicas", "minimum", 1.0),
    ("VectorDb", "replicas", "maximum", 16.0),
    ("Shard", "workers", "minimum", 1.0),
    ("Reranker", "instances", "minimum", 1.0),
    ("Reranker", "instances", "maximum", 1000.0),
    ("Reranker", "workers", "minimum", 1.0),
    ("Reranker", "cpu_cores", "minimum", 1.0),
    ("Memory", "budget_bytes", "minimum", 1.0),
    ("Memory", "gc_threshold", "exclusiveMinimum", 0.0),
    ("Memory", "gc_threshold", "maximum", 1.0),
    ("Llm", "instances", "minimum", 1.0),
    ("Llm", "instances", "maximum", 1000.0),
    ("Llm", "max_num_seqs", "minimum", 1.0),
    ("Llm", "max_num_batched_tokens", "minimum", 1.0),
    ("Llm", "block_size", "minimum", 1.0),
    ("Llm", "num_gpu_blocks", "minimum", 1.0),
    ("Ingest", "workers", "minimum", 1.0),
    ("Ingest", "workers", "maximum", 1000.0),
    ("CallPlan", "attempts", "minimum", 1.0),
    ("CallPlan", "retry_budget", "maximum", 10.0),
    ("CallPlan", "retry_budget_min_per_s", "maximum", 1e6),
    ("CallPlan", "hedge_budget", "maximum", 1.0),
    ("CircuitBreaker", "failure_rate", "maximum", 1.0),
    ("CircuitBreaker", "window", "minimum", 1.0),
    ("CircuitBreaker", "window", "maximum", 1e6),
    ("CircuitBreaker", "minimum_calls", "minimum", 1.0),
    ("CircuitBreaker", "probes", "minimum", 1.0),
    ("Cache", "entries", "maximum", 1e6),
    ("Cache", "ttl_jitter", "maximum", 1.0),
    ("Workload", "queries", "minimum", 1.0),
    ("Workload", "users", "minimum", 1.0),
    ("Workload", "top_k", "minimum", 1.0),
    ("Arrivals", "poisson_per_s", "exclusiveMinimum", 0.0),
    ("Arrivals", "constant_per_s", "exclusiveMinimum", 0.0),
    ("Arrivals", "steps_per_s", "minItems", 1.0),
    ("Arrivals", "users", "minimum", 1.0),
    ("Arrivals", "users", "maximum", 1e5),
    ("Arrivals", "speed", "exclusiveMinimum", 0.0),
];

/// Types all of whose numbers are quantities, which cannot be negative.
const QUANTITIES: &[&str] = &[
    "Corpus",
    "Network",
    "Gateway",
    "Metadata",
    "Embedder",
    "VectorDb",
    "Shard",
    "Reranker",
    "Memory",
    "Llm",
    "Ingest",
    "CallPlan",
    "CircuitBreaker",
    "Bulkhead",
    "Cache",
    "Shedding",
    "Workload",
    "Arrivals",
];

/// Adds the ranges to the definitions (`$defs`) of a schema.
///
/// # Panics
/// If a limit names a type or property that the model does not have.
pub(crate) fn add_limits(definitions: &mut Value) {
    for name in QUANTITIES {
        let properties = definitions[name]["properties"].as_object_mut();
        let properties = properties.unwrap_or_else(|| panic!("no type {name} in the schema"));
        for property in properties.values_mut() {
            add_minimum_zero(property);
            if let Some(items) = property.get_mut("items") {
                add_minimum_zero(items);
            }
        }
    }
    for &(name, property, keyword, value) in LIMITS {
        let schema = &mut definitions[name]["properties"][property];
        assert!(schema.is_object(), "no {name}.{property} in the schema");
        if keyword == "exclusiveMinimum" {
            let object = schema.as_object_mut().expect("asserted above");
            object.shift_remove("minimum");
        }
        schema[keyword] = if value.fract() == 0.0 {
            json!(value as u64)
        } else {
            json!(value)
        };
    }
}

fn add_minimum_zero(schema: &mut Value) {
    if schema["type"] == "number" && schema.get("minimum").is_none() {
        schema["minimum"] = json!(0);
    }
}
