//! Telemetry over the network: spans, log records and gauges by OTLP over gRPC, for services that are
//! processes of their own.
//!
//! Nothing here runs where requests are served. One thread takes batches off the exporter's channel
//! and sorts them into bounded queues, another has a runtime of its own that delivers them. A process
//! that computes, or allocates until it is killed, does not hold its last words back with that.
//! Delivery is at least once: where a connection breaks before the answer, a request goes out again.

mod connection;
mod error;
mod gauges;
mod logs;
mod outbox;
mod pump;
mod queue;
mod resource;
mod sender;
mod traces;

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ragdoll_runtime::Clock;

pub use self::error::OtlpError;
use self::outbox::{DRAIN_LIMIT_US, Outbox};
use self::sender::Sender;
use crate::export::{Batch, Exporter};
use crate::resource::ServiceInstance;

/// Longest wait at a drain where no receiver has ever answered: a process that was started without one
/// ends promptly when it is told to.
const UNANSWERED_LIMIT_US: u64 = 1_000_000;
/// Wait for room on the exporter's channel.
const FLUSH_RETRY_US: u64 = 1_000;

/// Delivers one instance's telemetry to a receiver, for as long as this exists. Dropping it does not
/// wait: what was said until then is still delivered where that takes no longer than a drain may.
#[derive(Debug)]
pub struct OtlpExport {
    exporter: Exporter,
    clock: Clock,
    outbox: Arc<Outbox>,
}

impl OtlpExport {
    /// Starts to deliver what `exporter` sends to `batches` to the OTLP/gRPC receiver at `endpoint`,
    /// such as `http://127.0.0.1:4317`, as said by `instance` in this process. It need not be there
    /// yet. What is pending in `exporter` leaves five times a second of `clock`, which counts real
    /// time, and at once with a log line of level WARN or above. From now on nobody waits for room
    /// on the exporter's channel.
    ///
    /// # Errors
    /// An endpoint that is none, exporters that the environment forbids, or no more threads.
    pub fn start(
        endpoint: &str,
        instance: &ServiceInstance,
        batches: Receiver<Batch>,
        clock: &Clock,
        exporter: &Exporter,
    ) -> Result<Self, OtlpError> {
        let sender = Sender::connect(endpoint, instance)?;
        let outbox = Arc::new(Outbox::new());
        outbox::fill(&outbox, batches)?;
        sender.start(&outbox, clock, exporter)?;
        exporter.go_live();
        Ok(OtlpExport {
            exporter: exporter.clone(),
            clock: clock.clone(),
            outbox,
        })
    }

    /// Sends all that was said until now, and waits until it has been delivered, for five seconds
    /// at most, and for one where no receiver has ever answered. What is still on its way then is
    /// given up and counted as lost. Returns whether that was not necessary; what was lost earlier,
    /// the counts say.
    pub async fn drain(&self) -> bool {
        let mut settled = pin!(async {
            let sent_batches = self.flush().await;
            self.outbox.until_settled(sent_batches).await;
        });
        let first = self.clock.timeout_us(UNANSWERED_LIMIT_US, settled.as_mut());
        let mut in_time = first.await.is_ok();
        if !in_time && self.outbox.is_answered() {
            let left_us = DRAIN_LIMIT_US - UNANSWERED_LIMIT_US;
            in_time = self.clock.timeout_us(left_us, settled).await.is_ok();
        }
        if !in_time {
            self.outbox.give_up();
        }
        in_time
    }

    /// Ends the telemetry: the exporter sends what is pending and takes nothing more. Waits, for
    /// five seconds at most and a moment, until all has been delivered or is counted as lost.
    pub async fn shutdown(&self) {
        // Room comes at once: what takes it does not wait for the network.
        let _ = self.clock.timeout_us(DRAIN_LIMIT_US, self.flush()).await;
        self.close();
        // The sender gives up in half of this time.
        let ended = self.outbox.until_ended();
        let _ = self.clock.timeout_us(2 * DRAIN_LIMIT_US, ended).await;
    }

    /// Sends what is pending as soon as there is room for it. Returns the number of batches that
    /// hold all that was said until now.
    async fn flush(&self) -> u64 {
        while !self.exporter.try_flush() {
            self.clock.sleep_us(FLUSH_RETRY_US).await;
        }
        self.exporter.sent_batches()
    }

    /// Spans that were lost: not taken, or not delivered for all the attempts.
    pub fn lost_spans(&self) -> u64 {
        self.exporter.lost_spans() + self.outbox.spans.lost()
    }

    /// Log lines that were lost, in the same way.
    pub fn lost_logs(&self) -> u64 {
        self.exporter.lost_logs() + self.outbox.logs.lost()
    }

    /// Samples of gauges that were lost, in the same way.
    pub fn lost_samples(&self) -> u64 {
        self.exporter.lost_samples() + self.outbox.samples.lost()
    }

    fn close(&self) {
        self.exporter.close();
        self.outbox.close();
    }
}

impl Drop for OtlpExport {
    fn drop(&mut self) {
        self.close();
    }
}
