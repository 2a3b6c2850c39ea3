//! The way in: what arrives waits here for the thread that takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use ragdoll_telemetry::Batch;
use ragdoll_trace::{OtlpRequest, Signal};
use tokio::sync::mpsc;

use crate::forward::Outgoing;
use crate::service::Service;

/// Messages that wait for the thread that takes them; then whoever sends waits.
const MESSAGES_WAITING: usize = 32;

/// Largest message that is taken, unpacked. An exporter's default is 512 spans, some 200 kB.
pub(crate) const MESSAGE_BYTES: usize = 16 << 20;

/// What arrives.
pub(crate) enum Message {
    /// From this process.
    Batch(Batch),
    /// From the network.
    Export(Box<Export>),
    /// Nothing is taken after this but what waits already.
    End,
}

/// One request of OTLP.
pub(crate) struct Export {
    /// What is kept of it.
    pub(crate) telemetry: OtlpRequest,
    /// All of it, where there is another collector that gets a copy.
    pub(crate) outgoing: Option<Outgoing>,
}

/// What was not taken.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    pub(crate) requests: AtomicU64,
    pub(crate) spans: AtomicU64,
    pub(crate) log_lines: AtomicU64,
    pub(crate) points: AtomicU64,
}

/// Where messages are put. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    messages: mpsc::Sender<Message>,
    refused: Arc<Refused>,
    forwards: bool,
}

impl Inbox {
    /// An inbox, and the end at which its messages are taken. Whether what arrives is forwarded
    /// decides how much of it is kept until then.
    pub(crate) fn new(forwards: bool) -> (Inbox, mpsc::Receiver<Message>) {
        let (messages, waiting) = mpsc::channel(MESSAGES_WAITING);
        let inbox = Inbox {
            messages,
            refused: Arc::default(),
            forwards,
        };
        (inbox, waiting)
    }

    /// Waits until there is room for a request of OTLP, and returns its answer. `protobuf` gives the
    /// request as it is passed on. None where nobody takes any more.
    pub(crate) async fn export<S: Service>(
        &self,
        telemetry: OtlpRequest,
        protobuf: impl FnOnce(&OtlpRequest) -> Bytes,
    ) -> Option<S::Answer> {
        let rejected = telemetry.rejected();
        let outgoing = self.forwards.then(|| Outgoing {
            signal: S::SIGNAL,
            records: telemetry.kept() + rejected,
            request: protobuf(&telemetry),
        });
        let message = Message::Export(Box::new(Export {
            telemetry,
            outgoing,
        }));
        let taken = self.messages.send(message).await;
        self.refused.count(S::SIGNAL, rejected);
        taken.is_ok().then(|| S::answer(rejected))
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

impl Refused {
    fn count(&self, signal: Signal, rejected: u64) {
        let counter = match signal {
            Signal::Spans => &self.spans,
            Signal::Logs => &self.log_lines,
            Signal::Metrics => &self.points,
        };
        counter.fetch_add(rejected, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::service::{Logs, Traces};

    /// A request without anything.
    async fn put<S: Service>(inbox: &Inbox) -> Option<S::Answer> {
        inbox
            .export::<S>(OtlpRequest::default(), |_| Bytes::new())
            .await
    }

    fn is_pending(future: impl Future) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(future).as_mut().poll(&mut context).is_pending()
    }

    #[test]
    fn a_full_inbox_makes_senders_wait_and_refuses_nothing() {
        let (inbox, mut waiting) = Inbox::new(false);
        let mut taken = 0;
        while !is_pending(put::<Traces>(&inbox)) {
            taken += 1;
            assert!(taken * MESSAGE_BYTES <= 1 << 30, "more than a gigabyte");
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut late = pin!(put::<Logs>(&inbox));
        assert!(late.as_mut().poll(&mut context).is_pending(), "full");
        assert!(waiting.try_recv().is_ok());
        let answer = late.as_mut().poll(&mut context);
        assert_eq!(answer, Poll::Ready(Some(Logs::answer(0))));
        let kinds = std::iter::from_fn(|| waiting.try_recv().ok());
        assert_eq!(kinds.count(), taken);
    }

    #[test]
    fn whoever_comes_when_it_is_over_is_told() {
        let (inbox, waiting) = Inbox::new(false);
        drop(waiting);
        let mut context = Context::from_waker(Waker::noop());
        let mut late = pin!(put::<Traces>(&inbox));
        assert_eq!(late.as_mut().poll(&mut context), Poll::Ready(None));
        assert!(inbox.is_closed());
    }
}
