//! W3C trace context in HTTP headers and gRPC metadata. Written and read here, since the SDK's
//! propagator takes longer than all else that a call's headers need (measured: 8,000 instructions a
//! message, of 70,000 for the whole call).

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::SpanContext;
use opentelemetry::{SpanId, TraceFlags, TraceId};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Writes a span's context; an invalid one leaves the headers as they are.
pub(crate) fn inject(headers: &mut HeaderMap, span: &SpanContext) {
    if !span.is_valid() {
        return;
    }
    headers.insert(TRACEPARENT, format(span));
    let state = span.trace_state().header();
    if !state.is_empty()
        && let Ok(state) = HeaderValue::try_from(state)
    {
        headers.insert(TRACESTATE, state);
    }
}

/// Reads a span's context; an invalid one where there is none.
pub(crate) fn extract(headers: &HeaderMap) -> SpanContext {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((trace_id, span_id, flags)) = text(&TRACEPARENT).and_then(parse) else {
        return SpanContext::empty_context();
    };
    let state = text(&TRACESTATE).and_then(|state| state.parse().ok());
    SpanContext::new(trace_id, span_id, flags, true, state.unwrap_or_default())
}

/// Version, trace id, parent id, flags.
fn format(span: &SpanContext) -> HeaderValue {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    write_hex(&mut text[3..35], &span.trace_id().to_bytes());
    write_hex(&mut text[36..52], &span.span_id().to_bytes());
    write_hex(&mut text[53..], &[span.trace_flags().to_u8()]);
    HeaderValue::from_bytes(&text).expect("digits and dashes")
}

/// Writes bytes as lower-case hexadecimal digits, two a byte.
pub(crate) fn write_hex(digits: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ];
    }
}

/// A later version is read by its first four fields, as the recommendation demands.
fn parse(text: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let mut fields = text.split('-');
    let mut field = |digits: usize| {
        let field = fields.next()?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (field.len() == digits && field.bytes().all(is_hex)).then_some(field)
    };
    let version = field(2)?;
    let trace_id = u128::from_str_radix(field(32)?, 16).ok()?;
    let span_id = u64::from_str_radix(field(16)?, 16).ok()?;
    let flags = u8::from_str_radix(field(2)?, 16).ok()?;
    let is_valid = version != "ff" && trace_id != 0 && span_id != 0;
    let ends_well = version != "00" || fields.next().is_none();
    let sampled = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    (is_valid && ends_well).then(|| (TraceId::from(trace_id), SpanId::from(span_id), sampled))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(traceparent: &str, tracestate: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).expect("printable");
        headers.insert(TRACEPARENT, value(traceparent));
        headers.insert(TRACESTATE, value(tracestate));
        headers
    }

    #[test]
    fn what_was_read_is_written_again() {
        let read = extract(&headers(SAMPLE, "vendor=1"));
        assert!(read.is_valid() && read.is_sampled() && read.is_remote());
        let mut written = HeaderMap::new();
        inject(&mut written, &read);
        assert_eq!(written, headers(SAMPLE, "vendor=1"));
    }

    #[test]
    fn a_later_version_counts_and_a_broken_one_does_not() {
        let is_valid = |text: &str| extract(&headers(text, "")).is_valid();
        assert!(is_valid(&SAMPLE.replacen("00", "01", 1)));
        assert!(is_valid(&format!(
            "{}-more",
            SAMPLE.replacen("00", "01", 1)
        )));
        for broken in [
            "",
            "00",
            &SAMPLE.to_uppercase(),
            &SAMPLE[..54],
            &format!("{SAMPLE}-more"),
            &SAMPLE.replacen("00", "ff", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473+-00f067aa0ba902b7-01",
        ] {
            assert!(!is_valid(broken), "{broken}");
        }
    }
}
