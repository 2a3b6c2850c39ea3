//! From the services to whoever collects: batches over a bounded channel. On the virtual ground the
//! collector runs on another thread; waiting for it takes no virtual time, so its speed cannot
//! change a result. Where time is real nobody waits: batches that find no room on the channel grow, and
//! are lost, and counted, where they grow too large.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_sdk::trace::SpanData;

use crate::metrics::{Gauge, Sample};

/// Spans in a batch: few enough to stay in the cache, many enough to make the channel's cost vanish.
const BATCH_SPANS: usize = 512;
/// Batches on the channel before the sender waits.
const BATCHES_IN_FLIGHT: usize = 128;
/// Where time is real: spans that wait for room on the channel before they are lost.
const MOST_PENDING_SPANS: usize = 32 * BATCH_SPANS;
/// The same for log lines, in bytes.
const MOST_PENDING_LOG_BYTES: usize = 4 << 20;

/// A finished span and who made it.
#[derive(Clone, Debug)]
pub struct ExportedSpan {
    /// Number of the instance in its system.
    pub instance: u32,
    /// The span.
    pub data: SpanData,
}

/// What the services said since the last batch, each kind in the order in which it was said.
#[derive(Debug, Default)]
pub struct Batch {
    /// Finished spans.
    pub spans: Vec<ExportedSpan>,
    /// Log lines, each ended by a newline.
    pub logs: Vec<u8>,
    /// Samples of gauges.
    pub metrics: Vec<Sample>,
}

/// Where an instance's telemetry goes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exporter {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    pending: Batch,
    /// None once the run is over.
    sender: Option<SyncSender<Batch>>,
    /// Time is real: the sender never waits, and a warning goes out at once.
    live: bool,
    sent_batches: u64,
    lost_spans: u64,
    lost_logs: u64,
    lost_samples: u64,
}

impl Exporter {
    /// An exporter and the end at which its batches arrive.
    pub fn channel() -> (Exporter, Receiver<Batch>) {
        let (sender, receiver) = sync_channel(BATCHES_IN_FLIGHT);
        let inner = Inner {
            pending: Batch::default(),
            sender: Some(sender),
            live: false,
            sent_batches: 0,
            lost_spans: 0,
            lost_logs: 0,
            lost_samples: 0,
        };
        let exporter = Exporter {
            inner: Arc::new(Mutex::new(inner)),
        };
        (exporter, receiver)
    }

    /// Sends what is pending.
    pub fn flush(&self) {
        self.lock().flush();
    }

