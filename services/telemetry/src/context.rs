//! What belongs to a request wherever it goes: its trace, its id, its user. Carried between services
//! in headers, and within one in an extension of the request.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::SpanContext;
use ragdoll_runtime::network::DrawKey;
use ragdoll_runtime::random::{hash, mix};
use ragdoll_runtime::{Overrides, Stream};

use crate::trace_context;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
/// W3C Baggage: what a request is about, for whoever it comes to.
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// gRPC's name for the number of earlier attempts, used for HTTP too.
const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
/// Names the attempts on the whole way, where there was a retry.
const ATTEMPT_PATH: HeaderName = HeaderName::from_static("x-attempt-path");
/// gRPC's name and notation for how long the caller waits, used for HTTP too.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A request as one service sees it.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The span that what follows is part of.
    pub span: SpanContext,
    /// Same in every service.
    pub request_id: Arc<str>,
    /// Who asks.
    pub user_id: Arc<str>,
    /// What the request is about, as W3C Baggage: `KEY=VALUE` with commas between; empty for nothing.
    pub baggage: Arc<str>,
    /// Earlier attempts of the call that is being served, retries and hedges alike.
    pub previous_attempts: u32,
    /// Names the attempts on the whole way from the client, 0 where every call was a first one. A
    /// retry further up must draw anew in every service below it.
    pub attempt_path: u64,
    /// Whether this is a second copy of a call that was slow.
    pub hedge: bool,
    /// When the caller gives up, in microseconds of the run.
    pub deadline_us: Option<u64>,
    /// Resource parameters that hold for this request alone.
    pub overrides: Option<Arc<Overrides>>,
}

impl RequestContext {
    /// The start of a request: no span yet.
    pub fn new(request_id: impl Into<Arc<str>>, user_id: impl Into<Arc<str>>) -> Self {
        RequestContext {
            span: SpanContext::empty_context(),
            request_id: request_id.into(),
            user_id: user_id.into(),
            baggage: Arc::from(""),
            previous_attempts: 0,
            attempt_path: 0,
            hedge: false,
            deadline_us: None,
            overrides: None,
        }
    }

    /// The same request within another span.
    pub fn within(&self, span: &SpanContext) -> Self {
        RequestContext {
            span: span.clone(),
            ..self.clone()
        }
    }

    /// The same request with one more entry of baggage. `key` and `value` are without commas, equals
    /// signs and spaces.
    #[must_use]
    pub fn with_baggage(&self, key: &str, value: impl std::fmt::Display) -> Self {
        let baggage = match &*self.baggage {
            "" => format!("{key}={value}"),
            earlier => format!("{earlier},{key}={value}"),
        };
        RequestContext {
            baggage: baggage.into(),
            ..self.clone()
        }
    }

