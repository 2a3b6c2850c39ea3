//! From the first connection to the last, whatever happens in between.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::*;
use ragdoll_collector::{LOGS_FILE, METRICS_FILE, Output, Receiver, TRACES_FILE};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::Clock;
use ragdoll_telemetry::Exporter;
use ragdoll_trace::{Reader, TraceSet};

const SENDERS: u64 = 16;
const REQUESTS: u64 = 20;
const SPANS: u64 = 40;
/// More than the inbox holds.
const BATCHES: usize = 2000;

/// Many senders at a time, whose spans have a number each.
async fn send_all(receiver: &Receiver) {
    let mut sending = Vec::new();
    for sender in 0..SENDERS {
        let mut client = trace_client(receiver).await;
        sending.push(tokio::spawn(async move {
            for request in 0..REQUESTS {
                let first = (sender * REQUESTS + request) * SPANS + 1;
                let spans = numbered(first..=first + SPANS - 1);
                client.export(spans).await.expect("taken");
            }
        }));
    }
    for sender in sending {
        sender.await.expect("no panic");
    }
}

fn span_ids(set: &TraceSet) -> BTreeSet<u64> {
    set.spans().iter().map(|span| span.span_id).collect()
}

fn read_spans(bytes: &[u8]) -> TraceSet {
    let mut reader = Reader::new();
    reader.read(TRACES_FILE, bytes).expect("our own form");
    let (seen, report) = reader.finish();
    assert_eq!(report.sources[0].error_count, 0, "{:?}", report.notes());
    seen.traces
}

#[test]
fn many_senders_at_a_time_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let received = in_runtime(async {
        let receiver = start(Some(folder.path()), None).await;
        send_all(&receiver).await;
        receiver.end().await
    });
    let all: BTreeSet<u64> = (1..=SENDERS * REQUESTS * SPANS).collect();
    assert_eq!(received.counts.spans, all.len() as u64);
    assert!(span_ids(&received.collected.observations.traces) == all);
    let written = std::fs::read(folder.path().join(TRACES_FILE)).expect("a file");
    assert!(span_ids(&read_spans(&written)) == all);
}

/// A file that takes no more than a pipe does until somebody reads it.
fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo is there").success());
}

/// A sender to a receiver whose spans go into a pipe that nobody reads yet.
struct Stuck {
    receiver: Receiver,
    /// Answers that the sender got, to 512 spans each.
    answered: Arc<AtomicU64>,
    sending: tokio::task::JoinHandle<()>,
    /// Lets the reader begin.
    read: std::sync::mpsc::Sender<()>,
    reader: std::thread::JoinHandle<Vec<u8>>,
}

impl Stuck {
    /// Sends until it gets no answer any more. At most `requests` go out, and none after the first
    /// that fails.
    async fn start(folder: &Path, requests: u64) -> Stuck {
        let path = folder.join(TRACES_FILE);
        make_pipe(&path);
        let (read, may_read) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut pipe = std::fs::File::open(&path).expect("a pipe");
            may_read.recv().expect("somebody lets it begin");
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).expect("what is written");
            bytes
        });
        let receiver = start(Some(folder), None).await;
        let mut client = trace_client(&receiver).await;
        let answered = Arc::new(AtomicU64::new(0));
        let answers = answered.clone();
        let sending = tokio::spawn(async move {
            for request in 0..requests {
                let first = request * 512 + 1;
                if client.export(numbered(first..=first + 511)).await.is_err() {
                    break;
                }
                answers.fetch_add(1, Ordering::AcqRel);
            }
        });
        let stuck = Stuck {
            receiver,
            answered,
            sending,
            read,
            reader,
        };
        let clock = Clock::new_real();
        let mut before = None;
        while before != Some(stuck.answers()) {
            before = Some(stuck.answers());
            clock.sleep_us(1_000_000).await;
        }
        stuck
    }

    fn answers(&self) -> u64 {
        self.answered.load(Ordering::Acquire)
    }
}

#[test]
fn senders_wait_for_files_that_are_slow() {
    let folder = tempfile::tempdir().expect("a folder");
    let (received, reader) = in_runtime(async {
        let stuck = Stuck::start(folder.path(), 200).await;
        // The pipe, the buffer before it and the inbox take less than that.
        assert!(stuck.answers() < 150, "{} answers", stuck.answers());
        stuck.read.send(()).expect("the reader waits");
        stuck.sending.await.expect("no panic");
        assert_eq!(stuck.answered.load(Ordering::Acquire), 200);
        (stuck.receiver.end().await, stuck.reader)
    });
    assert_eq!(received.counts.spans, 200 * 512);
    let bytes = reader.join().expect("no panic");
    assert_eq!(read_spans(&bytes).spans().len(), 200 * 512);
}

