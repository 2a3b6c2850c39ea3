//! Which format a source has, from how it begins.

use crate::formats::{self, Format, Head, Shape};
use crate::read_error::{Position, quote};

/// How many lines are looked at where the first tell nothing.
const MAX_LINES: usize = 200;

/// The format and shape, or where something else is and what it is. `head` is the beginning of the source, or all
/// of it.
pub(super) fn detect(head: &[u8]) -> Result<(&'static dyn Format, Shape), (Position, String)> {
    if let Some(found) = formats::detect(&Head::new(head)) {
        return Ok(found);
    }
    let lines = head.split(|&byte| byte == b'\n').take(MAX_LINES);
    match lines.skip(1).find_map(formats::of_object) {
        Some(format) => Ok((format, Shape::Lines)),
        None => Err(describe(head)),
    }
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

    fn found(text: &str) -> Option<(&'static str, Shape)> {
        let (format, shape) = detect(text.as_bytes()).ok()?;
        Some((format.name(), shape))
    }

    #[test]
    fn json_tells_by_its_keys() {
        let objects = |outer| Shape::Objects { outer };
        for (text, expected) in [
            (r#"{"resourceSpans":[]}"#, ("OTLP JSON", Shape::Lines)),
            ("{\"resource_logs\":[]}\n{", ("OTLP JSON", Shape::Lines)),
            ("{\n \"resourceSpans\": [", ("OTLP JSON", objects(0))),
            ("\n{\n\"resourceMetrics\": [", ("OTLP JSON", objects(0))),
            (
                "{\"resourceSpans\":[{\"re\n{\"resourceSpans\":[]}",
                ("OTLP JSON", Shape::Lines),
            ),
            (
                "ceSpans\":[]}\n{\"resourceSpans\":[]}",
                ("OTLP JSON", Shape::Lines),
            ),
            (r#"[{"resourceSpans":[]}]"#, ("OTLP JSON", objects(0))),
            (r#"{"data":[{"traceID":"1"}]}"#, ("Jaeger JSON", objects(1))),
            (
                r#"{"data":[],"total":0,"errors":null}"#,
                ("Jaeger JSON", objects(1)),
            ),
            (
                r#"{"traceID":"1","spans":[]}"#,
                ("Jaeger JSON", Shape::Lines),
            ),
            (
                r#"[[{"traceId":"1","id":"2"}]]"#,
                ("Zipkin JSON", objects(0)),
            ),
            (r#"[]"#, ("Zipkin JSON", objects(0))),
            (
                r#"{"timestamp":"","severity":"","service":"","message":""}"#,
                ("log lines", Shape::Lines),
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
                detect(bytes).map(|_| ()).map_err(|(_, found)| found),
                Err(expected.to_owned())
            );
        }
    }
}
