//! A small catalogue of faults, so that the tests need none that acts.

use ragdoll_fault_spec::{Catalog, KindInfo, Needs, ParamError};
use ragdoll_model::{Dist, Service};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Four kinds: one that acts everywhere, one on few services, one that checks a relation, one on zones.
#[derive(Debug)]
pub(crate) struct TestCatalog;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Latency {
    /// Time added to each call.
    delay: Dist,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LockContention {
    /// How long the lock is held.
    hold: Dist,
    /// What the lock protects.
    #[serde(default)]
    scope: Scope,
}

#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Scope {
    #[default]
    Global,
    PerKey,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Oom {
    /// Limit past which the process is killed.
    budget_bytes: u64,
    /// Memory for each item, at most the budget.
    per_item_bytes: u64,
}

impl Default for Oom {
    fn default() -> Self {
        Oom {
            budget_bytes: 1 << 30,
            per_item_bytes: 1 << 20,
        }
    }
}

impl Catalog for TestCatalog {
    fn kinds(&self) -> Vec<KindInfo> {
        vec![
            KindInfo {
                name: "latency",
                summary: "Adds time to calls.",
                resource: "network",
                services: &Service::ALL,
                graph: Some(Needs::Nothing),
                edges: true,
                standing: false,
                callers: false,
                causes: &["straggler", "network"],
            },
            KindInfo {
                name: "lock_contention",
                summary: "Holds a lock for longer.",
                resource: "lock",
                services: &[Service::METADATA, Service::SHARD],
                graph: Some(Needs::Lock),
                edges: false,
                standing: false,
                callers: false,
                causes: &["lock"],
            },
            KindInfo {
                name: "oom",
                summary: "Runs out of memory.",
                resource: "memory",
                services: &[Service::RERANKER],
                graph: Some(Needs::Memory),
                edges: false,
                standing: true,
                callers: false,
                causes: &["memory"],
            },
            KindInfo {
                name: "zone_latency",
                summary: "Adds time to calls between zones.",
                resource: "network",
                services: &[],
                graph: Some(Needs::Zones),
                edges: false,
                standing: false,
                callers: false,
                causes: &["network"],
            },
        ]
    }

    fn resolve(&self, kind: &str, params: &Value) -> Result<Value, ParamError> {
        match kind {
            "latency" | "zone_latency" => fill::<Latency>(params),
            "lock_contention" => fill::<LockContention>(params),
            "oom" => {
                let filled = fill::<Oom>(params)?;
                if filled["per_item_bytes"].as_u64() > filled["budget_bytes"].as_u64() {
                    return Err(ParamError {
                        key: Some("per_item_bytes".to_owned()),
                        message: format!("is {}, over the budget", filled["per_item_bytes"]),
                        fix: format!("use at most {}", filled["budget_bytes"]),
                    });
                }
                Ok(filled)
            }
            other => panic!("no kind {other:?}"),
        }
    }

    fn params_schema(&self, kind: &str) -> Schema {
        match kind {
            "latency" | "zone_latency" => schema_for!(Latency),
            "lock_contention" => schema_for!(LockContention),
            "oom" => schema_for!(Oom),
            other => panic!("no kind {other:?}"),
        }
    }
}

fn fill<T: Serialize + for<'de> Deserialize<'de>>(params: &Value) -> Result<Value, ParamError> {
    let typed: T = serde_json::from_value(params.clone()).map_err(|error| ParamError {
        key: None,
        message: error.to_string(),
        fix: "correct the parameters".to_owned(),
    })?;
    Ok(json!(typed))
}