#[test]
fn what_is_in_progress_at_the_end_is_answered_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (before, answered, received) = in_runtime(async {
        let stuck = Stuck::start(folder.path(), u64::MAX).await;
        let before = stuck.answers();
        stuck.read.send(()).expect("the reader waits");
        let received = stuck.receiver.end().await;
        stuck.sending.await.expect("no panic");
        stuck.reader.join().expect("no panic");
        (before, stuck.answered.load(Ordering::Acquire), received)
    });
    assert!(answered > before, "one was in progress");
    assert_eq!(received.counts.spans, answered * 512);
}

#[test]
fn a_receiver_that_is_killed_is_noticed_and_keeps_what_it_had() {
    let received = in_runtime(async {
        let receiver = start(None, None).await;
        let mut client = trace_client(&receiver).await;
        client.export(numbered(1..=3)).await.expect("taken");
        assert!(receiver.is_alive());
        receiver.kill();
        let why = receiver.died().await;
        let address = receiver.address().to_string();
        assert_eq!(
            why.replace(&address, "ADDRESS"),
            "it no longer listens on ADDRESS: it was ended"
        );
        assert!(!receiver.is_alive());
        client
            .export(numbered(4..=4))
            .await
            .expect_err("the connection is cut");
        receiver.end().await
    });
    assert_eq!(received.counts.spans, 3);
    assert!(received.failure.is_none());
}

#[test]
fn a_full_disk_costs_the_files_and_not_what_was_collected() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = folder.path().join(TRACES_FILE);
    std::os::unix::fs::symlink("/dev/full", full).expect("a link");
    let received = in_runtime(async {
        let receiver = start(Some(folder.path()), None).await;
        send_all(&receiver).await;
        assert!(receiver.is_alive());
        receiver.end().await
    });
    assert_eq!(received.counts.spans, SENDERS * REQUESTS * SPANS);
    let spans = received.collected.observations.traces.spans().len() as u64;
    assert_eq!(spans, received.counts.spans);
    let failure = received
        .failure
        .as_ref()
        .expect("the disk is full")
        .to_string();
    assert!(
        failure.contains(TRACES_FILE) && failure.contains("No space left"),
        "{failure}"
    );
    received.into_result().expect_err("the same failure");
}

#[test]
fn this_process_speaks_into_the_same_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "{\"timestamp\":\"2025-01-01T00:00:00Z\",\"severity\":\"INFO\",\
                \"service\":\"client\",\"instance\":\"client-0\",\"message\":\"started\"}\n";
    let received = in_runtime(async {
        let (sender, batches) = std::sync::mpsc::sync_channel(BATCHES);
        let local = vec![InstanceId::new(Service::CLIENT, 0).into()];
        let output = Some(Output::create(folder.path()).expect("files"));
        let receiver = Receiver::start(ANY_PORT, batches, local, output, None).await;
        let receiver = receiver.expect("a free port");
        let mut client = trace_client(&receiver).await;
        client.export(numbered(1..=1)).await.expect("taken");
        for _ in 0..BATCHES {
            let batch = ragdoll_telemetry::Batch {
                logs: line.as_bytes().to_vec(),
                ..Default::default()
            };
            sender.send(batch).expect("room");
        }
        // The sender is still there: what it sent so far is waited for, and no more.
        let received = receiver.end().await;
        drop(sender);
        received
    });
    let counts = received.counts;
    assert_eq!((counts.spans, counts.log_lines), (1, BATCHES as u64));
    let seen = &received.collected.observations;
    assert_eq!(seen.traces.instance(seen.logs[0].resource), "client-0");
    let written = std::fs::read_to_string(folder.path().join(LOGS_FILE)).expect("a file");
    assert_eq!(written, line.repeat(BATCHES));
    let metrics = std::fs::read(folder.path().join(METRICS_FILE)).expect("a file");
    assert!(metrics.is_empty());
}

#[test]
fn another_address_leads_to_the_same_receiver() {
    let received = in_runtime(async {
        let receiver = start(None, None).await;
        let also = receiver
            .listen_also("127.0.0.2:0".parse().expect("an address"))
            .await;
        let also = also.expect("all of 127 is this machine");
        let headers = [("content-type", "application/json")];
        let body = include_bytes!("json/traces.json");
        assert_eq!(
            request(also, "POST /v1/traces", &headers, body)
                .await
                .status,
            200
        );
        trace_client(&receiver)
            .await
            .export(numbered(1..=1))
            .await
            .expect("taken");
        receiver.end().await
    });
    assert_eq!(received.counts.spans, 3);
}

#[test]
fn one_thread_is_enough_for_a_runtime() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    let received = runtime.block_on(async {
        let (exporter, batches) = Exporter::channel();
        let receiver = Receiver::start(ANY_PORT, batches, Vec::new(), None, None).await;
        let receiver = receiver.expect("a free port");
        send_all(&receiver).await;
        // An exporter that was never closed does not hold the end up.
        let received = receiver.end().await;
        exporter.close();
        received
    });
    assert_eq!(received.counts.spans, SENDERS * REQUESTS * SPANS);
}
