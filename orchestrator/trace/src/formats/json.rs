//! JSON values as attribute values, and the other way round.

use serde_json::Value as Json;

use crate::set::TraceSet;
use crate::value::{Attribute, Value};

pub(super) fn from_json(set: &mut TraceSet, json: Json) -> Value {
    match json {
        Json::Null => Value::Str(set.intern("")),
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Str(set.intern(&text)),
        Json::Array(items) => {
            let values = items.into_iter().map(|item| from_json(set, item)).collect();
            Value::List(Box::new(values))
        }
        Json::Object(fields) => {
            let entries = fields
                .into_iter()
                .map(|(key, json)| Attribute::new(set.intern(&key), from_json(set, json)))
                .collect();
            Value::Map(Box::new(entries))
        }
    }
}

pub(super) fn to_json(set: &TraceSet, value: &Value) -> Json {
    match value {
        Value::Str(symbol) => Json::from(set.text(*symbol)),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Bool(truth) => Json::from(*truth),
        Value::Bytes(bytes) => Json::from(bytes.as_slice()),
        Value::List(values) => values.iter().map(|value| to_json(set, value)).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (set.text(entry.key).to_owned(), to_json(set, &entry.value)))
            .collect(),
    }
}
