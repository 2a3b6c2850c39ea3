//! The same file and seed give the same bytes, on as many processors as there are.

use std::path::Path;

use crate::common::{Bench, FELT, HOLDS, TELEMETRY, experiment, without_wall};

/// Faults whose every decision is left to chance.
fn by_chance() -> String {
    let faults = [
        FELT.replace("fixed = { ms = 300 }", "pareto = { min_ms = 300.0, alpha = 3.0 }"),
        FELT.replace("service = \"shard\"", "edge = { from = \"gateway\", to = \"llm\" }")
            .replace("params", "probability = 0.3, params"),
        r#"{ kind = "oom", target = { service = "reranker" }, probability = 0.02, params = { bytes_per_input_byte = 1000000.0, reclaim_ms = 200.0, restart_ms = 300.0 } }"#.to_owned(),
    ];
    faults.join(", ")
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(&by_chance(), HOLDS));
    bench
}

fn run(bench: &Bench, out: &str, seed: &str) {
    let ended = bench.ragdoll(&["run", "small.toml", "--out", out, "--seed", seed]);
    assert!(
        ended.code.is_some_and(|code| [0, 1].contains(&code)),
        "{ended:?}"
    );
}

fn assert_same(bench: &Bench, one: &str, other: &str) {
    for name in TELEMETRY.into_iter().chain(["journal.json", "junit.xml"]) {
        let [one, other] = [one, other].map(|folder| bench.read(&format!("{folder}/{name}")));
        assert!(!one.is_empty(), "{name}");
        // Without the contents, which fill a screen.
        assert!(one == other, "{name} differs");
    }
    let [one, other] = [one, other].map(|folder| {
        let record = without_wall(bench.json(&format!("{folder}/run.json")));
        serde_json::to_string_pretty(&record).expect("JSON")
    });
    assert!(one == other, "run.json differs");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let bench = bench();
    run(&bench, "first", "5");
    run(&bench, "second", "5");
    assert_same(&bench, "first", "second");
    run(&bench, "other", "6");
    for name in TELEMETRY {
        let [first, other] =
            ["first", "other"].map(|folder| bench.read(&format!("{folder}/{name}")));
        assert!(first != other, "{name} does not depend on the seed");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "a test that was skipped says so")]
fn one_processor_gives_the_same_bytes_as_all() {
    let taskset = Path::new("/usr/bin/taskset");
    if !taskset.exists() {
        println!("skipped: there is no taskset to pin a process to a processor");
        return;
    }
    let bench = bench();
    run(&bench, "all", "5");
    let ragdoll = env!("CARGO_BIN_EXE_ragdoll");
    let on_one = [
        "-c",
        "0",
        ragdoll,
        "run",
        "small.toml",
        "--out",
        "one",
        "--seed",
        "5",
    ];
    let ended = bench.command(taskset, &on_one);
    assert!(
        ended.code.is_some_and(|code| [0, 1].contains(&code)),
        "{ended:?}"
    );
    assert_same(&bench, "all", "one");
}

/// A repetition is the run of its seed, not one that depends on the runs before it.
#[test]
fn a_repetition_gives_the_bytes_of_its_seed() {
    let bench = bench();
    bench.ragdoll(&[
        "run",
        "small.toml",
        "--repeat",
        "2",
        "--seed",
        "4",
        "--out",
        "several",
    ]);
    run(&bench, "alone", "5");
    assert_same(&bench, "several/seed-5", "alone");
}
