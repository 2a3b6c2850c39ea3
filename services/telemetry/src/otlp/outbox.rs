//! Everything that is on its way, and the thread that sorts batches into it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use opentelemetry_sdk::logs::SdkLogRecord;
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use super::logs::Records;
use super::queue::{Queue, wait_until};
use crate::export::Batch;
use crate::metrics::Sample;

/// Longest wait for what is still on its way, at a drain and at the end.
pub(super) const DRAIN_LIMIT_US: u64 = 5_000_000;
/// Most spans that wait, which take about 1 kB each: at 100 requests a second and ten spans a
/// request, what half a minute without a receiver leaves.
const SPANS_LIMIT: usize = 32_768;
/// Most log records that wait, of about 1 kB each.
const LOGS_LIMIT: usize = 16_384;
/// Most samples that wait: ten minutes' of 30 gauges.
const SAMPLES_LIMIT: usize = 18_000;

/// What is on its way to the receiver, each kind on its own: a receiver that takes no logs gets its
/// spans all the same.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) spans: Queue<SpanData>,
    pub(super) logs: Queue<SdkLogRecord>,
    pub(super) samples: Queue<Sample>,
    batches: AtomicU64,
    batches_changed: Notify,
    closing: Notify,
    ended: AtomicBool,
    ended_changed: Notify,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Outbox {
            spans: Queue::new(SPANS_LIMIT),
            logs: Queue::new(LOGS_LIMIT),
            samples: Queue::new(SAMPLES_LIMIT),
            batches: AtomicU64::new(0),
            batches_changed: Notify::new(),
            closing: Notify::new(),
            ended: AtomicBool::new(false),
            ended_changed: Notify::new(),
        }
    }

    /// Waits until it is known what became of the first `batches` batches.
    pub(super) async fn until_settled(&self, batches: u64) {
        let taken = || self.batches.load(Ordering::Acquire) >= batches;
        wait_until(&self.batches_changed, taken).await;
        let spans = self.spans.until_settled();
        let logs = self.logs.until_settled();
        let samples = self.samples.until_settled();
        tokio::join!(spans, logs, samples);
    }

    /// Whether a receiver has ever answered.
    pub(super) fn is_answered(&self) -> bool {
        self.spans.is_answered() || self.logs.is_answered() || self.samples.is_answered()
    }

    /// Counts what has not been delivered by now as lost.
    pub(super) fn give_up(&self) {
        self.spans.give_up();
        self.logs.give_up();
        self.samples.give_up();
    }

    /// The end is near: whoever waits in [`Outbox::until_closing`] is told.
    pub(super) fn close(&self) {
        self.closing.notify_one();
    }

    pub(super) async fn until_closing(&self) {
        self.closing.notified().await;
    }

    /// Nothing will be delivered any more.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.ended_changed.notify_waiters();
    }

    pub(super) async fn until_ended(&self) {
        let ended = || self.ended.load(Ordering::Acquire);
        wait_until(&self.ended_changed, ended).await;
    }

    fn take(&self, batch: Batch, records: &Records) {
        self.spans
            .push(batch.spans.into_iter().map(|span| span.data));
        self.samples.push(batch.metrics);
        // Read before they are pushed: a queue is locked while it is filled.
        let lines = batch.logs.split_inclusive(|byte| *byte == b'\n');
        let read: Vec<_> = lines.map(|line| records.read(line)).collect();
        let unreadable = read.iter().filter(|record| record.is_none()).count();
        self.logs.lose(unreadable as u64);
        self.logs.push(read.into_iter().flatten());
        self.batches.fetch_add(1, Ordering::Release);
        self.batches_changed.notify_waiters();
    }
}

/// Starts the thread that fills `outbox` until the exporter is closed. It never waits for anything
/// but batches, so the exporter's channel is never full for long.
pub(super) fn fill(outbox: &Arc<Outbox>, batches: Receiver<Batch>) -> io::Result<()> {
    let outbox = outbox.clone();
    let fill = move || {
        let records = Records::new();
        for batch in batches {
            outbox.take(batch, &records);
        }
        outbox.spans.close();
        outbox.logs.close();
        outbox.samples.close();
    };
    let thread = std::thread::Builder::new().name("telemetry-in".to_owned());
    thread.spawn(fill).map(drop)
}
