//! What a system says of itself does not give away what was done to it.

use crate::common::{Bench, TELEMETRY, experiment};
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, KindInfo};
use serde_json::Value;

/// Faults of every kind, all of them felt.
const FAULTS: [(&str, &str); 9] = [
    (
        "latency",
        r#"{ kind = "latency", target = { service = "shard" }, params = { delay = { fixed = { ms = 300 } } } }"#,
    ),
    (
        "lock_contention",
        r#"{ kind = "lock_contention", target = { service = "metadata" }, params = { hold = { fixed = { ms = 60 } } } }"#,
    ),
    (
        "oom",
        r#"{ kind = "oom", target = { service = "reranker" }, probability = 0.05, params = { bytes_per_input_byte = 1000000.0, reclaim_ms = 200.0, restart_ms = 300.0 } }"#,
    ),
    (
        "queueing",
        r#"{ kind = "queueing", target = { service = "llm" }, params = { servers = 1, service_time_factor = 3.0 } }"#,
    ),
    (
        "crash",
        r#"{ kind = "crash", target = { service = "metadata" }, params = { down_ms = 8000.0 } }"#,
    ),
    (
        "hang",
        r#"{ kind = "hang", target = { service = "embedder" }, at_s = 1, for_s = 4 }"#,
    ),
    (
        "partition",
        r#"{ kind = "partition", target = { instance = "shard-0-0" }, at_s = 1, for_s = 4 }"#,
    ),
    (
        "partition",
        r#"{ kind = "partition", target = { edge = { from = "gateway", to = "llm" } }, at_s = 1, for_s = 4, params = { direction = "from" } }"#,
    ),
    (
        "cpu_throttling",
        r#"{ kind = "cpu_throttling", target = { service = "reranker" }, for_s = 4, params = { quota_ms = 30.0 } }"#,
    ),
];

/// Words by which a fault would give itself away: the kinds, the words for what is done to a system,
/// and the names that experiments have for it. Waits for a queue are `queue.wait`, times are figures
/// and a killed process says `OutOfMemory`, as in production; so none of these is needed.
const GIVEAWAYS: [&str; 36] = [
    "latency_fault",
    "lock_contention",
    "contention",
    "oom",
    "queueing",
    "fault",
    "inject",
    "chaos",
    "experiment",
    "baseline",
    "faulty",
    "phase",
    "decoy",
    "sabotage",
    "simulat",
    "synthetic",
    "artificial",
    "witness",
    "override",
    "probability",
    "service_time_factor",
    "budget",
    "planned",
    "scenario",
    "crash",
    "hang",
    "hung",
    "partition",
    "throttling",
    "quota",
    "frozen",
    "freeze",
    "thaw",
    "supervisor",
    "disconnect",
    "sigstop",
];

/// Ordinary names that contain a giveaway: the semantic conventions' times of an LLM are
/// `gen_ai.latency.*`, and whoever is in no zone is in the default one.
const ORDINARY: [&str; 2] = ["gen_ai.latency.", "\"default\""];

/// Zones, for the kinds that act on the calls between them.
const ZONES: &str = r#"
[topology.network]
zones = [{ name = "front", members = ["gateway"] }]
"#;

/// The faults above, and of every other kind an example on the first target that it takes.
fn faults() -> Vec<(String, String)> {
    let known = FAULTS.map(|(kind, fault)| (kind.to_owned(), fault.to_owned()));
    let mut faults = Vec::from(known);
    for kind in Faults.kinds().into_iter().filter(KindInfo::acts_on_rag) {
        if faults.iter().any(|(known, _)| known == kind.name) {
            continue;
        }
        let target = match kind.services.first() {
            Some(service) => format!("{{ service = \"{service}\" }}"),
            None if kind.acts_on_zones() => r#"{ zones = ["front"] }"#.to_owned(),
            None => r#"{ edge = { from = "gateway", to = "llm" } }"#.to_owned(),
        };
        let params = inline(&Faults.example(kind.name));
        let fault = format!(
            "{{ kind = \"{}\", target = {target}, decoy = true, params = {params} }}",
            kind.name
        );
        faults.push((kind.name.to_owned(), fault));
    }
    faults
}

