//! The caller's span of a call, for as long as its answer is read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ragdoll_telemetry::{KeyValue, SpanGuard};

/// The client span of a call that was answered: an extension of an HTTP response, through which the
/// caller notes what it found in the answer. The span ends when nobody holds it any more, with the
/// time of the answer's end. Copies share it.
#[derive(Clone)]
pub struct CallSpan {
    open: Arc<Mutex<Open>>,
}

struct Open {
    span: Option<SpanGuard>,
    /// When the answer was over, in microseconds of the run; absent until it is.
    ended_us: Option<u64>,
}

impl CallSpan {
    /// A call whose answer has begun.
    pub fn new(span: SpanGuard) -> Self {
        let open = Open {
            span: Some(span),
            ended_us: None,
        };
        CallSpan {
            open: Arc::new(Mutex::new(open)),
        }
    }

    /// Adds an attribute.
    pub fn add(&self, attribute: KeyValue) {
        if let Some(span) = &mut self.lock().span {
            span.add(attribute);
        }
    }

    /// Marks the call as failed although an answer came. `error_type` is short and one of few;
    /// `message` is for people.
    pub fn fail(
        &self,
        error_type: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        if let Some(span) = &mut self.lock().span {
            span.fail(error_type, message);
        }
    }

    /// Notes that the answer was over at `now_us` of the run.
    pub fn answer_ended(&self, now_us: u64) {
        self.lock().ended_us.get_or_insert(now_us);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(span) = self.span.take() else {
            return;
        };
        match self.ended_us {
            Some(ended_us) => span.end_at(ended_us),
            None => span.end(),
        }
    }
}
