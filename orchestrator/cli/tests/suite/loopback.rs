//! The loopback ground: real processes, real sockets, and nothing left behind.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{Bench, FELT, FILES, HOLDS, alone, assert_all_speak, assert_held, experiment};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Two phases of ten seconds become two of five.
const SHORT: [&str; 4] = ["--on", "loopback", "--phase-scale", "0.5"];

fn arguments<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["run", file];
    arguments.extend(SHORT);
    arguments.extend(more);
    arguments
}

#[test]
fn processes_serve_and_the_fault_is_found_in_what_they_said() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let _alone = alone();
    let ended = bench.ragdoll(&arguments("small.toml", &[]));
    let record = bench.json("out/small/run.json");
    assert_held(ended.code, &ended.said(), &record);
    assert!(ended.stdout.contains("loopback"), "{}", ended.stdout);
    assert_eq!(bench.list("out/small"), FILES);
    assert_eq!(record["ground"], "loopback");
    assert!(record["machine"]["lateness_p99_ms"].is_number());
    assert_all_speak(&bench.text("out/small/traces.otlp.jsonl"));
    let metrics = bench.text("out/small/metrics.otlp.jsonl");
    for gauge in [
        "process.cpu.time",
        "process.unix.file_descriptor.count",
        "hw.gpu.utilization",
    ] {
        assert!(metrics.contains(gauge), "no {gauge}");
    }
    let journal = bench.json("out/small/journal.json");
    let firings = journal["faults"][0]["firings"].as_u64();
    assert!(firings.is_some_and(|firings| firings > 50), "{firings:?}");
}

#[test]
fn a_killed_process_comes_back_and_takes_part_again() {
    let bench = Bench::new();
    let crash = r#"{ kind = "crash", target = { service = "reranker" }, at_s = 1.0, for_s = 7.0 }"#;
    let holds = "[[expect]]\nholds = \"faulty.error_rate > 0.3 && faulty.error_rate < 0.95\"\n";
    bench.write("crash.toml", &experiment(crash, holds));
    let _alone = alone();
    let ended = bench.ragdoll(&arguments("crash.toml", &[]));
    let record = bench.json("out/crash/run.json");
    assert_held(ended.code, &ended.said(), &record);
    let journal = bench.json("out/crash/journal.json");
    let events = journal["events"].as_array().expect("a list");
    let what: Vec<&str> = events
        .iter()
        .filter_map(|event| event["what"].as_str())
        .collect();
    assert_eq!(what, ["killed", "started again"]);
    assert_eq!(journal["faults"][0]["firings"], 1);
    assert!(
        bench
            .text("out/crash/logs.jsonl")
            .contains("process started")
    );
}

#[test]
fn a_program_that_is_no_service_ends_the_run_with_3_and_its_own_words() {
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let missing = bench.ragdoll(&arguments("small.toml", &["--service-program", "./absent"]));
    let missing = missing.with(3);
    assert!(
        missing.stderr.contains("--service-program"),
        "{}",
        missing.stderr
    );
    std::fs::write(
        bench.path("dies.sh"),
        "#!/bin/sh\necho no such model >&2\nexit 9\n",
    )
    .expect("a writable folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bench.path("dies.sh"), mode).expect("our own file");
    let died = bench.ragdoll(&arguments(
        "small.toml",
        &["--service-program", "./dies.sh"],
    ));
    let died = died.with(3);
    assert!(
        died.stderr
            .contains("ended at its start with exit code 9: no such model"),
        "{}",
        died.stderr
    );
    assert!(died.stderr.contains("marked incomplete"), "{}", died.stderr);
    let journal = bench.json("out/small/journal.json");
    assert!(journal["incomplete"].is_string(), "{journal}");
}

#[test]
fn a_full_disk_ends_the_run_with_3() {
    let _alone = alone();
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    std::fs::create_dir_all(bench.path("full")).expect("a writable folder");
    symlink("/dev/full", bench.path("full/traces.otlp.jsonl")).expect("a writable folder");
    let ended = bench
        .ragdoll(&arguments("small.toml", &["--out", "full"]))
        .with(3);
    assert!(
        ended.stderr.contains("cannot write full/traces.otlp.jsonl"),
        "{}",
        ended.stderr
    );
    assert!(bench.json("full/journal.json")["incomplete"].is_string());
    assert!(
        !bench.text("full/logs.jsonl").is_empty(),
        "what can be written is kept"
    );
}

#[test]
fn an_address_in_use_is_told_by_whoever_wants_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().map(|address| (taken, address));
    let (_held, address) = taken.expect("an address");
    let bench = Bench::new();
    let program = bench.path("ragdoll-service");
    symlink(env!("CARGO_BIN_EXE_ragdoll"), &program).expect("a writable folder");
    let address = address.to_string();
    let line = ["--role", "llm", "--listen", &address];
    let ended = bench.command(&program, &line).with(3);
    assert!(
        ended
            .stderr
            .contains(&format!("cannot listen on {address}")),
        "{}",
        ended.stderr
    );

    bench.write("plan.json", "{}");
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let line = [
        "run",
        "small.toml",
        "--on",
        "deployed",
        "--plan",
        "plan.json",
        "--otlp-listen",
        &address,
    ];
    let ended = bench.ragdoll(&line).with(3);
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
}

