//! `ragdoll run`: exit codes, files, and what goes to which stream.

use crate::common::{Bench, FELT, FILES, HOLDS, experiment, without_wall};
use serde_json::Value;

/// A bench with an experiment that passes.
fn passing() -> Bench {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    bench
}

#[test]
fn a_run_that_passes_ends_with_0_and_is_quiet_in_a_pipe() {
    let bench = passing();
    let ended = bench
        .ragdoll(&["run", "small.toml", "--out", "made/of/need"])
        .with(0);
    assert_eq!(ended.stderr, "", "neither a bar nor a word");
    assert!(
        ended.stdout.starts_with("PASSED  A small experiment"),
        "{}",
        ended.stdout
    );
    for part in [
        "VERDICT",
        "PHASES",
        "EXPECTATIONS",
        "FAULTS",
        "FILES",
        "made/of/need",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part} in\n{}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains('\u{1b}'), "no colour in a pipe");
    assert_eq!(bench.list("made/of/need"), FILES);
}

#[test]
fn without_a_folder_the_files_go_to_out_and_the_experiments_name() {
    let bench = passing();
    bench.ragdoll(&["run", "small.toml"]).with(0);
    assert_eq!(bench.list("out"), ["small"]);
    assert_eq!(bench.list("out/small"), FILES);
}

#[test]
fn no_out_writes_nothing() {
    let bench = passing();
    let ended = bench.ragdoll(&["run", "small.toml", "--no-out"]).with(0);
    assert_eq!(bench.list(""), ["small.toml"]);
    assert!(!ended.stdout.contains("FILES"), "{}", ended.stdout);
}

