//! A system that is kept running: its faults come and go by command, and it leaves nothing behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use std::sync::MutexGuard;

use crate::common::{Bench, Ended, alone};
use ragdoll_runtime::Stopwatch;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A system in the background. Dropping it ends it, with all of its processes.
struct Up {
    child: Child,
    _said: BufReader<ChildStdout>,
    gateway: String,
    control: String,
    _alone: MutexGuard<'static, ()>,
}

impl Up {
    fn start(bench: &Bench, more: &[&str]) -> Up {
        let alone = alone();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ragdoll"));
        command.current_dir(bench.path(""));
        command
            .args(["up", "minimal", "--listen", "127.0.0.1:0"])
            .args(more);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = |line: &str| {
            let (_, rest) = line.split_once("http://").expect("an address");
            rest.split('/').next().unwrap_or_default().to_owned()
        };
        let (mut gateway, mut control) = (None, None);
        while gateway.is_none() || control.is_none() {
            let mut line = String::new();
            let read = said.read_line(&mut line).expect("a pipe");
            assert!(read > 0, "the system did not start");
            match line.split_whitespace().next() {
                Some("queries") => gateway = Some(address(&line)),
                Some("control") => control = Some(address(&line)),
                _ => {}
            }
        }
        Up {
            child,
            _said: said,
            _alone: alone,
            gateway: gateway.unwrap_or_default(),
            control: control.unwrap_or_default(),
        }
    }

    fn fault(&self, bench: &Bench, arguments: &[&str]) -> Ended {
        let mut line = vec!["fault"];
        line.extend(arguments);
        line.extend(["--at", &self.control]);
        bench.ragdoll(&line)
    }

    /// Status of a query, and how long it took.
    fn query(&self) -> (u16, f64) {
        let watch = Stopwatch::start();
        let body =
            r#"{ "query": "what is in the index", "top_k": 2, "user": "me", "max_tokens": 2 }"#;
        let (status, _) = http(&self.gateway, "POST", "/v1/query", &[], body);
        (status, watch.elapsed_s() * 1000.0)
    }

    fn faults(&self, bench: &Bench) -> Value {
        let listed = self.fault(bench, &["list", "--json"]).with(0);
        serde_json::from_str(&listed.stdout).expect("JSON")
    }

    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("our own child");
        self.child.wait().expect("our own child").code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // One that was stopped is gone, and cannot be killed again.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A plain HTTP/1.1 exchange, as any program can make it.
fn http(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a positive time");
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.unwrap_or_default(), body.unwrap_or_default())
}

#[test]
fn faults_come_change_and_go_while_the_system_runs() {
    let bench = Bench::new();
    let up = Up::start(&bench, &["--out", "kept"]);
    let (status, _) = up.query();
    assert_eq!(status, 200);

    let slow = |ms: u32| {
        let params = format!("{{ delay = {{ fixed = {{ ms = {ms} }} }} }}");
        let line = [
            "add",
            "latency",
            "--service",
            "reranker",
            "--params",
            &params,
        ];
        up.fault(&bench, &line).with(0).stdout
    };
    assert!(slow(700).starts_with("added: latency"));
    assert!(slow(700).starts_with("unchanged"));
    let (status, took_ms) = up.query();
    assert_eq!(status, 200);
    assert!(took_ms > 700.0, "it took {took_ms} ms");
    assert!(slow(1_400).starts_with("changed"));
    let (_, took_ms) = up.query();
    assert!(took_ms > 1_400.0, "it took {took_ms} ms");
    up.fault(&bench, &["rm", "latency"]).with(0);
    up.fault(&bench, &["rm", "latency"]).with(0);
    assert_eq!(up.faults(&bench), Value::Array(Vec::new()));

    assert_eq!(up.stop(), Some(0));
    let journal = bench.json("kept/journal.json");
    let faults = journal["faults"].as_array().expect("a list");
    let counts = faults
        .iter()
        .map(|fault| (fault["firings"].as_u64(), fault["injected_ms"].as_f64()));
    let counts: Vec<_> = counts.collect();
    assert_eq!(counts, [(Some(1), Some(700.0)), (Some(1), Some(1_400.0))]);
}

