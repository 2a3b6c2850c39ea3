//! OTLP's `AnyValue` in JSON. Serde's derived code would make room for every kind of value at once,
//! which for batches of thousands of attributes takes longer than reading the text.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::scalar::{Scalar, Text};
use crate::otlp::parse_base64;
use crate::set::TraceSet;
use crate::value::{Attribute, Value};

/// A value with its text borrowed. An object without a field, and null, are empty; of several
/// fields, which no writer gives, the last counts.
#[derive(Debug, Default)]
pub(super) enum AnyValue<'a> {
    #[default]
    Empty,
    Str(Cow<'a, str>),
    Bool(bool),
    Int(Scalar<'a>),
    Double(Scalar<'a>),
    /// Base64.
    Bytes(Cow<'a, str>),
    Array(Vec<AnyValue<'a>>),
    Map(Vec<KeyValue<'a>>),
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyValue<'a> {
    #[serde(borrow)]
    pub(super) key: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) value: AnyValue<'a>,
}

#[derive(Deserialize)]
struct JsonArray<'a> {
    #[serde(borrow, default)]
    values: Vec<AnyValue<'a>>,
}

#[derive(Deserialize)]
struct JsonMap<'a> {
    #[serde(borrow, default)]
    values: Vec<KeyValue<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for AnyValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValueVisitor)
    }
}

struct AnyValueVisitor;

impl<'de> Visitor<'de> for AnyValueVisitor {
    type Value = AnyValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value as a JSON object")
    }

    fn visit_unit<E: Error>(self) -> Result<AnyValue<'de>, E> {
        Ok(AnyValue::Empty)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<AnyValue<'de>, M::Error> {
        let mut value = AnyValue::Empty;
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let found = match key.as_ref() {
                "stringValue" | "string_value" => map
                    .next_value::<Option<Text<'de>>>()?
                    .map(|Text(text)| AnyValue::Str(text)),
                "intValue" | "int_value" => map.next_value::<Option<_>>()?.map(AnyValue::Int),
                "doubleValue" | "double_value" => {
                    map.next_value::<Option<_>>()?.map(AnyValue::Double)
                }
                "boolValue" | "bool_value" => map.next_value::<Option<_>>()?.map(AnyValue::Bool),
                "bytesValue" | "bytes_value" => map
                    .next_value::<Option<Text<'de>>>()?
                    .map(|Text(text)| AnyValue::Bytes(text)),
                "arrayValue" | "array_value" => map
                    .next_value::<Option<JsonArray<'de>>>()?
                    .map(|array| AnyValue::Array(array.values)),
                "kvlistValue" | "kvlist_value" => map
                    .next_value::<Option<JsonMap<'de>>>()?
                    .map(|list| AnyValue::Map(list.values)),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    None
                }
            };
            value = found.unwrap_or(value);
        }
        Ok(value)
    }
}

/// An empty value is the empty text: OTLP allows it, and nothing is lost that anyone asks for. None
/// where it is not what it says it is.
pub(super) fn read_value(set: &mut TraceSet, value: AnyValue<'_>) -> Option<Value> {
    Some(match value {
        AnyValue::Empty => Value::Str(set.intern("")),
        AnyValue::Str(text) => Value::Str(set.intern(&text)),
        AnyValue::Bool(truth) => Value::Bool(truth),
        AnyValue::Int(number) => Value::Int(number.as_i64()?),
        AnyValue::Double(number) => Value::Float(number.as_f64()?),
        AnyValue::Bytes(text) => Value::Bytes(Box::new(parse_base64(&text)?)),
        AnyValue::Array(values) => {
            let values = values.into_iter().map(|value| read_value(set, value));
            Value::List(Box::new(values.collect::<Option<_>>()?))
        }
        AnyValue::Map(entries) => {
            let entries = entries.into_iter().map(|entry| {
                let key = set.intern(&entry.key);
                Some(Attribute::new(key, read_value(set, entry.value)?))
            });
            Value::Map(Box::new(entries.collect::<Option<_>>()?))
        }
    })
}
