//! Which format a source has, from how it begins.

use super::keys::{Keys, keys};
use super::report::Format;
use crate::read_error::{Position, quote};

/// How a source is taken apart into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text with a record a line.
    Lines,
    /// JSON objects, over several lines or in a list; within this many outer objects.
    Objects { outer: u8 },
    /// Protobuf messages end to end.
    Messages,
    /// Messages, each behind its length of four bytes.
    Frames,
}

/// How many lines are looked at where the first tell nothing.
const MAX_LINES: usize = 200;
/// How many bytes of a line tell whether the next is of its kind.
const ALIKE_BYTES: usize = 8;
/// Longest frame that is believed. Its length does not begin with the byte with which a message
/// does.
const MAX_FRAME: u32 = 0x0a00_0000 - 1;

/// The format and shape, or where something else is and what it is. `head` is the beginning of the source, or all
/// of it.
pub(super) fn detect(head: &[u8]) -> Result<(Format, Shape), (Position, String)> {
    let text = head.trim_ascii_start();
    if let Some(format) = json_format(text) {
        return Ok((format, json_shape(format, text)));
    }
    if is_frame(head) {
        return Ok((Format::OtlpProtobuf, Shape::Frames));
    }
    if is_message(head) {
        return Ok((Format::OtlpProtobuf, Shape::Messages));
    }
    let lines = head.split(|&byte| byte == b'\n').take(MAX_LINES);
    match lines.skip(1).find_map(json_format) {
        Some(format) => Ok((format, Shape::Lines)),
        None => Err(describe(head)),
    }
}

/// The format of the JSON object with which a text begins, where it tells.
pub(super) fn json_format(text: &[u8]) -> Option<Format> {
    let text = text.trim_ascii_start();
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let keys = keys(text);
    let any = |names: &[&str]| names.iter().any(|name| keys.has(name));
    if any(&[
        "resourceSpans",
        "resourceMetrics",
        "resourceLogs",
        "resource_spans",
        "resource_metrics",
        "resource_logs",
    ]) {
        Some(Format::OtlpJson)
    } else if any(&["traceID"]) || is_jaeger_answer(&keys) {
        Some(Format::Jaeger)
    } else if keys.has("traceId") && keys.has("id") {
        Some(Format::Zipkin)
    } else if keys.has("timestamp") && keys.has("severity") && keys.has("service") {
        Some(Format::LogLines)
    } else if keys.outer.is_empty() && text.trim_ascii_end() == b"[]" {
        // What Zipkin answers where it has no trace.
        Some(Format::Zipkin)
    } else {
        let empty = keys.outer.is_empty() && keys.end.is_some();
        empty.then_some(Format::OtlpJson)
    }
}

fn is_jaeger_answer(keys: &Keys<'_>) -> bool {
    keys.has("data") && (keys.has_inner("traceID") || keys.has_inner("spans") || keys.has("errors"))
}

fn json_shape(format: Format, text: &[u8]) -> Shape {
    let first = keys(text);
    if format == Format::Jaeger && is_jaeger_answer(&first) {
        return Shape::Objects { outer: 1 };
    }
    if text.first() == Some(&b'[') {
        return Shape::Objects { outer: 0 };
    }
    let Some(newline) = memchr::memchr(b'\n', text) else {
        return Shape::Lines;
    };
    if first.end.is_some_and(|end| end <= newline) {
        return Shape::Lines;
    }
    // The first line ends within its object. Where the next begins as the first did, it was cut.
    let next = text[newline..].trim_ascii_start();
    let alike = next.len() >= ALIKE_BYTES && text[..ALIKE_BYTES] == next[..ALIKE_BYTES];
    match alike {
        true => Shape::Lines,
        false => Shape::Objects { outer: 0 },
    }
}

