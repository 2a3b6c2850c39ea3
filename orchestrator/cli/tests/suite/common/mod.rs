//! The command in a folder of its own, and small experiments for it.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

/// Held by a test that measures real time: another one on the same processors would spoil its figures.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files of a run that say what the services said, and what was done to them.
pub(crate) const TELEMETRY: [&str; 3] = ["traces.otlp.jsonl", "logs.jsonl", "metrics.otlp.jsonl"];

/// All files of a run.
pub(crate) const FILES: [&str; 7] = [
    "journal.json",
    "junit.xml",
    "logs.jsonl",
    "metrics.otlp.jsonl",
    "report.html",
    "run.json",
    "traces.otlp.jsonl",
];

/// A latency that everybody feels.
pub(crate) const FELT: &str = r#"{ kind = "latency", target = { service = "shard" }, params = { delay = { fixed = { ms = 300 } } } }"#;

/// What then holds.
pub(crate) const HOLDS: &str = r#"
[[expect]]
phase = "faulty"
verdict = "bottleneck"
service = "shard"

[[expect]]
holds = "faulty.p50_ms > baseline.p50_ms + 250.0"
"#;

/// An experiment of two phases of ten simulated seconds, which takes a tenth of a second.
pub(crate) fn experiment(faults: &str, expectations: &str) -> String {
    format!(
        r#"title = "A small experiment"
seed = 3

[topology]
base = "minimal"

[topology.llm]
decode_base_ms = 5.0
decode_per_seq_ms = 0.0
prefill_per_token_ms = 0.01

[workload]
arrivals = {{ poisson_per_s = 30.0 }}
output_tokens = {{ fixed = {{ tokens = 4 }} }}
ingest_per_s = 1.0

[[phases]]
name = "baseline"
duration_s = 10

[[phases]]
name = "faulty"
duration_s = 10
faults = [{faults}]
{expectations}"#
    )
}

/// A folder to run the command in.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Bench {
            folder: TempDir::new().expect("a temporary folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a writable folder");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("UTF-8")
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).expect("JSON")
    }

    /// Names of what lies in a folder.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).expect("a folder");
        let names = entries.map(|entry| entry.expect("readable").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    /// Runs `ragdoll` with these arguments.
    pub(crate) fn ragdoll(&self, arguments: &[&str]) -> Ended {
        self.command(Path::new(env!("CARGO_BIN_EXE_ragdoll")), arguments)
    }

    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Ended {
        let mut command = assert_cmd::Command::new(program);
        command.current_dir(self.folder.path()).args(arguments);
        for variable in ["COLUMNS", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        Ended::new(command.output().expect("the program starts"))
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn new(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ended {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// All that it printed.
    pub(crate) fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// The same, after a look at the exit code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// A record of a run without what depends on the machine, which a repeated run leaves out itself.
pub(crate) fn without_wall(mut record: Value) -> Value {
    let wall = record.as_object_mut().expect("a record").remove("wall");
    let measured = wall.filter(|wall| !wall.is_null());
    assert!(measured.is_none_or(|wall| {
        wall["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    }));
    record
}

/// The run came to its end, and everything held that the machine was quick enough to tell: that it
/// was too busy for the figures to mean much is no fault of the ground's.
#[track_caller]
pub(crate) fn assert_held(code: Option<i32>, said: &str, record: &Value) {
    let reasons = record["outcome"]["reasons"].as_array();
    let of_machine = |reason: &Value| {
        let text = reason.as_str().unwrap_or_default();
        text.starts_with("the machine was the bottleneck")
    };
    let machine_only = reasons.is_some_and(|reasons| reasons.iter().all(of_machine));
    let sound = code == Some(0) || (code == Some(4) && machine_only);
    assert!(sound, "{code:?}\n{said}");
    for expectation in record["expectations"].as_array().expect("a list") {
        assert_eq!(expectation["held"], true, "{expectation}");
    }
}

/// Every service of the small experiment's system left spans.
#[track_caller]
pub(crate) fn assert_all_speak(traces: &str) {
    for service in [
        "client",
        "gateway",
        "metadata",
        "embedder",
        "vector-db",
        "shard",
        "reranker",
        "llm",
        "ingest-worker",
    ] {
        let named = format!("{{\"stringValue\":\"{service}\"}}");
        assert!(traces.contains(&named), "no spans of {service}");
    }
}
