//! What services of a graph say to each other.

use bytes::Bytes;
use ragdoll_model::proto::{Content, HopRequest, HopResponse};
use ragdoll_telemetry::KeyValue;

/// A request or an answer: bytes, and what it is about where some service of the system reads that.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) payload: Bytes,
    pub(super) content: Option<Content>,
}

impl From<HopRequest> for Message {
    fn from(request: HopRequest) -> Message {
        Message {
            payload: request.payload,
            content: request.content,
        }
    }
}

impl From<Message> for HopRequest {
    fn from(message: Message) -> HopRequest {
        HopRequest {
            payload: message.payload,
            content: message.content,
        }
    }
}

impl From<HopResponse> for Message {
    fn from(response: HopResponse) -> Message {
        Message {
            payload: response.payload,
            content: response.content,
        }
    }
}

impl From<Message> for HopResponse {
    fn from(message: Message) -> HopResponse {
        HopResponse {
            payload: message.payload,
            content: message.content,
        }
    }
}

/// How a service ends with a request that it serves.
#[derive(Debug, Default)]
pub(super) struct Served {
    pub(super) answer: Message,
    /// What its server span says of it.
    pub(super) attributes: Vec<KeyValue>,
}