/// A message within a frame begins with its first field, a list of resources; one that is
/// compressed, or is JSON, tells as a file does.
fn is_frame(head: &[u8]) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<4>() else {
        return false;
    };
    let length = u32::from_be_bytes(*length);
    if length == 0 || length > MAX_FRAME {
        return false;
    }
    let frame = &rest[..rest.len().min(length as usize)];
    is_message(frame)
        || json_format(frame).is_some()
        || frame.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || frame.starts_with(&[0x1f, 0x8b])
}

/// Field 1 of any request is a list of messages whose fields are 1 (resource), 2 (scopes) and 3
/// (the schema's address), all of the wire type for bytes.
fn is_message(head: &[u8]) -> bool {
    let Some((0x0a, rest)) = head.split_first() else {
        return false;
    };
    let mut length = 0_u64;
    for (place, &byte) in rest.iter().enumerate().take(5) {
        length |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            let within = matches!(rest.get(place + 1), Some(0x0a | 0x12 | 0x1a));
            return length > 0 && within;
        }
    }
    false
}

fn describe(head: &[u8]) -> (Position, String) {
    let first = head.trim_ascii();
    let line = first.split(|&byte| byte == b'\n').next().unwrap_or(first);
    let is_odd = |char: char| char.is_control() && !matches!(char, '\t' | '\r');
    match std::str::from_utf8(line) {
        Ok("") => {
            let found = "it holds nothing but white space".to_owned();
            (Position::Line(1), found)
        }
        Ok(line) if !line.contains(is_odd) => {
            let found = format!("it begins with `{}`", quote(line.trim_end()));
            (Position::Line(1), found)
        }
        _ => {
            let bytes: Vec<String> = head
                .iter()
                .take(4)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let bytes = bytes.join(" ");
            let found = format!("it is binary and begins with the bytes {bytes}");
            (Position::Byte(0), found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(Format, Shape)> {
        detect(text.as_bytes()).ok()
    }

    #[test]
    fn json_tells_by_its_keys() {
        let objects = |outer| Shape::Objects { outer };
        for (text, expected) in [
            (r#"{"resourceSpans":[]}"#, (Format::OtlpJson, Shape::Lines)),
            (
                "{\"resource_logs\":[]}\n{",
                (Format::OtlpJson, Shape::Lines),
            ),
            ("{\n \"resourceSpans\": [", (Format::OtlpJson, objects(0))),
            (
                "\n{\n\"resourceMetrics\": [",
                (Format::OtlpJson, objects(0)),
            ),
            (
                "{\"resourceSpans\":[{\"re\n{\"resourceSpans\":[]}",
                (Format::OtlpJson, Shape::Lines),
            ),
            (
                "ceSpans\":[]}\n{\"resourceSpans\":[]}",
                (Format::OtlpJson, Shape::Lines),
            ),
            (r#"[{"resourceSpans":[]}]"#, (Format::OtlpJson, objects(0))),
            (
                r#"{"data":[{"traceID":"1"}]}"#,
                (Format::Jaeger, objects(1)),
            ),
            (
                r#"{"data":[],"total":0,"errors":null}"#,
                (Format::Jaeger, objects(1)),
            ),
            (
                r#"{"traceID":"1","spans":[]}"#,
                (Format::Jaeger, Shape::Lines),
            ),
            (
                r#"[[{"traceId":"1","id":"2"}]]"#,
                (Format::Zipkin, objects(0)),
            ),
            (r#"[]"#, (Format::Zipkin, objects(0))),
            (
                r#"{"timestamp":"","severity":"","service":"","message":""}"#,
                (Format::LogLines, Shape::Lines),
            ),
        ] {
            assert_eq!(found(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_content_is_described() {
        for (bytes, expected) in [
            (&b"time,value\n1,2\n"[..], "it begins with `time,value`"),
            (b"{\"name\":1}", "it begins with `{\"name\":1}`"),
            (
                b"PK\x03\x04\x00",
                "it is binary and begins with the bytes 50 4b 03 04",
            ),
            (b" \n ", "it holds nothing but white space"),
        ] {
            assert_eq!(
                detect(bytes).map_err(|(_, found)| found),
                Err(expected.to_owned())
            );
        }
    }
}