#[test]
fn each_lasting_state_has_two_verbs() {
    let bench = Bench::new();
    let up = Up::start(&bench, &[]);
    assert_eq!(up.query().0, 200);
    up.fault(&bench, &["crash", "llm-0"]).with(0);
    assert_eq!(up.query().0, 503);
    assert_eq!(up.faults(&bench)[0]["state"], "active");
    up.fault(&bench, &["restart", "llm-0"]).with(0);
    let watch = Stopwatch::start();
    while up.query().0 != 200 {
        assert!(watch.elapsed_s() < 20.0, "it does not come back");
    }
    up.fault(&bench, &["hang", "metadata-0"]).with(0);
    up.fault(&bench, &["partition", "embedder-0"]).with(0);
    assert_eq!(up.faults(&bench).as_array().map(Vec::len), Some(2));
    up.fault(&bench, &["resume", "metadata-0"]).with(0);
    up.fault(&bench, &["heal", "embedder-0"]).with(0);
    assert_eq!(up.query().0, 200);
    assert_eq!(up.stop(), Some(0));
    let events = bench.json("out/up/journal.json")["events"].clone();
    let what = events.as_array().expect("a list").iter();
    let what: Vec<&str> = what.filter_map(|event| event["what"].as_str()).collect();
    assert_eq!(what, ["killed", "started again", "paused", "resumed"]);
}

#[test]
fn the_api_takes_all_or_nothing_and_shows_itself_to_those_with_the_token() {
    let bench = Bench::new();
    let up = Up::start(&bench, &["--token", "secret"]);
    let ask = |method: &str, path: &str, token: &str, body: &str| {
        let token = format!("Bearer {token}");
        http(
            &up.control,
            method,
            path,
            &[("authorization", &token)],
            body,
        )
    };
    assert_eq!(ask("GET", "/v1/faults", "guess", "").0, 401);
    let (status, document) = http(&up.control, "GET", "/openapi.json", &[], "");
    assert_eq!(status, 200);
    assert!(document.contains("\"openapi\":\"3.1.0\""));

    let latency = r#"{ "kind": "latency", "target": { "service": "llm" }, "params": { "delay": { "fixed": { "ms": 1.0 } } } }"#;
    let one_is_wrong = format!(
        r#"{{ "a": {latency}, "b": {{ "kind": "latency", "target": {{ "service": "lmm" }}, "params": {{ "delay": {{ "fixed": {{ "ms": 1.0 }} }} }} }} }}"#
    );
    let (status, body) = ask("PUT", "/v1/faults", "secret", &one_is_wrong);
    assert_eq!(status, 422, "{body}");
    assert!(body.contains("b.target.service"), "{body}");
    assert!(ask("GET", "/v1/faults", "secret", "").1.contains("[]"));

    let both = format!(r#"{{ "a": {latency}, "b": {latency} }}"#);
    assert_eq!(ask("PUT", "/v1/faults", "secret", &both).0, 200);
    assert!(
        ask("PUT", "/v1/faults", "secret", &both)
            .1
            .contains("\"unchanged\"")
    );
    assert_eq!(ask("PUT", "/v1/faults", "secret", "{}").0, 200);
    assert_eq!(ask("DELETE", "/v1/faults/a", "secret", "").0, 204);
    assert_eq!(ask("GET", "/v1/faults/a", "secret", "").0, 404);
    let ended = up.fault(&bench, &["list"]).with(2);
    assert!(ended.stderr.contains("token"), "{}", ended.stderr);
}

#[test]
fn mistakes_and_an_environment_in_the_way_are_told() {
    let bench = Bench::new();
    let ended = bench.ragdoll(&["up", "--listen", "0.0.0.0:0"]).with(2);
    assert!(ended.stderr.contains("--token"), "{}", ended.stderr);
    let ended = bench.ragdoll(&["up", "tiny"]).with(2);
    assert!(ended.stderr.contains("minimal"), "{}", ended.stderr);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = bench.ragdoll(&["up", "--listen", &address]).with(3);
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
    drop(taken);
    let ended = bench.ragdoll(&["fault", "list", "--at", &address]).with(3);
    assert!(ended.stderr.contains("ragdoll up"), "{}", ended.stderr);
    let ended = bench.ragdoll(&["fault", "add", "latency"]).with(2);
    assert!(ended.stderr.contains("--service"), "{}", ended.stderr);
}