/// A small experiment on a service that uses a disk, with a fault of each kind that acts on nothing else.
fn on_stages() -> Vec<(String, String)> {
    let kinds = Faults.kinds().into_iter();
    let kinds = kinds.filter(|kind| !kind.acts_on_rag());
    kinds
        .map(|kind| {
            let params = inline(&Faults.example(kind.name));
            let text = format!(
                r#"title = "A small experiment"
[[topology.graph.services]]
name = "notes"
stages = [
    {{ disk = {{ read_bytes = 4096, write_bytes = 4096, fsync = true }} }},
    {{ device = {{}} }},
    {{ codec = {{ us_per_kib = 500 }} }},
    {{ repeat = {{ again = 0.3, stages = [{{ work = {{ fixed = {{ ms = 2.0 }} }} }}] }} }},
]

[workload]
arrivals = {{ poisson_per_s = 30.0 }}

[[phases]]
name = "baseline"
duration_s = 10

[[phases]]
name = "faulty"
duration_s = 10
faults = [{{ kind = "{}", target = {{ service = "notes" }}, params = {params} }}]

[[expect]]
holds = "faulty.requests > 0.0"
"#,
                kind.name
            );
            (kind.name.to_owned(), text)
        })
        .collect()
}

/// A value as TOML writes it within a line.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Runs the small experiment with a fault. Whether anybody felt it does not matter here.
fn run_with(bench: &Bench, fault: &str) {
    let anything = "\n[[expect]]\nholds = \"faulty.requests > 0.0\"\n";
    run_file(bench, &format!("{}{ZONES}", experiment(fault, anything)));
}

fn run_file(bench: &Bench, text: &str) {
    bench.write("blind.toml", text);
    let ended = bench.ragdoll(&["run", "blind.toml", "--out", "out"]);
    assert!(
        matches!(ended.code, Some(0 | 4)),
        "{text}: {}",
        ended.said()
    );
}

#[test]
fn no_kind_of_fault_leaves_its_name_in_the_telemetry() {
    let of_rag = faults().into_iter().map(|(kind, fault)| {
        let bench = Bench::new();
        run_with(&bench, &fault);
        (kind, bench)
    });
    let of_stages = on_stages().into_iter().map(|(kind, text)| {
        let bench = Bench::new();
        run_file(&bench, &text);
        (kind, bench)
    });
    for (kind, bench) in of_rag.chain(of_stages) {
        let journal = bench.text("out/journal.json");
        assert!(
            journal.contains(&format!("\"{kind}\"")),
            "the journal is where it is written"
        );
        for file in TELEMETRY {
            let mut text = bench.text(&format!("out/{file}")).to_lowercase();
            for name in ORDINARY {
                text = text.replace(name, "");
            }
            for word in GIVEAWAYS.into_iter().chain(["latency"]) {
                let found = text.find(word).map(|at| {
                    let around = text.get(at.saturating_sub(40)..(at + 60).min(text.len()));
                    around.unwrap_or(word).to_owned()
                });
                assert_eq!(found, None, "{kind}: {file} says `{word}`");
            }
        }
    }
}

/// The names of attributes, metrics and log fields are the same with and without each fault, but for
/// those that waiting and failing bring with them.
#[test]
fn faults_bring_no_attributes_of_their_own() {
    let keys = |fault: &str| {
        let bench = Bench::new();
        run_with(&bench, fault);
        let mut keys = std::collections::BTreeSet::new();
        for line in bench.text("out/traces.otlp.jsonl").lines() {
            for part in line.split("\"key\":\"").skip(1) {
                keys.insert(part.split('"').next().unwrap_or_default().to_owned());
            }
        }
        keys
    };
    let healthy = keys("");
    assert!(healthy.contains("rpc.method") && healthy.contains("gen_ai.request.model"));
    for (kind, fault) in faults() {
        let found = keys(&fault);
        let own: Vec<_> = found.difference(&healthy).map(String::as_str).collect();
        let waits = ["db.client.connection.pool.name", "lock.name"];
        let failures = ["error.type", "error.message"];
        let is_ordinary = |key: &&str| waits.contains(key) || failures.contains(key);
        assert!(own.iter().all(is_ordinary), "{kind} adds {own:?}");
    }
}