    /// The value of an entry of baggage; of several, the last.
    pub fn baggage_entry(&self, key: &str) -> Option<&str> {
        let entries = self.baggage.rsplit(',');
        let mut named = entries.filter_map(|entry| entry.trim().split_once('='));
        named.find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The same request as number `previous`, from 0, of the attempts of `caller`, which is any
    /// number that tells callers apart. A hedge is a second copy of that attempt.
    pub fn attempt(&self, caller: u64, previous: u32, hedge: bool) -> Self {
        let number = 2 * u64::from(previous) + u64::from(hedge);
        let attempt_path = match number {
            0 => self.attempt_path,
            number => mix(self.attempt_path ^ caller, number),
        };
        RequestContext {
            previous_attempts: previous,
            attempt_path,
            hedge,
            ..self.clone()
        }
    }

    /// The same request for the `number`th time on one of several ways to the same place, so that it draws anew
    /// on each. `way` is any number that tells ways apart.
    #[must_use]
    pub fn on_way(self, way: u64, number: u64) -> Self {
        RequestContext {
            attempt_path: mix(self.attempt_path ^ way, number),
            ..self
        }
    }

    /// Names this request's and attempt's draws in any stream.
    pub fn draw_key(&self) -> DrawKey {
        DrawKey(mix(hash(&self.request_id), self.attempt_path))
    }

    /// The generator for this request's and attempt's draw in `stream`.
    pub fn random(&self, stream: Stream) -> ragdoll_runtime::Rng {
        stream.at(self.draw_key().0)
    }

    /// Writes the W3C trace context, the ids, the attempt and what is left until the deadline into
    /// a request's headers.
    pub fn inject(&self, headers: &mut HeaderMap, now_us: u64) {
        trace_context::inject(headers, &self.span);
        for (name, value) in [(REQUEST_ID, &self.request_id), (USER_ID, &self.user_id)] {
            // UTF-8 passes a header as it is; a control character would end it.
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.insert(name, value);
            }
        }
        if !self.baggage.is_empty()
            && let Ok(value) = HeaderValue::from_str(&self.baggage)
        {
            headers.insert(BAGGAGE, value);
        }
        if let Some(deadline_us) = self.deadline_us {
            let timeout = format_timeout(deadline_us.saturating_sub(now_us));
            headers.insert(TIMEOUT, timeout);
        }
        if self.previous_attempts > 0 {
            headers.insert(PREVIOUS_ATTEMPTS, self.previous_attempts.into());
        }
        if self.attempt_path > 0 {
            headers.insert(ATTEMPT_PATH, self.attempt_path.into());
        }
    }

    /// Reads what [`RequestContext::inject`] wrote. A caller that sent no request id gets its trace
    /// id as one.
    pub fn extract(headers: &HeaderMap, now_us: u64) -> Self {
        let span = trace_context::extract(headers);
        let text = |name: HeaderName| {
            let value = headers.get(name)?;
            std::str::from_utf8(value.as_bytes()).ok()
        };
        let request_id = match text(REQUEST_ID) {
            Some(id) => Arc::from(id),
            None => Arc::from(span.trace_id().to_string()),
        };
        RequestContext {
            span,
            request_id,
            user_id: Arc::from(text(USER_ID).unwrap_or_default()),
            baggage: Arc::from(text(BAGGAGE).unwrap_or_default()),
            previous_attempts: text(PREVIOUS_ATTEMPTS)
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
            attempt_path: text(ATTEMPT_PATH)
                .and_then(|path| path.parse().ok())
                .unwrap_or(0),
            hedge: false,
            deadline_us: text(TIMEOUT)
                .and_then(parse_timeout_us)
                .map(|timeout_us| now_us.saturating_add(timeout_us)),
            overrides: None,
        }
    }
}

/// A time-out in the notation of gRPC over HTTP/2: at most eight digits and a unit.
fn format_timeout(timeout_us: u64) -> HeaderValue {
    let text = match timeout_us {
        0..=99_999_999 => format!("{timeout_us}u"),
        _ => format!("{}m", (timeout_us / 1000).min(99_999_999)),
    };
    HeaderValue::try_from(text).expect("digits and a letter")
}

