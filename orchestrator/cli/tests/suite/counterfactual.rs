//! `ragdoll run --counterfactual`: the same seed without each fault.

use crate::common::{Bench, FELT, HOLDS, TELEMETRY, experiment, without_wall};
use serde_json::Value;

/// A delay that no request meets and that is declared as one that nobody feels.
const DECOY: &str = r#"{ kind = "latency", target = { service = "embedder" }, decoy = true, params = { delay = { fixed = { ms = 1 } } } }"#;

/// A delay that everybody feels, of another service.
const OTHER: &str = r#"{ kind = "latency", target = { service = "reranker" }, params = { delay = { fixed = { ms = 60 } } } }"#;

/// A delay that is smaller than what the same file does to the load.
const SMALL: &str = r#"{ kind = "latency", target = { service = "metadata" }, params = { delay = { fixed = { ms = 30 } } } }"#;

fn findings(record: &Value) -> Vec<&str> {
    let faults = record["counterfactual"]["faults"].as_array();
    let faults = faults.expect("a section").iter();
    faults
        .map(|one| one["finding"].as_str().expect("a word"))
        .collect()
}

#[test]
fn each_fault_is_accounted_for_in_every_report() {
    let bench = Bench::new();
    let faults = format!("{FELT}, {OTHER}, {DECOY}");
    bench.write("small.toml", &experiment(&faults, HOLDS));
    let run = ["run", "small.toml", "--counterfactual", "--out", "out"];
    let said = bench.ragdoll(&run).with(0).stdout;
    assert!(said.contains("WITHOUT EACH FAULT"), "{said}");
    let record = bench.json("out/run.json");
    assert_eq!(findings(&record), ["responsible", "no_part", "harmless"]);
    let together = &record["counterfactual"]["together"][0];
    assert_eq!(together["remains"], false, "{together}");
    assert!(bench.text("out/report.html").contains("Without each fault"));
    let junit = bench.text("out/junit.xml");
    assert!(junit.contains("faulty without latency on shard"), "{junit}");
}

/// The replays change nothing of the run that they are about.
#[test]
fn without_the_section_the_record_is_that_of_a_plain_run() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    bench
        .ragdoll(&["run", "small.toml", "--out", "plain"])
        .with(0);
    let run = ["run", "small.toml", "--counterfactual", "--out", "replayed"];
    bench.ragdoll(&run).with(0);
    let mut replayed = bench.json("replayed/run.json");
    let section = replayed
        .as_object_mut()
        .and_then(|all| all.remove("counterfactual"));
    assert!(section.is_some());
    assert_eq!(
        without_wall(replayed),
        without_wall(bench.json("plain/run.json"))
    );
    assert!(!bench.text("plain/run.json").contains("counterfactual"));
    for name in TELEMETRY {
        let [one, other] = ["plain", "replayed"].map(|out| bench.read(&format!("{out}/{name}")));
        assert!(one == other, "{name} differs");
    }
}

/// What makes requests slow here is the load of the second phase, not the fault that it declares.
#[test]
fn a_bottleneck_that_the_load_causes_fails_the_run() {
    let bench = Bench::new();
    let expected = "[[expect]]\nholds = \"faulty.requests > 0.0\"";
    let file = experiment(SMALL, expected)
        .replace("[topology.llm]", "[topology.llm]\nmax_num_seqs = 2")
        .replace(
            "name = \"faulty\"",
            "name = \"faulty\"\narrivals = { poisson_per_s = 95.0 }",
        );
    bench.write("small.toml", &file);
    let run = ["run", "small.toml", "--counterfactual", "--out", "out"];
    let ended = bench.ragdoll(&run).with(1);
    assert_eq!(findings(&bench.json("out/run.json")), ["remains"]);
    let because = "is there without latency on metadata too";
    assert!(ended.stdout.contains(because), "{}", ended.stdout);
}

#[test]
fn other_grounds_are_refused_before_anything_runs() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let run = ["run", "small.toml", "--counterfactual", "--on", "loopback"];
    let ended = bench.ragdoll(&run).with(2);
    assert!(
        ended.stderr.contains("use `--on virtual`"),
        "{}",
        ended.stderr
    );
    assert_eq!(bench.list(""), ["small.toml"]);
}

/// Every seed of a repeated run is replayed, and shares of it merge to the whole.
#[test]
fn a_repeated_run_replays_every_seed() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let run = |out: &str, more: &[&str]| {
        let base = [
            "run",
            "small.toml",
            "--counterfactual",
            "--repeat",
            "2",
            "--out",
            out,
        ];
        bench.ragdoll(&[&base[..], more].concat()).with(0);
    };
    run("whole", &[]);
    run("one", &["--shard", "0/2"]);
    run("two", &["--shard", "1/2"]);
    bench
        .ragdoll(&["merge", "one", "two", "--out", "merged"])
        .with(0);
    let whole = bench.text("whole/repeat.jsonl");
    assert_eq!(whole.matches("\"counterfactual\":{").count(), 2);
    assert_eq!(bench.text("merged/repeat.jsonl"), whole);
    let plain = [
        "run",
        "small.toml",
        "--repeat",
        "2",
        "--shard",
        "1/2",
        "--out",
        "plain",
    ];
    bench.ragdoll(&plain).with(0);
    let mixed = bench
        .ragdoll(&["merge", "one", "plain", "--out", "mixed"])
        .with(2);
    assert!(
        mixed.stderr.contains("`counterfactual`"),
        "{}",
        mixed.stderr
    );
}
