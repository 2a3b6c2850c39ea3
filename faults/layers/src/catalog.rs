//! The list of all kinds.

use ragdoll_fault_spec::{Catalog, KindInfo, ParamError};
use serde_json::Value;

use crate::decision::{Fault, Kind};
use crate::faults::{
    bad_replica::BadReplica,
    bandwidth::Bandwidth,
    batch_blocking::BatchBlocking,
    cache_failure::CacheFailure,
    cache_stampede::CacheStampede,
    clock_skew::ClockSkew,
    cold_start::ColdStart,
    connection_refused::ConnectionRefused,
    connection_reset::ConnectionReset,
    context_overflow::ContextOverflow,
    cpu_throttling::CpuThrottling,
    crash::Crash,
    crash_loop::CrashLoop,
    deadlock::Deadlock,
    descriptor_leak::DescriptorLeak,
    dns_failure::DnsFailure,
    duplicate_request::DuplicateRequest,
    error_rate::ErrorRate,
    fail_first::FailFirst,
    failed_readiness::FailedReadiness,
    gc_pause::GcPause,
    hang::Hang,
    hot_shard::HotShard,
    index_compaction::IndexCompaction,
    jitter::Jitter,
    kv_cache_thrashing::KvCacheThrashing,
    latency::Latency,
    load_balancer_skew::LoadBalancerSkew,
    load_spike::LoadSpike,
    lock_contention::LockContention,
    lock_convoy::LockConvoy,
    long_held_lock::LongHeldLock,
    malformed_response::MalformedResponse,
    memory_leak::MemoryLeak,
    noisy_neighbour::NoisyNeighbour,
    oom::Oom,
    packet_loss::PacketLoss,
    partial_gather::PartialGather,
    partition::Partition,
    patches::{
        DeviceThrottling, DiskFull, FsyncStall, PageCacheCold, RunawayLoop, SerialisationCost,
        SlowDisk,
    },
    poison_input::PoisonInput,
    pool_exhaustion::PoolExhaustion,
    queueing::Queueing,
    rate_limit::RateLimit,
    retry_storm::RetryStorm,
    serial_fan_out::SerialFanOut,
    slow_aggregation::SlowAggregation,
    slow_close::SlowClose,
    stale_index::StaleIndex,
    straggler::Straggler,
    stream_cut::StreamCut,
    stream_stall::StreamStall,
    token_length_shift::TokenLengthShift,
    truncated_body::TruncatedBody,
    worker_loss::WorkerLoss,
    zone_latency::ZoneLatency,
};

macro_rules! kinds {
    ($($kind:ty),+ $(,)?) => {
        fn infos() -> Vec<KindInfo> {
            vec![$(<$kind as Kind>::INFO),+]
        }

        fn resolve(kind: &str, params: &Value) -> Result<Value, ParamError> {
            $(if kind == <$kind as Kind>::INFO.name { return resolve_as::<$kind>(params); })+
            Err(unknown(kind))
        }

        fn build(kind: &str, params: &Value) -> Result<Box<dyn Fault>, ParamError> {
            $(if kind == <$kind as Kind>::INFO.name {
                return Ok(Box::new(parse::<$kind>(params)?));
            })+
            Err(unknown(kind))
        }

        fn example(kind: &str) -> Option<Value> {
            $(if kind == <$kind as Kind>::INFO.name {
                return Some(to_json(&<$kind as Kind>::example()));
            })+
            None
        }

        fn schema(kind: &str) -> schemars::Schema {
            $(if kind == <$kind as Kind>::INFO.name { return schemars::schema_for!($kind); })+
            schemars::json_schema!({ "type": "object", "additionalProperties": false })
        }
    };
}

kinds![
    Latency,
    LockContention,
    Oom,
    Queueing,
    Crash,
    Hang,
    Partition,
    CpuThrottling,
    WorkerLoss,
    PoolExhaustion,
    NoisyNeighbour,
    LongHeldLock,
    LockConvoy,
    KvCacheThrashing,
    IndexCompaction,
    GcPause,
    Deadlock,
    ContextOverflow,
    BatchBlocking,
    LoadSpike,
    TokenLengthShift,
    SlowAggregation,
    SerialFanOut,
    PartialGather,
    StaleIndex,
    HotShard,
    LoadBalancerSkew,
    RetryStorm,
    CacheFailure,
    CacheStampede,
    ErrorRate,
    FailFirst,
    RateLimit,
    ConnectionReset,
    ConnectionRefused,
    DnsFailure,
    Jitter,
    PacketLoss,
    Bandwidth,
    SlowClose,
    DuplicateRequest,
    MalformedResponse,
    TruncatedBody,
    StreamCut,
    StreamStall,
    PoisonInput,
    BadReplica,
    Straggler,
    CrashLoop,
    ColdStart,
    MemoryLeak,
    DescriptorLeak,
    ClockSkew,
    FailedReadiness,
    SlowDisk,
    FsyncStall,
    PageCacheCold,
    DiskFull,
    DeviceThrottling,
    SerialisationCost,
    RunawayLoop,
    ZoneLatency,
];

