//! Attributes and their values in OTLP's protobuf.

use std::borrow::Cow;

use super::wire::{Fault, Field, Message};
use crate::set::TraceSet;
use crate::value::{Attribute, Value};

/// How deep values may be in one another, as deep as in JSON.
const MAX_DEPTH: usize = 64;

/// Text; bytes that are none are replaced.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The pairs in a message's fields of this number.
pub(super) fn attributes<'a>(
    set: &mut TraceSet,
    message: &'a [u8],
    number: u64,
) -> Result<Vec<(Cow<'a, str>, Value)>, Fault> {
    let mut pairs = Vec::new();
    for field in Message::new(message) {
        match field? {
            (found, Field::Bytes(bytes)) if found == number => pairs.push(pair(set, bytes, 0)?),
            _ => {}
        }
    }
    Ok(pairs)
}

/// One pair.
pub(super) fn attribute(set: &mut TraceSet, bytes: &[u8]) -> Result<Attribute, Fault> {
    let (key, value) = pair(set, bytes, 0)?;
    Ok(Attribute::new(set.intern(&key), value))
}

/// A pair whose value is text; none where it is another, or cannot be understood.
pub(super) fn text_pair(bytes: &[u8]) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (mut key, mut value) = (Cow::default(), None);
    for field in Message::new(bytes) {
        match field.ok()? {
            (1, Field::Bytes(bytes)) => key = text(bytes),
            (2, Field::Bytes(bytes)) => value = Some(bytes),
            _ => {}
        }
    }
    for field in Message::new(value?) {
        if let (1, Field::Bytes(bytes)) = field.ok()? {
            return Some((key, text(bytes)));
        }
    }
    None
}

/// A value by itself.
pub(super) fn value_of(set: &mut TraceSet, bytes: &[u8]) -> Result<Value, Fault> {
    value(set, bytes, 0)
}

fn pair<'a>(
    set: &mut TraceSet,
    bytes: &'a [u8],
    depth: usize,
) -> Result<(Cow<'a, str>, Value), Fault> {
    let mut key = Cow::default();
    let mut found: &[u8] = &[];
    for field in Message::new(bytes) {
        match field? {
            (1, Field::Bytes(bytes)) => key = text(bytes),
            (2, Field::Bytes(bytes)) => found = bytes,
            _ => {}
        }
    }
    let value = value(set, found, depth)?;
    Ok((key, value))
}

/// An empty value is the empty text, as it is in JSON.
fn value(set: &mut TraceSet, bytes: &[u8], depth: usize) -> Result<Value, Fault> {
    if depth == MAX_DEPTH {
        return Err(Fault::BadTag);
    }
    let mut value = None;
    for field in Message::new(bytes) {
        value = match field? {
            (1, Field::Bytes(bytes)) => Some(Value::Str(set.intern(&text(bytes)))),
            (2, Field::Varint(truth)) => Some(Value::Bool(truth != 0)),
            (3, Field::Varint(number)) => Some(Value::Int(number.cast_signed())),
            (4, Field::Fixed64(bits)) => Some(Value::Float(f64::from_bits(bits))),
            (5, Field::Bytes(bytes)) => {
                let mut values = Vec::new();
                for field in Message::new(bytes) {
                    if let (1, Field::Bytes(bytes)) = field? {
                        values.push(self::value(set, bytes, depth + 1)?);
                    }
                }
                Some(Value::List(Box::new(values)))
            }
            (6, Field::Bytes(bytes)) => {
                let mut entries = Vec::new();
                for field in Message::new(bytes) {
                    if let (1, Field::Bytes(bytes)) = field? {
                        let (key, value) = pair(set, bytes, depth + 1)?;
                        entries.push(Attribute::new(set.intern(&key), value));
                    }
                }
                Some(Value::Map(Box::new(entries)))
            }
            (7, Field::Bytes(bytes)) => Some(Value::Bytes(Box::new(bytes.to_vec()))),
            _ => value,
        };
    }
    Ok(value.unwrap_or_else(|| Value::Str(set.intern(""))))
}
