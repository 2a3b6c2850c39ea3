//! `ragdoll list resources`: what services are made of.

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, KindInfo};
use serde_json::{Value, json};

/// A resource of a service.
struct Resource {
    /// What kinds of fault call it.
    name: &'static str,
    /// What it is, in a line.
    summary: &'static str,
    /// Keys of a service in a file, or of its stages.
    keys: &'static str,
    /// Spans and gauges that it leaves.
    telemetry: &'static [&'static str],
}

const fn resource(
    name: &'static str,
    summary: &'static str,
    keys: &'static str,
    telemetry: &'static [&'static str],
) -> Resource {
    Resource {
        name,
        summary,
        keys,
        telemetry,
    }
}

const RESOURCES: [Resource; 17] = [
    resource(
        "workers",
        "requests that are served at once, and a queue before them",
        "workers, queue_bound, shedding",
        &["queue.wait", "worker.utilization", "queue.depth"],
    ),
    resource(
        "cpu",
        "processors that all work shares, and a quota of their time",
        "cpu_cores, cpu_quota_ms, service_time, stage work",
        &[
            "cpu.throttled",
            "process.cpu.utilization",
            "process.cpu.throttled_time",
        ],
    ),
    resource(
        "lock",
        "one for all requests, or one a user",
        "lock, stage lock",
        &["lock.wait", "lock.hold", "lock.utilization", "lock.waiters"],
    ),
    resource(
        "memory",
        "a budget past which the process dies, leaks, garbage collection",
        "memory",
        &["gc.pause", "process.memory.usage", "process.memory.limit"],
    ),
    resource(
        "disk",
        "operations of a disk, with the page cache before it",
        "disk, stage disk",
        &[
            "disk.read",
            "disk.write",
            "system.disk.io_time",
            "system.disk.pending_operations",
        ],
    ),
    resource(
        "device",
        "an accelerator such as a GPU, that few requests have at once",
        "stage device",
        &["queue.wait", "hw.gpu.utilization"],
    ),
    resource(
        "batcher",
        "work that is done for several requests together",
        "stage batch",
        &["queue.wait", "worker.utilization", "queue.depth"],
    ),
    resource(
        "inference engine",
        "continuous batching and a paged KV cache",
        "stage generate",
        &[
            "gen_ai.prefill",
            "gen_ai.decode",
            "gen_ai.preempted",
            "vllm:kv_cache_usage_perc",
            "hw.gpu.utilization",
        ],
    ),
    resource(
        "codec",
        "reading and writing messages, by their bytes",
        "stage codec",
        &["message.serialize"],
    ),
    resource(
        "cache",
        "answers that are kept by question",
        "stage cache",
        &["cache.hit", "cache.hit_ratio"],
    ),
    resource(
        "a quota of requests",
        "a bucket of tokens that refuses what comes beyond it",
        "stage rate_limit",
        &["RESOURCE_EXHAUSTED, 429"],
    ),
    resource("loop", "an agent's steps", "stage repeat", &["agent.steps"]),
    resource(
        "connection pool",
        "connections to a service, of which a call takes one",
        "pool of a call",
        &[
            "pool.acquire",
            "db.client.connection.count",
            "db.client.connection.pending_requests",
        ],
    ),
    resource(
        "call plan",
        "deadline, attempts, hedges, circuit breaker and bulkhead of a call",
        "plan of a call",
        &["client spans", "retry.backoff"],
    ),
    resource(
        "network",
        "latency, bandwidth and loss between instances, and zones",
        "topology.network",
        &["the time between client and server spans"],
    ),
    resource(
        "process",
        "a life that ends and begins again",
        "",
        &["process.uptime"],
    ),
    resource(
        "descriptors",
        "files and sockets that a process has open",
        "",
        &["process.unix.file_descriptor.count"],
    ),
];

/// Columns for the name of a resource.
const NAME_WIDTH: usize = 20;

impl Resource {
    fn kinds(&self) -> Vec<KindInfo> {
        let mut kinds = Faults.kinds();
        kinds.retain(|kind| kind.resource.starts_with(self.name));
        kinds
    }

    fn kind_names(&self) -> Vec<&'static str> {
        self.kinds().iter().map(|kind| kind.name).collect()
    }

    fn causes(&self) -> Vec<&'static str> {
        let mut causes = Vec::new();
        for cause in self.kinds().iter().flat_map(|kind| kind.causes) {
            if !causes.contains(cause) {
                causes.push(*cause);
            }
        }
        causes
    }
}

pub(super) fn resources_json() -> Value {
    let rows = RESOURCES.iter().map(|resource| {
        json!({
            "name": resource.name,
            "summary": resource.summary,
            "keys": resource.keys,
            "telemetry": resource.telemetry,
            "faults": resource.kind_names(),
            "causes": resource.causes(),
        })
    });
    rows.collect()
}

pub(super) fn print_resources() {
    println!("Resources of services:");
    for resource in &RESOURCES {
        let line = |key: &str, values: String| {
            if !values.is_empty() {
                println!("  {:<NAME_WIDTH$} {key}: {values}", "");
            }
        };
        println!("  {:<NAME_WIDTH$} {}", resource.name, resource.summary);
        line("given by", resource.keys.to_owned());
        line("leaves", resource.telemetry.join(", "));
        line("faults", resource.kind_names().join(", "));
        line("causes", resource.causes().join(", "));
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/resources.md");

    #[test]
    fn each_is_described_and_every_kind_that_changes_one_is_named_there() {
        let missing: Vec<&str> = RESOURCES
            .iter()
            .filter(|resource| {
                let heading = format!("\n## {}\n", resource.name);
                let Some((_, section)) = DOCUMENT.split_once(&heading) else {
                    return true;
                };
                let section = section.split("\n## ").next().unwrap_or_default();
                let mut said = resource.kind_names();
                said.retain(|kind| !section.contains(&format!("`{kind}`")));
                !said.is_empty()
            })
            .map(|resource| resource.name)
            .collect();
        assert!(missing.is_empty(), "docs/resources.md lacks {missing:?}");
    }
}
