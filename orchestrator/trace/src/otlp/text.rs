//! Pieces of JSON text, written straight into a buffer.

use crate::set::TraceSet;
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hexadecimal digits, 16 of them.
pub(crate) fn push_hex_u64(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 16];
    for (byte, pair) in number.to_be_bytes().iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    out.extend_from_slice(&digits);
}

/// Lower-case hexadecimal digits, 32 of them.
pub(crate) fn push_hex_u128(out: &mut Vec<u8>, number: u128) {
    push_hex_u64(out, (number >> 64) as u64);
    push_hex_u64(out, number as u64);
}

pub(crate) fn push_int(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A number, or the string that protobuf's JSON mapping has for what JSON's numbers cannot say.
pub(crate) fn push_float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        serde_json::to_writer(out, &number).expect("a finite number can be written to memory");
    } else if number.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if number > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
    }
}

/// Text in quotes.
pub(crate) fn push_json_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// A symbol's text in quotes. Nearly all texts need no escape, which the set knows beforehand.
pub(crate) fn push_symbol(out: &mut Vec<u8>, set: &TraceSet, symbol: Symbol) {
    let text = set.text(symbol);
    if set.is_json_plain(symbol) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        push_json_str(out, text);
    }
}

/// A list in brackets of what `push_item` writes for each item.
pub(crate) fn push_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut push_item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    let mut first = true;
    for item in items {
        if !first {
            out.push(b',');
        }
        first = false;
        push_item(out, item);
    }
    out.push(b']');
}

/// OTLP's list of `KeyValue`.
pub(crate) fn push_attributes<'a>(
    out: &mut Vec<u8>,
    set: &TraceSet,
    attributes: impl IntoIterator<Item = &'a Attribute>,
) {
    push_list(out, attributes, |out, attribute| {
        out.extend_from_slice(b"{\"key\":");
        push_symbol(out, set, attribute.key);
        out.extend_from_slice(b",\"value\":");
        push_value(out, set, &attribute.value);
        out.push(b'}');
    });
}

/// OTLP's `AnyValue`.
fn push_value(out: &mut Vec<u8>, set: &TraceSet, value: &Value) {
    match value {
        Value::Str(symbol) => {
            out.extend_from_slice(b"{\"stringValue\":");
            push_symbol(out, set, *symbol);
        }
        Value::Int(number) => {
            out.extend_from_slice(b"{\"intValue\":\"");
            push_int(out, *number);
            out.push(b'"');
        }
        Value::Float(number) => {
            out.extend_from_slice(b"{\"doubleValue\":");
            push_float(out, *number);
        }
        Value::Bool(true) => out.extend_from_slice(b"{\"boolValue\":true"),
        Value::Bool(false) => out.extend_from_slice(b"{\"boolValue\":false"),
        Value::Bytes(bytes) => {
            out.extend_from_slice(b"{\"bytesValue\":\"");
            push_base64(out, bytes);
            out.push(b'"');
        }
        Value::List(values) => {
            out.extend_from_slice(b"{\"arrayValue\":{\"values\":");
            push_list(out, values.iter(), |out, value| push_value(out, set, value));
            out.push(b'}');
        }
        Value::Map(entries) => {
            out.extend_from_slice(b"{\"kvlistValue\":{\"values\":");
            push_attributes(out, set, entries.iter());
            out.push(b'}');
        }
    }
    out.push(b'}');
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0, |group, &byte| (group << 8) | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            out.push(if digit <= chunk.len() {
                BASE64[(group >> (18 - 6 * digit)) as usize & 63]
            } else {
                b'='
            });
        }
    }
}

/// Bytes of base64 text in either alphabet, with or without padding.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut group = 0_u32;
    let mut bits = 0;
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        group = (group << 6) | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits) as u8);
        }
    }
    (bits < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            let mut out = Vec::new();
            push_base64(&mut out, bytes.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), text);
            assert_eq!(parse_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(parse_base64("Z"), None);
        assert_eq!(parse_base64("Zm?v"), None);
    }

    #[test]
    fn floats_are_json_or_protobufs_strings() {
        for (number, text) in [
            (1.0, "1.0"),
            (-0.25, "-0.25"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            let mut out = Vec::new();
            push_float(&mut out, number);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