/// The catalogue of every kind that this crate has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults;

impl Faults {
    /// A fault ready to act.
    ///
    /// # Errors
    /// As [`Catalog::resolve`].
    pub fn build(&self, kind: &str, params: &Value) -> Result<Box<dyn Fault>, ParamError> {
        build(kind, params)
    }
}

impl Faults {
    /// Parameters of a kind that are worth a first try on the default topology. Panics where there
    /// is no such kind.
    pub fn example(&self, kind: &str) -> Value {
        example(kind).unwrap_or_else(|| panic!("{}", unknown(kind)))
    }
}

impl Catalog for Faults {
    fn kinds(&self) -> Vec<KindInfo> {
        infos()
    }

    fn resolve(&self, kind: &str, params: &Value) -> Result<Value, ParamError> {
        resolve(kind, params)
    }

    fn params_schema(&self, kind: &str) -> schemars::Schema {
        schema(kind)
    }
}

fn unknown(kind: &str) -> ParamError {
    let names: Vec<&str> = infos().iter().map(|info| info.name).collect();
    ParamError {
        key: None,
        message: format!("belong to the unknown kind `{kind}`"),
        fix: format!("use one of {}", names.join(", ")),
    }
}

fn parse<K: Kind>(params: &Value) -> Result<K, ParamError> {
    let parsed: K = serde_json::from_value(params.clone()).map_err(|error| {
        let text = error.to_string();
        from_serde(&text, culprit::<K>(params, &text))
    })?;
    parsed.check()?;
    Ok(parsed)
}

/// The parameter that by itself is refused with the same words: serde does not say where a value
/// lies.
fn culprit<K: Kind>(params: &Value, text: &str) -> Option<String> {
    let refused = |(key, value): &(&String, &Value)| {
        let alone = Value::Object([((*key).clone(), (*value).clone())].into_iter().collect());
        serde_json::from_value::<K>(alone).is_err_and(|error| error.to_string() == text)
    };
    let found = params.as_object()?.iter().find(refused);
    found.map(|(key, _)| key.clone())
}

fn resolve_as<K: Kind>(params: &Value) -> Result<Value, ParamError> {
    parse::<K>(params).map(|parsed| to_json(&parsed))
}

fn to_json<K: Kind>(params: &K) -> Value {
    serde_json::to_value(params).expect("parameters are plain data")
}

/// serde names a field that is missing or unknown in backticks, and what it would have taken after
/// "expected". `culprit` is the parameter around it, where there is one.
fn from_serde(text: &str, culprit: Option<String>) -> ParamError {
    let named = text.split('`').nth(1).unwrap_or_default();
    let (found, expected) = text.split_once(", expected ").unwrap_or((text, ""));
    let within = culprit.clone().filter(|key| key != named);
    let (key, message, fix) = if text.starts_with("missing field") {
        match within {
            Some(key) => (Some(key), format!("lacks `{named}`"), "add it".to_owned()),
            None => {
                let fix = "add it to `params`".to_owned();
                (Some(named.to_owned()), "is missing".to_owned(), fix)
            }
        }
    } else if text.starts_with("unknown field") {
        let fix = match expected {
            "" => "leave it out: it takes none".to_owned(),
            known => format!("use {known}"),
        };
        match within {
            Some(key) => (Some(key), format!("cannot hold `{named}`"), fix),
            None => {
                let message = "is not a parameter of this kind".to_owned();
                (Some(named.to_owned()), message, fix)
            }
        }
    } else if expected.is_empty() {
        let fix = "see `ragdoll schema`".to_owned();
        (culprit, format!("does not fit ({found})"), fix)
    } else {
        let fix = format!("use {}", in_words(expected));
        (culprit, format!("does not fit ({found})"), fix)
    };
    ParamError { key, message, fix }
}