#[test]
fn every_file_is_what_its_name_says() {
    let bench = passing();
    bench
        .ragdoll(&["run", "small.toml", "--out", "out"])
        .with(0);
    let lines = |name: &str| -> Vec<Value> {
        let text = bench.text(&format!("out/{name}"));
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON lines"))
            .collect()
    };
    let traces = lines("traces.otlp.jsonl");
    assert!(!traces.is_empty());
    assert!(
        traces
            .iter()
            .all(|line| line["resourceSpans"][0]["scopeSpans"][0]["spans"].is_array())
    );
    let metrics = lines("metrics.otlp.jsonl");
    assert!(!metrics.is_empty());
    assert!(
        metrics
            .iter()
            .all(|line| line["resourceMetrics"][0]["scopeMetrics"].is_array())
    );
    let logs = lines("logs.jsonl");
    assert!(logs.len() > 300);
    for key in ["timestamp", "severity", "service", "instance", "message"] {
        assert!(logs.iter().all(|line| line[key].is_string()), "{key}");
    }

    let journal = bench.json("out/journal.json");
    assert_eq!(journal["seed"], 3);
    assert_eq!(journal["faults"][0]["fault"]["kind"], "latency");
    assert!(journal["faults"][0]["firings"].as_u64() > Some(200));
    let record = bench.json("out/run.json");
    assert_eq!(
        (&record["seed"], &record["ground"]),
        (&3.into(), &"virtual".into())
    );
    assert_eq!(record["outcome"]["result"], "passed");
    assert_eq!(record["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        record["spec"]["topology"]["vector_db"]["shards"], 1,
        "every default is resolved"
    );
    let named = record["files"].as_array().expect("a list").iter();
    let mut named: Vec<&str> = named.filter_map(|file| file["name"].as_str()).collect();
    named.sort_unstable();
    assert_eq!(named, FILES);

    let page = bench.text("out/report.html").to_lowercase();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    let junit = quick_junit::Report::deserialize_from_str(&bench.text("out/junit.xml"));
    let junit = junit.expect("JUnit");
    assert_eq!((junit.tests, junit.failures, junit.errors), (2, 0, 0));
}

#[test]
fn json_prints_the_record_that_is_in_the_file() {
    let bench = passing();
    let ended = bench
        .ragdoll(&["run", "small.toml", "--out", "out", "--json"])
        .with(0);
    assert_eq!(ended.stderr, "");
    let printed: Value = serde_json::from_str(&ended.stdout).expect("one JSON value");
    assert_eq!(
        without_wall(printed),
        without_wall(bench.json("out/run.json"))
    );
}

#[test]
fn an_expectation_that_does_not_hold_ends_with_1() {
    let bench = Bench::new();
    let wrong = r#"
[[expect]]
phase = "faulty"
verdict = "bottleneck"
service = "llm"
because = "wrong on purpose"
"#;
    bench.write("wrong.toml", &experiment(FELT, wrong));
    let ended = bench
        .ragdoll(&["run", "wrong.toml", "--out", "out"])
        .with(1);
    assert!(ended.stdout.starts_with("FAILED"), "{}", ended.stdout);
    let replay = "ragdoll run wrong.toml --seed 3";
    assert!(
        ended.stdout.contains(replay),
        "a failure ends with how to see it again"
    );
    let junit = quick_junit::Report::deserialize_from_str(&bench.text("out/junit.xml"));
    assert_eq!(junit.expect("JUnit").failures, 1);
}

#[test]
fn a_mistake_in_the_file_ends_with_2_and_nothing_is_written() {
    let bench = Bench::new();
    let mistaken = experiment(FELT, HOLDS)
        .replace("poisson_per_s = 30.0", "poisson_per_s = -30.0")
        .replace("kind = \"latency\"", "kind = \"latencyy\"")
        .replace("service = \"shard\"\n", "servicee = \"shard\"\n");
    bench.write("mistaken.toml", &mistaken);
    let ended = bench
        .ragdoll(&["run", "mistaken.toml", "--out", "out"])
        .with(2);
    assert_eq!(ended.stdout, "");
    insta::assert_snapshot!(ended.stderr);
    assert_eq!(bench.list(""), ["mistaken.toml"]);
}

/// One mistake spoils all files: nothing is run before everything is known to be sound.
#[test]
fn a_mistake_in_one_of_several_files_stops_them_all() {
    let bench = passing();
    bench.write("mistaken.toml", "title = 5\n");
    let ended = bench
        .ragdoll(&["run", "small.toml", "mistaken.toml"])
        .with(2);
    assert!(
        ended.stderr.starts_with("mistaken.toml:1:1: `title` "),
        "{}",
        ended.stderr
    );
    assert_eq!((&*ended.stdout, bench.list("").len()), ("", 2));
}

#[test]
fn a_mistake_on_the_command_line_ends_with_2() {
    let bench = passing();
    let mistakes: [&[&str]; 7] = [
        &[],
        &["walk"],
        &["run"],
        &["run", "small.toml", "--seed", "minus one"],
        &["run", "small.toml", "--repeat", "0"],
        &["run", "small.toml", "--out", "out", "--no-out"],
        &["run", "absent.toml"],
    ];
    for arguments in mistakes {
        let ended = bench.ragdoll(arguments).with(2);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(bench.list(""), ["small.toml"]);
}

#[test]
fn a_folder_that_cannot_be_made_ends_with_3() {
    let bench = passing();
    bench.write("taken", "a file");
    let ended = bench
        .ragdoll(&["run", "small.toml", "--out", "taken/out"])
        .with(3);
    let fix = "choose another with --out, or --no-out";
    assert!(
        ended
            .stderr
            .starts_with("error: cannot create the folder taken/out: "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains(fix), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert_eq!(bench.text("taken"), "a file");
}

#[test]
fn a_file_that_cannot_be_written_ends_with_3() {
    let bench = passing();
    std::fs::create_dir_all(bench.path("out/run.json")).expect("a writable folder");
    let ended = bench
        .ragdoll(&["run", "small.toml", "--out", "out"])
        .with(3);
    assert!(
        ended
            .stderr
            .starts_with("error: cannot write out/run.json: "),
        "{}",
        ended.stderr
    );
}

const RECORDED: &str = r#"arrivals = { file = "load.csv", format = "azure_csv" }"#;

#[test]
fn a_recording_that_is_missing_ends_with_3_and_one_that_is_wrong_with_2() {
    let bench = Bench::new();
    let replay = experiment(FELT, HOLDS).replace("arrivals = { poisson_per_s = 30.0 }", RECORDED);
    bench.write("replay.toml", &replay);
    let ended = bench.ragdoll(&["run", "replay.toml", "--no-out"]).with(3);
    assert!(
        ended.stderr.contains("load.csv: cannot be read: "),
        "{}",
        ended.stderr
    );

    bench.write("load.csv", "when,what\n1,2\n");
    let ended = bench.ragdoll(&["run", "replay.toml", "--no-out"]).with(2);
    assert!(
        ended.stderr.contains("no column `TIMESTAMP`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_recording_is_found_beside_its_experiment_wherever_the_command_runs() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("below")).expect("a writable folder");
    let replay = experiment(FELT, HOLDS).replace("arrivals = { poisson_per_s = 30.0 }", RECORDED);
    bench.write("below/replay.toml", &replay);
    let rows = (0..600).map(|row| {
        let (second, tenth) = (row / 30, row % 30 * 333_333);
        format!("2023-11-16 18:15:{second:02}.{tenth:07},100,4\n")
    });
    let rows: String = rows.collect();
    bench.write(
        "below/load.csv",
        &format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}"),
    );
    let ended = bench.ragdoll(&["run", "below/replay.toml", "--no-out", "--json"]);
    let record: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let requests = record["phases"][0]["stats"]["requests"].as_u64();
    assert!(
        requests.is_some_and(|requests| requests >= 290),
        "{requests:?}"
    );
}

#[test]
fn a_fault_that_never_fires_ends_with_4() {
    let bench = Bench::new();
    let improbable = FELT.replace("params", "probability = 0.000001, params");
    bench.write("improbable.toml", &experiment(&improbable, HOLDS));
    let ended = bench
        .ragdoll(&["run", "improbable.toml", "--no-out"])
        .with(4);
    assert!(ended.stdout.starts_with("INCONCLUSIVE"), "{}", ended.stdout);
    assert!(ended.stdout.contains("never fired"), "{}", ended.stdout);
}

#[test]
fn a_fault_that_nobody_feels_ends_with_4_even_if_all_holds() {
    let bench = Bench::new();
    let harmless = FELT.replace("300", "0.001");
    let healthy = "\n[[expect]]\nphase = \"faulty\"\nverdict = \"no_bottleneck\"\n";
    bench.write("harmless.toml", &experiment(&harmless, healthy));
    let ended = bench.ragdoll(&["run", "harmless.toml", "--no-out"]).with(4);
    assert!(
        ended.stdout.contains("nobody could feel latency on shard"),
        "{}",
        ended.stdout
    );
}

#[test]
fn too_few_requests_end_with_4() {
    let bench = Bench::new();
    let idle = experiment(FELT, HOLDS).replace("poisson_per_s = 30.0", "poisson_per_s = 1.0");
    bench.write("idle.toml", &idle);
    bench.ragdoll(&["run", "idle.toml", "--no-out"]).with(4);
}

#[test]
fn a_seed_on_the_command_line_replaces_the_files() {
    let bench = passing();
    let ended = bench
        .ragdoll(&[
            "run",
            "small.toml",
            "--seed",
            "11",
            "--out",
            "out",
            "--json",
        ])
        .with(0);
    let record: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(
        (&record["seed"], &record["spec"]["seed"]),
        (&11.into(), &11.into())
    );
    assert_eq!(bench.json("out/journal.json")["seed"], 11);
}

#[test]
fn repeat_counts_seeds_up_and_sums_them_up() {
    let bench = passing();
    let ended = bench
        .ragdoll(&["run", "small.toml", "--repeat", "3", "--out", "out"])
        .with(0);
    let listed = ["repeat.json", "repeat.jsonl", "seed-3", "seed-4", "seed-5"];
    assert_eq!(bench.list("out"), listed);
    for seed in 3..=5 {
        let folder = format!("out/seed-{seed}");
        assert_eq!(bench.list(&folder), FILES);
        assert_eq!(bench.json(&format!("{folder}/run.json"))["seed"], seed);
    }
    let rows = ended
        .stdout
        .lines()
        .filter(|line| line.contains("passed") && line.contains("shard"));
    assert_eq!(rows.count(), 3, "{}", ended.stdout);
    assert_eq!(ended.stderr, "");

    let ended = bench
        .ragdoll(&["run", "small.toml", "--repeat", "2", "--no-out", "--json"])
        .with(0);
    let records: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(
        (&records[0]["seed"], &records[1]["seed"]),
        (&3.into(), &4.into())
    );
}

/// The worst of several runs decides, and each has its folder.
#[test]
fn several_files_get_a_folder_each_and_the_worst_decides() {
    let bench = passing();
    let wrong = "\n[[expect]]\nholds = \"faulty.p50_ms < 1.0\"\n";
    bench.write("wrong.toml", &experiment(FELT, wrong));
    let ended = bench
        .ragdoll(&["run", "small.toml", "wrong.toml", "--out", "out"])
        .with(1);
    assert_eq!(bench.list("out"), ["small", "wrong"]);
    assert!(
        ended.stdout.contains("PASSED") && ended.stdout.contains("FAILED"),
        "{}",
        ended.stdout
    );
}