fn parse_timeout_us(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok()?;
    let unit_us = match unit {
        "H" => 3_600_000_000,
        "M" => 60_000_000,
        "S" => 1_000_000,
        "m" => 1_000,
        "u" => 1,
        "n" => return Some(number / 1000),
        _ => return None,
    };
    number.checked_mul(unit_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{TraceFlags, TraceState};
    use opentelemetry::{SpanId, TraceId};

    #[test]
    fn a_request_survives_the_headers() {
        let span = SpanContext::new(
            TraceId::from(0xabc),
            SpanId::from(0xdef),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        let mut sent = RequestContext::new("42", "user-7")
            .within(&span)
            .attempt(1, 2, false);
        let mut headers = HeaderMap::new();
        sent.deadline_us = Some(1_500);
        sent.inject(&mut headers, 500);
        assert_eq!(
            headers["traceparent"],
            "00-00000000000000000000000000000abc-0000000000000def-01"
        );
        let received = RequestContext::extract(&headers, 700);
        assert_eq!(headers["grpc-timeout"], "1000u");
        assert_eq!(received.deadline_us, Some(1_700));
        assert_eq!(received.span.trace_id(), span.trace_id());
        assert_eq!(received.span.span_id(), span.span_id());
        assert_eq!(
            (&*received.request_id, &*received.user_id),
            ("42", "user-7")
        );
        assert_eq!(received.draw_key(), sent.draw_key());
    }

    #[test]
    fn baggage_goes_with_the_request_and_its_last_word_counts() {
        let sent = RequestContext::new("1", "user-0")
            .with_baggage("topic", 3)
            .with_baggage("size", 10)
            .with_baggage("size", 20);
        let mut headers = HeaderMap::new();
        sent.inject(&mut headers, 0);
        assert_eq!(headers["baggage"], "topic=3,size=10,size=20");
        let received = RequestContext::extract(&headers, 0);
        assert_eq!(received.baggage_entry("topic"), Some("3"));
        assert_eq!(received.baggage_entry("size"), Some("20"));
        assert_eq!(received.baggage_entry("siz"), None);
    }

    #[test]
    fn a_user_id_in_any_script_survives_and_one_with_a_line_break_is_left_out() {
        let through_headers = |user: &str| {
            let mut headers = HeaderMap::new();
            RequestContext::new("1", user).inject(&mut headers, 0);
            RequestContext::extract(&headers, 0).user_id
        };
        assert_eq!(&*through_headers("Zoë 王"), "Zoë 王");
        assert_eq!(&*through_headers("a\r\nx-request-id: 2"), "");
    }

    #[test]
    fn a_time_out_past_the_end_of_time_means_no_hurry() {
        let mut headers = HeaderMap::new();
        let longest = format!("{}u", u64::MAX);
        headers.insert(
            TIMEOUT,
            HeaderValue::try_from(longest).expect("digits and a letter"),
        );
        let received = RequestContext::extract(&headers, 5);
        assert_eq!(received.deadline_us, Some(u64::MAX));
    }

    #[test]
    fn a_stranger_without_headers_still_gets_a_context() {
        let received = RequestContext::extract(&HeaderMap::new(), 0);
        assert!(!received.span.is_valid());
        assert_eq!(received.previous_attempts, 0);
    }

    #[test]
    fn time_outs_keep_to_grpcs_eight_digits() {
        for (timeout_us, text) in [
            (0, "0u"),
            (99_999_999, "99999999u"),
            (100_000_000, "100000m"),
        ] {
            assert_eq!(format_timeout(timeout_us), text);
            assert_eq!(parse_timeout_us(text), Some(timeout_us));
        }
        assert_eq!(parse_timeout_us("12x"), None);
        assert_eq!(parse_timeout_us(""), None);
        assert_eq!(parse_timeout_us("2S"), Some(2_000_000));
    }

    #[test]
    fn a_retry_further_up_draws_anew_below() {
        let through_headers = |context: &RequestContext| {
            let mut headers = HeaderMap::new();
            context.inject(&mut headers, 0);
            RequestContext::extract(&headers, 0)
        };
        let client = RequestContext::new("1", "user-0");
        let below = |first: u32, second: u32| {
            let middle = through_headers(&client.attempt(1, first, false));
            through_headers(&middle.attempt(2, second, false)).draw_key()
        };
        assert_eq!(below(0, 0), client.draw_key());
        let keys = [
            below(0, 0),
            below(0, 1),
            below(1, 0),
            below(1, 1),
            below(2, 0),
        ];
        let distinct: std::collections::BTreeSet<u64> = keys.iter().map(|key| key.0).collect();
        assert_eq!(distinct.len(), keys.len());
    }
}