    /// Sends what is pending, and nothing after it: the run is over. Work that is still under way is
    /// cut when its runtime ends, in an order that says nothing, and is not part of the run.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.flush();
        inner.sender = None;
        // Where there was no room for the last batch.
        inner.flush();
    }

    /// Spans that no collector took, because it or the run had ended, or because it was too slow
    /// where time is real.
    pub fn lost_spans(&self) -> u64 {
        self.lock().lost_spans
    }

    /// Log lines that no collector took, for the same reasons.
    pub fn lost_logs(&self) -> u64 {
        self.lock().lost_logs
    }

    /// From now on nobody waits for the channel, and log lines of level WARN and above are sent at
    /// once, since the process may be about to die.
    #[cfg(feature = "otlp")]
    pub(crate) fn go_live(&self) {
        self.lock().live = true;
    }

    /// Sends what is pending, and returns whether there was room for it.
    #[cfg(feature = "otlp")]
    pub(crate) fn try_flush(&self) -> bool {
        self.lock().flush()
    }

    /// Samples of gauges that no collector took.
    #[cfg(feature = "otlp")]
    pub(crate) fn lost_samples(&self) -> u64 {
        self.lock().lost_samples
    }

    /// Batches that the channel took so far.
    #[cfg(feature = "otlp")]
    pub(crate) fn sent_batches(&self) -> u64 {
        self.lock().sent_batches
    }

    pub(crate) fn span(&self, instance: u32, data: SpanData) {
        let mut inner = self.lock();
        inner.pending.spans.push(ExportedSpan { instance, data });
        if inner.pending.spans.len() >= BATCH_SPANS {
            inner.flush();
        }
    }

    pub(crate) fn metric(&self, instance: u32, unix_us: u64, gauge: Gauge, value: f64) {
        self.lock().pending.metrics.push(Sample {
            instance,
            unix_us,
            gauge,
            value,
        });
    }

    /// Adds one whole line, its newline included.
    pub(crate) fn log_line(&self, line: &[u8], severe: bool) {
        let mut inner = self.lock();
        inner.pending.logs.extend_from_slice(line);
        if severe && inner.live {
            inner.flush();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Returns whether nothing is pending any more.
    fn flush(&mut self) -> bool {
        let Batch {
            spans,
            logs,
            metrics,
        } = &self.pending;
        if spans.is_empty() && logs.is_empty() && metrics.is_empty() {
            return true;
        }
        // Where time is real, most batches are sent long before they are full.
        let capacity = if self.live { 0 } else { BATCH_SPANS };
        let next = Batch {
            spans: Vec::with_capacity(capacity),
            ..Batch::default()
        };
        let batch = std::mem::replace(&mut self.pending, next);
        match self.send(batch) {
            Ok(()) => self.sent_batches += 1,
            Err(TrySendError::Full(batch)) if may_grow(&batch) => {
                self.pending = batch;
                return false;
            }
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.lose(&batch);
            }
        }
        true
    }

    fn send(&self, batch: Batch) -> Result<(), TrySendError<Batch>> {
        match &self.sender {
            None => Err(TrySendError::Disconnected(batch)),
            Some(sender) if self.live => sender.try_send(batch),
            Some(sender) => Ok(sender.send(batch)?),
        }
    }

    fn lose(&mut self, batch: &Batch) {
        self.lost_spans += batch.spans.len() as u64;
        self.lost_logs += count_lines(&batch.logs);
        self.lost_samples += batch.metrics.len() as u64;
    }
}

fn may_grow(batch: &Batch) -> bool {
    batch.spans.len() < MOST_PENDING_SPANS && batch.logs.len() < MOST_PENDING_LOG_BYTES
}

fn count_lines(logs: &[u8]) -> u64 {
    logs.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use super::*;

    #[test]
    fn where_time_is_real_nobody_waits_for_a_slow_collector() {
        let (exporter, batches) = Exporter::channel();
        exporter.go_live();
        for _ in 0..BATCHES_IN_FLIGHT + 3 {
            exporter.log_line(b"{}\n", true);
        }
        assert_eq!(exporter.sent_batches(), BATCHES_IN_FLIGHT as u64);
        assert!(!exporter.try_flush(), "three find no room");
        assert_eq!(batches.try_iter().count(), BATCHES_IN_FLIGHT);
        assert!(exporter.try_flush());
        let late = batches.try_recv().expect("the three, together");
        assert_eq!(count_lines(&late.logs), 3);
        assert_eq!(exporter.lost_logs(), 0);
    }

    #[test]
    fn what_finds_no_room_for_long_is_lost() {
        let (exporter, _batches) = Exporter::channel();
        exporter.go_live();
        let line = b"\n";
        for _ in 0..BATCHES_IN_FLIGHT {
            exporter.log_line(line, true);
        }
        let half = vec![b'\n'; MOST_PENDING_LOG_BYTES / 2];
        exporter.log_line(&half, true);
        assert_eq!(exporter.lost_logs(), 0);
        exporter.log_line(&half, true);
        assert_eq!(exporter.lost_logs(), MOST_PENDING_LOG_BYTES as u64);
        exporter.log_line(line, true);
        assert!(!exporter.try_flush(), "a new start, and no room yet");
        exporter.close();
        assert_eq!(exporter.lost_logs(), MOST_PENDING_LOG_BYTES as u64 + 1);
    }

    #[test]
    fn a_warning_is_sent_at_once_only_where_time_is_real() {
        let (exporter, batches) = Exporter::channel();
        exporter.log_line(b"{}\n", true);
        assert!(batches.try_recv().is_err());
        exporter.go_live();
        exporter.log_line(b"{}\n", false);
        assert!(batches.try_recv().is_err());
        exporter.log_line(b"{}\n", true);
        let batch = batches.try_recv().expect("the warning and all before it");
        assert_eq!(count_lines(&batch.logs), 3);
    }
}