#[test]
fn a_service_says_what_is_wrong_with_its_plan() {
    let bench = Bench::new();
    let program = bench.path("ragdoll-service");
    symlink(env!("CARGO_BIN_EXE_ragdoll"), &program).expect("a writable folder");
    bench.write("plan.json", r#"{ "sed": 1 }"#);
    let cases = [
        vec!["--role", "llm", "--index", "3"],
        vec!["--role", "client"],
        vec!["--role", "llm", "--plan", "plan.json"],
        vec!["--role", "llm", "--plan", "absent.json"],
        vec!["--check", "127.0.0.1:7000"],
    ];
    let said = cases.map(|line| {
        let ended = bench.command(&program, &line);
        let first = ended.stderr.lines().next().unwrap_or_default().to_owned();
        format!("{:?} {first}", ended.code)
    });
    insta::assert_snapshot!(said.join("\n"));
}

/// A run in the background, whose processes can be counted.
struct Background {
    child: Child,
}

impl Background {
    fn start(bench: &Bench, line: &[&str]) -> Background {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ragdoll"));
        command.current_dir(bench.path("")).args(line);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Background {
            child: command.spawn().expect("the program starts"),
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The run's processes, once there are as many as there should be.
    fn processes(&self, expected: usize) -> Vec<Pid> {
        for _ in 0..500 {
            let found = children(self.pid());
            if found.len() >= expected {
                return found;
            }
            pause();
        }
        panic!("{:?} of {expected} processes", children(self.pid()));
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_nonzero().get();
    let mut found = Vec::new();
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task"));
    for task in tasks.into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children"));
        let pids = list.unwrap_or_default();
        let pids = pids.split_whitespace().filter_map(|pid| pid.parse().ok());
        found.extend(pids.filter_map(Pid::from_raw));
    }
    found
}

fn pause() {
    #[allow(
        clippy::disallowed_methods,
        reason = "what is waited for happens in other processes"
    )]
    std::thread::sleep(std::time::Duration::from_millis(20));
}

/// Whether all of them are gone within ten seconds.
fn are_gone(processes: &[Pid]) -> bool {
    let lives = |pid: &&Pid| test_kill_process(**pid).is_ok();
    for _ in 0..500 {
        if processes.iter().filter(lives).count() == 0 {
            return true;
        }
        pause();
    }
    false
}

/// Instances of the small experiment's system.
const INSTANCES: usize = 9;

#[test]
fn an_interrupted_run_leaves_no_process_and_keeps_what_it_has() {
    let _alone = alone();
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let run = Background::start(&bench, &["run", "small.toml", "--on", "loopback"]);
    let processes = run.processes(INSTANCES);
    let journal = bench.path("out/small/traces.otlp.jsonl");
    wait_for_bytes(&journal);
    kill_process(run.pid(), Signal::INT).expect("our own child");
    let ended = run.child.wait_with_output().expect("our own child");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("interrupted after"), "{said}");
    assert!(are_gone(&processes), "processes are left");
    let journal = bench.json("out/small/journal.json");
    assert!(
        journal["incomplete"]
            .as_str()
            .is_some_and(|why| why.contains("interrupted"))
    );
}

fn wait_for_bytes(file: &Path) {
    for _ in 0..500 {
        if std::fs::metadata(file).is_ok_and(|found| found.len() > 0) {
            return;
        }
        pause();
    }
    panic!("{} stays empty", file.display());
}

#[test]
fn a_run_that_is_killed_takes_its_processes_with_it_even_those_that_stand_still() {
    let _alone = alone();
    let bench = Bench::new();
    bench.write("small.toml", &experiment(FELT, HOLDS));
    let mut run = Background::start(
        &bench,
        &["run", "small.toml", "--on", "loopback", "--no-out"],
    );
    let processes = run.processes(INSTANCES);
    // They tie themselves to their parent first, and are stopped only after that.
    wait_until_listening(&processes);
    kill_process(processes[0], Signal::STOP).expect("our own grandchild");
    kill_process(run.pid(), Signal::KILL).expect("our own child");
    run.child.wait().expect("our own child");
    assert!(are_gone(&processes), "processes are left");
}

/// A process that listens has read its plan.
fn wait_until_listening(processes: &[Pid]) {
    let sockets = |pid: &Pid| {
        let folder = format!("/proc/{}/fd", pid.as_raw_nonzero());
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        targets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    };
    for _ in 0..500 {
        // One pair of sockets belongs to the runtime's signals.
        if processes.iter().all(|pid| sockets(pid) > 2) {
            return;
        }
        pause();
    }
    panic!("not all processes listen");
}
