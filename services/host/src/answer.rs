//! The answer to a call as its caller reads it: the client span lasts until it was read, and fails
//! where it could not be.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use ragdoll_runtime::{Body, Clock};
use ragdoll_stubs::CallSpan;
use ragdoll_telemetry::names::grpc_code_name;
use tonic::Status;

/// Bytes in front of a gRPC message: a flag, and how long it is.
const GRPC_PREFIX_BYTES: usize = 5;

/// What an answer's body is, which says what its end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One gRPC message, which tells its length. Who does not read it to the end could not read it.
    Message,
    /// All in one piece.
    Whole,
    /// Piece by piece, as it is made. Who does not read it to the end gave up.
    Stream,
}

/// A body whose end is the end of a call.
pub(crate) struct AnswerBody {
    body: Body,
    clock: Clock,
    form: Form,
    /// Absent once the call is over.
    span: Option<CallSpan>,
    prefix: [u8; GRPC_PREFIX_BYTES],
    received_bytes: usize,
}

impl AnswerBody {
    pub(crate) fn new(body: Body, clock: Clock, form: Form, span: CallSpan) -> Self {
        AnswerBody {
            body,
            clock,
            form,
            span: Some(span),
            prefix: [0; GRPC_PREFIX_BYTES],
            received_bytes: 0,
        }
    }

    fn receive(&mut self, data: &[u8]) {
        let missing = self.prefix.get_mut(self.received_bytes..);
        for (place, byte) in missing.into_iter().flatten().zip(data) {
            *place = *byte;
        }
        self.received_bytes += data.len();
    }

    /// Whether bytes are missing of a message that says how many it has.
    fn is_short(&self) -> bool {
        let [_, length @ ..] = self.prefix;
        let expected = GRPC_PREFIX_BYTES + u32::from_be_bytes(length) as usize;
        self.form == Form::Message && self.received_bytes < expected
    }

    fn end_of_body(&mut self) {
        let short = ("INTERNAL", "the answer ended too early".to_owned());
        self.end(self.is_short().then_some(short));
    }

    fn end(&mut self, failure: Option<(&'static str, String)>) {
        let Some(span) = self.span.take() else {
            return;
        };
        if let Some((error_type, message)) = failure {
            span.fail(error_type, message);
        }
        span.answer_ended(self.clock.now_us());
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => self.receive(data),
                // What follows a message is its end: nobody asks for more.
                None => self.end_of_body(),
            },
            Some(Err(status)) => {
                let name = grpc_code_name(status.code() as i32);
                self.end(Some((name, status.message().to_owned())));
            }
            None => self.end_of_body(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        // A reader that need not ask for the end would not come to it.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        let failure = match self.form {
            Form::Message => Some(("INTERNAL", "the answer could not be read".to_owned())),
            Form::Stream => Some(("CANCELLED", "the caller gave up".to_owned())),
            Form::Whole => None,
        };
        self.end(failure);
    }
}
