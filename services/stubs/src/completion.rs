//! A completion that comes token by token, as its reader puts it together.

use http_body_util::BodyExt as _;
use ragdoll_model::api::{ChatRequest, ChatResponse, Choice, GenerationTiming, Message, Usage};
use ragdoll_runtime::{Body, Clock};
use ragdoll_telemetry::KeyValue;
use ragdoll_telemetry::names::{GEN_AI_LONGEST_GAP, GEN_AI_TIME_TO_FIRST_CHUNK};
use serde_json::Value;
use tonic::Status;

use crate::call_span::CallSpan;

/// What has come so far.
#[derive(Debug, Default)]
struct Received {
    id: String,
    created: u64,
    text: String,
    tokens: u32,
    first_us: Option<u64>,
    last_us: u64,
    longest_gap_us: u64,
}

/// Reads server-sent events until `[DONE]`, of a call made at `asked_us` of the run.
///
/// # Errors
/// UNAVAILABLE where the stream ends before, INTERNAL where it holds no completion.
pub(crate) async fn assemble(
    clock: &Clock,
    asked_us: u64,
    chat: &ChatRequest,
    mut body: Body,
    span: Option<&CallSpan>,
) -> Result<ChatResponse, Status> {
    let mut received = Received::default();
    let outcome = received.read(clock, asked_us, &mut body).await;
    if let (Some(span), Some(first_us)) = (span, received.first_us) {
        let seconds = |us: u64| us as f64 / 1e6;
        span.add(KeyValue::new(
            GEN_AI_TIME_TO_FIRST_CHUNK,
            seconds(first_us - asked_us),
        ));
        span.add(KeyValue::new(
            GEN_AI_LONGEST_GAP,
            seconds(received.longest_gap_us),
        ));
    }
    outcome?;
    Ok(received.response(asked_us, chat))
}

impl Received {
    async fn read(&mut self, clock: &Clock, asked_us: u64, body: &mut Body) -> Result<(), Status> {
        // An event may arrive in several pieces, and several in one.
        let mut text = Vec::new();
        let mut done = false;
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame?.into_data() else {
                continue;
            };
            text.extend_from_slice(&bytes);
            while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                done |= self.take(&event, asked_us, clock.now_us())?;
            }
        }
        let too_early = || Err(Status::unavailable("llm's answer ended too early"));
        if done { Ok(()) } else { too_early() }
    }

    /// Takes an event in; true after the last.
    fn take(&mut self, event: &[u8], asked_us: u64, now_us: u64) -> Result<bool, Status> {
        let unreadable = || Status::internal("llm's answer is not a completion");
        let event = std::str::from_utf8(event).map_err(|_| unreadable())?;
        let data = event.trim().strip_prefix("data: ").ok_or_else(unreadable)?;
        if data == "[DONE]" {
            return Ok(true);
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_| unreadable())?;
        if let Some(message) = chunk["error"]["message"].as_str() {
            return Err(Status::unavailable(message.to_owned()));
        }
        let content = chunk["choices"][0]["delta"]["content"].as_str();
        self.text.push_str(content.ok_or_else(unreadable)?);
        if self.first_us.is_none() {
            self.id = chunk["id"].as_str().unwrap_or_default().to_owned();
            self.created = chunk["created"].as_u64().unwrap_or_default();
            self.first_us = Some(now_us);
        } else {
            self.longest_gap_us = self.longest_gap_us.max(now_us - self.last_us);
        }
        self.last_us = now_us.max(asked_us);
        self.tokens += 1;
        Ok(false)
    }

    /// The answer that would have come in one piece, with times as its reader saw them.
    fn response(self, asked_us: u64, chat: &ChatRequest) -> ChatResponse {
        let first_us = self.first_us.unwrap_or(asked_us);
        let later_tokens = self.tokens.saturating_sub(1).max(1);
        let prompt_tokens = chat.prompt_tokens.unwrap_or_default();
        ChatResponse {
            id: self.id,
            object: "chat.completion".to_owned(),
            created: self.created,
            model: chat.model.clone(),
            choices: vec![Choice {
                index: 0,
                message: Message {
                    role: "assistant".to_owned(),
                    content: self.text,
                },
                finish_reason: "length".to_owned(),
            }],
            usage: Usage {
                prompt_tokens,
                completion_tokens: self.tokens,
                total_tokens: prompt_tokens + self.tokens,
            },
            timing: GenerationTiming {
                queue_ms: 0.0,
                time_to_first_token_ms: (first_us - asked_us) as f64 / 1000.0,
                inter_token_latency_ms: self.last_us.saturating_sub(first_us) as f64
                    / 1000.0
                    / f64::from(later_tokens),
                preemptions: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::StreamExt as _;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use ragdoll_runtime::run_virtual;

    use super::*;

    fn chat() -> ChatRequest {
        ChatRequest {
            model: "m".to_owned(),
            messages: Vec::new(),
            max_tokens: 3,
            stream: true,
            prompt_tokens: Some(5),
        }
    }

    fn event(word: &str) -> String {
        let chunk = serde_json::json!({
            "id": "chatcmpl-1", "created": 7, "choices": [{ "delta": { "content": word } }],
        });
        format!("data: {chunk}\n\n")
    }

    /// What becomes of pieces that come when they are due, of a call made at 0.
    fn read(pieces: Vec<(u64, String)>) -> Result<ChatResponse, Status> {
        run_virtual(|clock| async move {
            let due = clock.clone();
            let frames = futures_util::stream::iter(pieces).then(move |(at_us, piece)| {
                let clock = due.clone();
                async move {
                    clock.sleep_until_us(at_us).await;
                    Ok::<_, Infallible>(Frame::data(bytes::Bytes::from(piece)))
                }
            });
            let body = StreamBody::new(Box::pin(frames)).map_err(|never| match never {});
            assemble(&clock, 0, &chat(), Body::new(body), None).await
        })
    }

    #[test]
    fn tokens_become_an_answer_with_their_times() {
        let pieces = vec![
            (40_000, event("one ")),
            (60_000, event("two ")),
            (90_000, event("three")),
            (90_000, "data: [DONE]\n\n".to_owned()),
        ];
        let answer = read(pieces).expect("a completion");
        assert_eq!(answer.choices[0].message.content, "one two three");
        assert_eq!((answer.id.as_str(), answer.created), ("chatcmpl-1", 7));
        assert_eq!(answer.usage.completion_tokens, 3);
        assert_eq!(answer.usage.total_tokens, 8);
        let timing = answer.timing;
        assert_eq!(timing.time_to_first_token_ms, 40.0);
        assert_eq!(timing.inter_token_latency_ms, 25.0);
    }

    #[test]
    fn events_may_be_cut_anywhere() {
        let whole = format!("{}{}data: [DONE]\n\n", event("a"), event("b"));
        let pieces = whole.chars().map(|piece| (10, piece.to_string()));
        let answer = read(pieces.collect()).expect("a completion");
        assert_eq!(answer.choices[0].message.content, "ab");
    }

    #[test]
    fn a_stream_without_its_end_is_no_answer() {
        let status = read(vec![(10, event("a"))]).expect_err("cut off");
        assert_eq!(status.code(), tonic::Code::Unavailable);
        let status = read(vec![(10, "data: %&\n\n".to_owned())]).expect_err("no JSON");
        assert_eq!(status.code(), tonic::Code::Internal);
    }
}
