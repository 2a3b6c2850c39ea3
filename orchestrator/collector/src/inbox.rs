//! The way in: what arrives waits here for the thread that takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use ragdoll_telemetry::Batch;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::proto;

/// Messages that wait for the thread that takes them; then whoever sends waits.
const MESSAGES_WAITING: usize = 32;

/// Largest message that is taken, unpacked. An exporter's default is 512 spans, some 200 kB.
pub(crate) const MESSAGE_BYTES: usize = 16 << 20;

/// What arrives.
pub(crate) enum Message {
    /// From this process.
    Batch(Batch),
    /// From the network.
    Export(Export),
    /// Nothing is taken after this but what waits already.
    End,
}

/// One request of OTLP.
pub(crate) enum Export {
    Spans(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

impl Export {
    /// Number of spans, log lines or points.
    pub(crate) fn records(&self) -> u64 {
        let records: usize = match self {
            Export::Spans(request) => {
                let groups = request.resource_spans.iter();
                let scopes = groups.flat_map(|group| &group.scope_spans);
                scopes.map(|scope| scope.spans.len()).sum()
            }
            Export::Logs(request) => {
                let groups = request.resource_logs.iter();
                let scopes = groups.flat_map(|group| &group.scope_logs);
                scopes.map(|scope| scope.log_records.len()).sum()
            }
            Export::Metrics(request) => {
                let groups = request.resource_metrics.iter();
                let scopes = groups.flat_map(|group| &group.scope_metrics);
                let metrics = scopes.flat_map(|scope| &scope.metrics);
                metrics.map(proto::point_count).sum()
            }
        };
        records as u64
    }

    /// Size on the wire.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Export::Spans(request) => request.encoded_len(),
            Export::Logs(request) => request.encoded_len(),
            Export::Metrics(request) => request.encoded_len(),
        }
    }
}

/// A request of one of the three services, with its answer.
pub(crate) trait Signal: prost::Message + Default + DeserializeOwned + 'static {
    type Answer: prost::Message + Default + PartialEq + Serialize;

    /// Takes out what cannot be kept or says how much will not be, and counts it.
    fn sift(&mut self, refused: &Refused) -> Self::Answer;

    fn into_export(self) -> Export;
}

/// What was not taken.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    pub(crate) requests: AtomicU64,
    pub(crate) spans: AtomicU64,
    pub(crate) points: AtomicU64,
}

/// Where messages are put. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    messages: mpsc::Sender<Message>,
    refused: Arc<Refused>,
}

impl Inbox {
    /// An inbox, and the end at which its messages are taken.
    pub(crate) fn new() -> (Inbox, mpsc::Receiver<Message>) {
        let (messages, waiting) = mpsc::channel(MESSAGES_WAITING);
        let refused = Arc::default();
        (Inbox { messages, refused }, waiting)
    }

    /// Waits until there is room for a request of OTLP. None where nobody takes any more.
    pub(crate) async fn export<S: Signal>(&self, mut request: S) -> Option<S::Answer> {
        let answer = request.sift(&self.refused);
        let message = Message::Export(request.into_export());
        let taken = self.messages.send(message).await;
        taken.is_ok().then_some(answer)
    }

    /// The same for a message of this process, on a thread that may wait. False where nobody takes
    /// any more.
    pub(crate) fn put_blocking(&self, message: Message) -> bool {
        self.messages.blocking_send(message).is_ok()
    }

    /// Ends it after what waits.
    pub(crate) async fn end(&self) {
        // Where nobody takes messages it has ended.
        let _ = self.messages.send(Message::End).await;
    }

    /// Waits until nobody takes messages any more.
    pub(crate) async fn closed(&self) {
        self.messages.closed().await;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.messages.is_closed()
    }

    pub(crate) fn refused(&self) -> &Refused {
        &self.refused
    }
}

impl Signal for ExportTraceServiceRequest {
    type Answer = ExportTraceServiceResponse;

    fn sift(&mut self, refused: &Refused) -> ExportTraceServiceResponse {
        let mut rejected = 0;
        let groups = self.resource_spans.iter_mut();
        for scope in groups.flat_map(|group| &mut group.scope_spans) {
            let before = scope.spans.len();
            scope.spans.retain(proto::has_ids);
            rejected += before - scope.spans.len();
        }
        refused.spans.fetch_add(rejected as u64, Ordering::AcqRel);
        ExportTraceServiceResponse {
            partial_success: (rejected > 0).then(|| ExportTracePartialSuccess {
                rejected_spans: rejected as i64,
                error_message: "a trace id has 16 bytes and a span id 8, not all of them 0; \
                                a parent's id has 8 or none"
                    .to_owned(),
            }),
        }
    }

    fn into_export(self) -> Export {
        Export::Spans(self)
    }
}

impl Signal for ExportLogsServiceRequest {
    type Answer = ExportLogsServiceResponse;

    /// A log line with an id that is none belongs to no request, and is kept.
    fn sift(&mut self, _: &Refused) -> ExportLogsServiceResponse {
        ExportLogsServiceResponse::default()
    }

    fn into_export(self) -> Export {
        Export::Logs(self)
    }
}

impl Signal for ExportMetricsServiceRequest {
    type Answer = ExportMetricsServiceResponse;

    fn sift(&mut self, refused: &Refused) -> ExportMetricsServiceResponse {
        let groups = self.resource_metrics.iter();
        let scopes = groups.flat_map(|group| &group.scope_metrics);
        let metrics = scopes.flat_map(|scope| &scope.metrics);
        let rejected: usize = metrics
            .map(|metric| proto::point_count(metric) - proto::numbers(metric).count())
            .sum();
        refused.points.fetch_add(rejected as u64, Ordering::AcqRel);
        ExportMetricsServiceResponse {
            partial_success: (rejected > 0).then(|| ExportMetricsPartialSuccess {
                rejected_data_points: rejected as i64,
                error_message:
                    "gauges and sums are kept, histograms, summaries and points without \
                                a value are not"
                        .to_owned(),
            }),
        }
    }

    fn into_export(self) -> Export {
        Export::Metrics(self)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_pending(future: impl Future) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(future).as_mut().poll(&mut context).is_pending()
    }

    #[test]
    fn a_full_inbox_makes_senders_wait_and_refuses_nothing() {
        let (inbox, mut waiting) = Inbox::new();
        let mut taken = 0;
        while !is_pending(inbox.export(ExportTraceServiceRequest::default())) {
            taken += 1;
            assert!(taken * MESSAGE_BYTES <= 1 << 30, "more than a gigabyte");
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut late = pin!(inbox.export(ExportLogsServiceRequest::default()));
        assert!(late.as_mut().poll(&mut context).is_pending(), "full");
        assert!(waiting.try_recv().is_ok());
        let answer = late.as_mut().poll(&mut context);
        assert_eq!(
            answer,
            Poll::Ready(Some(ExportLogsServiceResponse::default()))
        );
        let kinds = std::iter::from_fn(|| waiting.try_recv().ok());
        assert_eq!(kinds.count(), taken);
    }

    #[test]
    fn whoever_comes_when_it_is_over_is_told() {
        let (inbox, waiting) = Inbox::new();
        drop(waiting);
        let mut context = Context::from_waker(Waker::noop());
        let mut late = pin!(inbox.export(ExportTraceServiceRequest::default()));
        assert_eq!(late.as_mut().poll(&mut context), Poll::Ready(None));
        assert!(inbox.is_closed());
    }
}
