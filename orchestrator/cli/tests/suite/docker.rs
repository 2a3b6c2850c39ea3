//! The docker ground: real containers, real limits, and nothing left on the engine.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::sync::MutexGuard;

use crate::common::{Bench, FELT, FILES, HOLDS, alone, assert_all_speak, assert_held, experiment};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// An engine with the image of the services, for one test at a time.
struct Engine {
    image: String,
    _turn: MutexGuard<'static, ()>,
}

/// None, said where it is seen, where this machine has no engine or not the image. With
/// `RAGDOLL_REQUIRE_DOCKER=1` that is a failure.
fn engine() -> Option<Engine> {
    let turn = alone();
    let image = std::env::var("RAGDOLL_IMAGE").unwrap_or_else(|_| "ragdoll:dev".to_owned());
    let why = match docker(&["version", "--format", "{{.Server.Version}}"]) {
        Err(why) => format!("no container engine: {why}"),
        Ok(_) => match docker(&["image", "inspect", "--format", "{{.Id}}", &image]) {
            Err(why) => format!("no image {image}, see compose/build-image.sh: {why}"),
            Ok(_) => return Some(Engine { image, _turn: turn }),
        },
    };
    let is_required = std::env::var("RAGDOLL_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
    assert!(!is_required, "{why}");
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    // Past what the test harness takes of the output of tests that pass.
    writeln!(std::io::stderr(), "skipped: {why} ({test})").expect("an open standard error");
    None
}

/// What docker prints, or its complaint.
fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(arguments).output();
    let output = output.map_err(|error| format!("docker: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(text(&output.stderr))
}

/// A run on the engine.
struct Run {
    child: Child,
    pid: u32,
}

/// How it ended.
struct Ended {
    code: Option<i32>,
    stderr: String,
    stdout: String,
    pid: u32,
}

impl Engine {
    /// Two phases of ten seconds become two of six.
    fn start(&self, bench: &Bench, file: &str, more: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ragdoll"));
        command.current_dir(bench.path(""));
        command.args(["run", file, "--on", "docker", "--phase-scale", "0.6"]);
        command.args(["--image", &self.image]).args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program starts");
        Run {
            pid: child.id(),
            child,
        }
    }

    fn without_image(self) -> Engine {
        let image = "ragdoll-absent:none".to_owned();
        Engine { image, ..self }
    }

    fn run(&self, bench: &Bench, file: &str, more: &[&str]) -> Ended {
        self.start(bench, file, more).wait()
    }
}

impl Run {
    fn wait(self) -> Ended {
        let output = self.child.wait_with_output().expect("our own child");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            pid: self.pid,
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("our own child");
    }

    /// Waits until it has as many containers and networks.
    fn wait_for_belongings(&self, count: usize) {
        for _ in 0..1500 {
            if belongings(self.pid).len() >= count {
                return;
            }
            pause();
        }
        panic!("{:?} of {count}", belongings(self.pid));
    }
}

impl Ended {
    /// The same, after a look at the exit code and at what is left on the engine.
    #[track_caller]
    fn with(self, code: i32) -> Self {
        let Ended { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "{stdout}\n{stderr}");
        assert_eq!(belongings(self.pid), [""; 0], "left behind");
        self
    }
}

/// The record of a run that came to its end, whose expectations all held, and which left nothing.
#[track_caller]
fn concluded(ended: &Ended, bench: &Bench, folder: &str) -> Value {
    let said = format!("{}\n{}", ended.stdout, ended.stderr);
    let name = format!("{folder}/run.json");
    assert!(bench.path(&name).exists(), "no record was written: {said}");
    let record = bench.json(&name);
    assert_held(ended.code, &said, &record);
    assert_eq!(belongings(ended.pid), [""; 0], "left behind");
    record
}

/// Names of the containers and networks of the run of this process.
fn belongings(pid: u32) -> Vec<String> {
    let format = r#"{{.Label "dev.ragdoll.run"}} {{.Label "dev.ragdoll.instance"}}"#;
    let label = "label=dev.ragdoll.run";
    let containers = docker(&["ps", "--all", "--filter", label, "--format", format]);
    let networks = docker(&["network", "ls", "--filter", label, "--format", format]);
    let lines = [containers, networks].map(|lines| lines.expect("an engine that answers"));
    let own = format!("{pid}-");
    let all = lines.iter().flat_map(|lines| lines.lines());
    all.filter(|line| line.starts_with(&own))
        .map(str::to_owned)
        .collect()
}

fn pause() {
    #[allow(
        clippy::disallowed_methods,
        reason = "what is waited for happens in other processes"
    )]
    std::thread::sleep(std::time::Duration::from_millis(20));
}

/// What befell the instances, as `INSTANCE WHAT`.
fn events(journal: &Value) -> Vec<String> {
    let events = journal["events"].as_array().expect("a list");
    let in_words = events.iter().map(|event| {
        let text = |key: &str| event[key].as_str().expect("text");
        format!("{} {}", text("instance"), text("what"))
    });
    in_words.collect()
}