/// Rust's names of numbers mean nothing to the author of an experiment.
fn in_words(expected: &str) -> &str {
    match expected {
        "u32" | "u64" => "a whole number of at least 0",
        "f64" => "a number",
        "string or map" => "a name or a table",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_get_their_defaults() {
        let params = json!({ "hold": { "fixed": { "ms": 40 } } });
        let resolved = Faults.resolve("lock_contention", &params).expect("valid");
        assert_eq!(
            resolved,
            json!({ "hold": { "fixed": { "ms": 40.0 } }, "scope": "global" })
        );
    }

    #[test]
    fn mistakes_name_the_parameter_and_the_way_out() {
        let message = |kind: &str, params: Value| {
            Faults
                .resolve(kind, &params)
                .expect_err("a mistake")
                .to_string()
        };
        let found = [
            message("latency", json!({})),
            message("latency", json!({ "delay": { "fixed": { "ms": -1 } } })),
            message("latency", json!({ "delai": { "fixed": { "ms": 1 } } })),
            message("queueing", json!({ "servers": 0 })),
            message("queueing", json!({})),
            message("oom", json!({ "budget_bytes": "4G" })),
            message("latency", json!({ "delay": { "fixed": { "ms": "1" } } })),
            message("latency", json!({ "delay": { "fixed": { "us": 1 } } })),
            message("latency", json!({ "delay": { "fixed": {} } })),
            message("latency", json!({ "delay": { "zipf": {} } })),
            message("latency", json!({ "delay": 1 })),
            message("latency", json!([1])),
            message("crash", json!({ "down_ms": -5 })),
            message("crash", json!({ "down_ms": "soon" })),
            message("hang", json!({ "for_ms": 10 })),
            message("partition", json!({ "direction": "sideways" })),
            message("partition", json!({ "from": "gateway" })),
            message("cpu_throttling", json!({})),
            message("cpu_throttling", json!({ "quota_ms": 0.5 })),
            message("gremlins", json!({})),
        ];
        insta::assert_snapshot!(found.join("\n"));
    }

    /// Numbers just past what a parameter takes, and what would be no change at all.
    #[test]
    fn what_is_out_of_range_is_refused_with_what_is_not() {
        let fixed = |ms: f64| json!({ "fixed": { "ms": ms } });
        let past = [
            ("bandwidth", json!({ "mbps": 0 })),
            ("batch_blocking", json!({ "item_factor": 0.5 })),
            ("connection_reset", json!({ "after": fixed(-1.0) })),
            ("context_overflow", json!({ "context_tokens": 0 })),
            ("deadlock", json!({ "timeout_ms": 0 })),
            (
                "descriptor_leak",
                json!({ "descriptors_leaked": 1, "descriptor_limit": 10 }),
            ),
            ("dns_failure", json!({ "timeout_ms": 1e9 })),
            ("fail_first", json!({ "requests": 0 })),
            ("index_compaction", json!({ "hold_ms": 50, "every_ms": 50 })),
            ("jitter", json!({ "up_to_ms": 0 })),
            ("kv_cache_thrashing", json!({ "blocks": 0 })),
            ("lock_convoy", json!({ "handoff_ms": 0 })),
            ("long_held_lock", json!({ "hold_ms": 50, "every_ms": 50 })),
            ("memory_leak", json!({ "memory_leak_bytes_per_request": 0 })),
            (
                "noisy_neighbour",
                json!({ "stolen": 1, "burst_ms": 50, "every_ms": 100 }),
            ),
            (
                "noisy_neighbour",
                json!({ "stolen": 0.5, "burst_ms": 100, "every_ms": 100 }),
            ),
            ("packet_loss", json!({ "loss": 0 })),
            ("packet_loss", json!({ "loss": 1 })),
            ("pool_exhaustion", json!({ "connections_left": 0 })),
            ("rate_limit", json!({ "per_s": 0, "retry_after_ms": 0 })),
            ("fsync_stall", json!({ "fsync": fixed(-1.0) })),
            ("page_cache_cold", json!({ "cached_share": 1.1 })),
            ("slow_disk", json!({ "factor": 0 })),
            ("device_throttling", json!({ "factor": 0 })),
            ("serialisation_cost", json!({ "factor": 1e6 })),
            ("runaway_loop", json!({ "again": 1.5 })),
            ("slow_close", json!({ "linger": fixed(-70.0) })),
            ("stream_cut", json!({ "after": 1_000_001 })),
            ("stream_stall", json!({ "after": 2, "stall_ms": 0 })),
            ("truncated_body", json!({ "keep": 1 })),
            ("worker_loss", json!({ "workers": 0 })),
            ("zone_latency", json!({ "added": fixed(-1.0) })),
        ];
        let lines = past.map(|(kind, params)| {
            let error = Faults.resolve(kind, &params).expect_err("out of range");
            format!("{kind}: {error}")
        });
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn every_kind_has_a_schema_and_acts_on_something() {
        for info in Faults.kinds() {
            assert!(
                info.edges || info.graph.is_some() || !info.services.is_empty(),
                "{} acts on nothing",
                info.name
            );
            let schema = Faults.params_schema(info.name);
            let example = Faults.example(info.name);
            let parameters = schema.get("properties").is_some();
            let takes_some = example.as_object().is_some_and(|table| !table.is_empty());
            assert!(parameters || !takes_some, "{}", info.name);
            let resolved = Faults.resolve(info.name, &example);
            assert_eq!(resolved, Ok(example), "{}", info.name);
        }
    }
}
