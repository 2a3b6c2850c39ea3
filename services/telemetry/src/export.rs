//! From the services to whoever collects: batches over a bounded channel. On the virtual ground the
//! collector runs on another thread; waiting for it takes no virtual time, so its speed cannot
//! change a result.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_sdk::trace::SpanData;

use crate::metrics::{Gauge, Sample};

/// Spans in a batch: few enough to stay in the cache, many enough to make the channel's cost vanish.
const BATCH_SPANS: usize = 512;
/// Batches on the channel before the sender waits.
const BATCHES_IN_FLIGHT: usize = 128;

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
    lost_spans: u64,
}

impl Exporter {
    /// An exporter and the end at which its batches arrive.
    pub fn channel() -> (Exporter, Receiver<Batch>) {
        let (sender, receiver) = sync_channel(BATCHES_IN_FLIGHT);
        let inner = Inner {
            pending: Batch::default(),
            sender: Some(sender),
            lost_spans: 0,
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
    }

    /// Spans that no collector took, because it or the run had ended.
    pub fn lost_spans(&self) -> u64 {
        self.lock().lost_spans
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn flush(&mut self) {
        let Batch {
            spans,
            logs,
            metrics,
        } = &self.pending;
        if spans.is_empty() && logs.is_empty() && metrics.is_empty() {
            return;
        }
        let batch = std::mem::replace(
            &mut self.pending,
            Batch {
                spans: Vec::with_capacity(BATCH_SPANS),
                ..Batch::default()
            },
        );
        let refused = match &self.sender {
            Some(sender) => sender.send(batch).err().map(|refused| refused.0),
            None => Some(batch),
        };
        self.lost_spans += refused.map_or(0, |batch| batch.spans.len() as u64);
    }
}

/// Log lines are written here whole, one call a line.
impl io::Write for Exporter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lock().pending.logs.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