#[test]
fn containers_serve_and_the_fault_is_found_in_what_they_said() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let ended = engine.run(&bench, "small.toml", &[]);
    let record = concluded(&ended, &bench, "out/small");
    assert_eq!(record["ground"], "docker");
    assert_eq!(bench.list("out/small"), FILES);
    assert_all_speak(&bench.text("out/small/traces.otlp.jsonl"));
}

#[test]
fn the_kernel_kills_who_runs_out_of_memory_and_the_verdict_says_so() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    let oom = r#"{ kind = "oom", target = { service = "reranker" }, probability = 0.05, params = { bytes_per_input_byte = 1000000.0, reclaim_ms = 1500.0, restart_ms = 50.0 } }"#;
    let expectations = r#"
[[expect]]
phase = "faulty"
verdict = "bottleneck"
service = "reranker"
cause = "memory"
question = "errors"
"#;
    bench.write("oom.toml", &experiment(oom, expectations));
    let ended = engine.run(&bench, "oom.toml", &[]);
    concluded(&ended, &bench, "out/oom");
    let events = events(&bench.json("out/oom/journal.json"));
    let expected = "reranker-0 killed for want of memory: with exit code 137";
    assert_eq!(events[0], expected);
    assert_eq!(events[1], "reranker-0 started again");
    let logs = bench.text("out/oom/logs.jsonl");
    for line in ["OutOfMemory: process killed", "process started"] {
        assert!(logs.contains(line), "no line `{line}`");
    }
}

/// What the engine itself says was done to the containers of the run, in order, as `ACTION NAME`.
fn engine_events(pid: u32, since: &str) -> Vec<String> {
    let format = r#"{{index .Actor.Attributes "dev.ragdoll.run"}} {{.Type}} {{.Action}} {{index .Actor.Attributes "dev.ragdoll.instance"}}"#;
    let now = docker(&["info", "--format", "{{.SystemTime}}"]).expect("an engine that answers");
    let line = [
        "events",
        "--since",
        since,
        "--until",
        &now,
        "--filter",
        "type=container",
        "--format",
        format,
    ];
    let lines = docker(&line).expect("an engine that answers");
    let own = format!("{pid}-");
    let lines = lines.lines().filter(|line| line.starts_with(&own));
    let events = lines.filter_map(|line| line.split_once(" container ").map(|(_, event)| event));
    events.map(str::to_owned).collect()
}

#[test]
fn the_engine_does_what_faults_do_to_whole_processes_and_takes_it_back() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    let faults = r#"
    { kind = "crash", target = { service = "reranker" }, at_s = 1.0, params = { down_ms = 400.0 } },
    { kind = "hang", target = { service = "shard" }, at_s = 5.0, for_s = 1.0 },
    { kind = "partition", target = { service = "embedder" }, at_s = 7.0, for_s = 1.0 },
    { kind = "cpu_throttling", target = { service = "reranker" }, at_s = 8.0, for_s = 1.5, params = { quota_ms = 5.0 } },
"#;
    let holds = "[[expect]]\nholds = \"faulty.error_rate < 1.0\"\n";
    bench.write("all.toml", &experiment(faults, holds));
    let since = docker(&["info", "--format", "{{.SystemTime}}"]).expect("an engine that answers");
    let ended = engine.run(&bench, "all.toml", &[]);
    concluded(&ended, &bench, "out/all");
    let journal = bench.json("out/all/journal.json");
    let mut done = events(&journal);
    // What is done to different instances may overlap on a slow engine.
    done.sort_by_key(|event| {
        event
            .split_once(' ')
            .map(|(instance, _)| instance.to_owned())
    });
    insta::assert_snapshot!(done.join("\n"), @r"
    embedder-0 disconnected
    embedder-0 connected again
    reranker-0 killed
    reranker-0 started again
    reranker-0 limited to 5 ms in each 100 ms
    reranker-0 limit lifted
    shard-0-0 paused
    shard-0-0 resumed
    ");
    for fault in journal["faults"].as_array().expect("a list") {
        let firings = fault["firings"].as_u64();
        assert!(firings.is_some_and(|firings| firings > 0), "{fault}");
    }
    let seen = engine_events(ended.pid, &since);
    for event in [
        "kill reranker-0",
        "die reranker-0",
        "pause shard-0-0",
        "unpause shard-0-0",
        "update reranker-0",
    ] {
        assert!(
            seen.iter().any(|seen| seen == event),
            "no `{event}` in {seen:#?}"
        );
    }
    let starts = seen
        .iter()
        .filter(|event| *event == "start reranker-0")
        .count();
    assert_eq!(starts, 2);
}

