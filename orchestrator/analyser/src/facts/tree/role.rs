//! What a span is to a call.

use ragdoll_trace::SpanKind;

/// What a span is to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The caller's side.
    Call,
    /// The callee's side.
    Served,
    /// Neither: work within a process.
    Inner,
}

impl Role {
    pub(super) fn of_kind(kind: SpanKind) -> Role {
        match kind {
            SpanKind::Client | SpanKind::Producer => Role::Call,
            SpanKind::Server | SpanKind::Consumer => Role::Served,
            SpanKind::Internal | SpanKind::Unspecified => Role::Inner,
        }
    }
}
