//! OTLP's `AnyValue` in JSON. Serde's derived code would make room for every kind of value at once,
//! which for batches of thousands of attributes takes longer than reading the text.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::model::{KeyValue, Scalar, Text};

/// A value with its text borrowed. An object without a field, and null, are empty; of several
/// fields, which no writer gives, the last counts.
#[derive(Debug, Default)]
pub(crate) enum AnyValue<'a> {
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