#[test]
fn calls_across_a_partition_are_answered_when_it_has_healed() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    let partition =
        r#"{ kind = "partition", target = { service = "embedder" }, at_s = 2.5, for_s = 2.5 }"#;
    let holds = "[[expect]]\nholds = \"faulty.p99_ms > 1000.0 && faulty.error_rate == 0.0\"\n";
    bench.write("cut.toml", &experiment(partition, holds));
    let ended = engine.run(&bench, "cut.toml", &[]);
    concluded(&ended, &bench, "out/cut");
    let expected = ["embedder-0 disconnected", "embedder-0 connected again"];
    assert_eq!(events(&bench.json("out/cut/journal.json")), expected);
}

#[test]
fn an_image_that_is_not_there_is_not_pulled() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let ended = engine
        .without_image()
        .run(&bench, "small.toml", &[])
        .with(3);
    for words in [
        "ragdoll-absent:none",
        "none is pulled",
        "compose/build-image.sh",
        "--image",
    ] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn no_engine_ends_the_run_with_3() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_ragdoll"));
    command
        .current_dir(bench.path(""))
        .args(["run", "small.toml", "--on", "docker"]);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let output = command.output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    for words in [
        "cannot start containers",
        "/nowhere/docker.sock",
        "DOCKER_HOST",
    ] {
        assert!(stderr.contains(words), "{stderr}");
    }
    let left = bench.list("");
    assert_eq!(left, ["small.toml"], "an earlier run's files are kept");
}

#[test]
fn a_run_that_fails_leaves_nothing_on_the_engine() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    std::fs::create_dir_all(bench.path("full")).expect("a writable folder");
    symlink("/dev/full", bench.path("full/traces.otlp.jsonl")).expect("a writable folder");
    let ended = engine.run(&bench, "small.toml", &["--out", "full"]).with(3);
    assert!(
        ended.stderr.contains("cannot write full/traces.otlp.jsonl"),
        "{}",
        ended.stderr
    );
}

/// Name of the container of an instance, once there is one.
fn container(run: &Run, instance: &str) -> String {
    let label = format!("label=dev.ragdoll.instance={instance}");
    let own = format!("ragdoll-{}-", run.pid);
    for _ in 0..1500 {
        let names = docker(&["ps", "--filter", &label, "--format", "{{.Names}}"]);
        let names = names.expect("an engine that answers");
        if let Some(name) = names.lines().find(|name| name.starts_with(&own)) {
            return name.to_owned();
        }
        pause();
    }
    panic!("{instance} has no container");
}

#[test]
fn a_container_that_nobody_meant_to_end_ends_the_run_with_3() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let run = engine.start(&bench, "small.toml", &[]);
    docker(&["kill", &container(&run, "gateway-0")]).expect("a running container");
    let ended = run.wait().with(3);
    let expected = "gateway-0 ended at its start with exit code 137";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);

    let run = engine.start(&bench, "small.toml", &[]);
    wait_for_bytes(&bench, "out/small/traces.otlp.jsonl");
    docker(&["kill", &container(&run, "reranker-0")]).expect("a running container");
    let ended = run.wait().with(3);
    let words = ["reranker-0 ended after", "with exit code 137"];
    assert!(
        words.iter().all(|words| ended.stderr.contains(words)),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_run_that_is_interrupted_while_it_starts_leaves_nothing() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let run = engine.start(&bench, "small.toml", &[]);
    run.wait_for_belongings(4);
    run.signal(Signal::INT);
    let ended = run.wait().with(3);
    assert!(
        ended.stderr.contains("interrupted after 0.0 s"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_interrupted_run_leaves_nothing_and_keeps_what_it_has() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let run = engine.start(&bench, "small.toml", &[]);
    wait_for_bytes(&bench, "out/small/traces.otlp.jsonl");
    run.signal(Signal::INT);
    let ended = run.wait().with(3);
    assert!(
        ended.stderr.contains("interrupted after"),
        "{}",
        ended.stderr
    );
    let journal = bench.json("out/small/journal.json");
    assert!(
        journal["incomplete"]
            .as_str()
            .is_some_and(|why| why.contains("interrupted"))
    );
}

fn wait_for_bytes(bench: &Bench, file: &str) {
    for _ in 0..3000 {
        if std::fs::metadata(bench.path(file)).is_ok_and(|found| found.len() > 0) {
            return;
        }
        pause();
    }
    panic!("{file} stays empty");
}

#[test]
fn what_a_killed_run_leaves_the_next_one_removes() {
    let Some(engine) = engine() else { return };
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let mut run = engine.start(&bench, "small.toml", &["--no-out"]);
    run.wait_for_belongings(4);
    run.signal(Signal::KILL);
    run.child.wait().expect("our own child");
    assert!(
        !belongings(run.pid).is_empty(),
        "a killed process removes nothing"
    );
    engine
        .without_image()
        .run(&bench, "small.toml", &["--no-out"])
        .with(3);
    assert_eq!(belongings(run.pid), [""; 0]);
}
