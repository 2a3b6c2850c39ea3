//! The parts of OTLP's JSON that are read, with text borrowed from the line. Fields that are not
//! here are skipped; numbers may be strings and the other way round, as writers differ.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TraceBatch<'a> {
    #[serde(borrow, default)]
    pub(super) resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceSpans<'a> {
    #[serde(borrow, default)]
    pub(super) resource: JsonResource<'a>,
    #[serde(borrow, default)]
    pub(super) scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct JsonResource<'a> {
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ScopeSpans<'a> {
    #[serde(borrow, default)]
    pub(super) spans: Vec<JsonSpan<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonSpan<'a> {
    #[serde(borrow)]
    pub(super) trace_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) parent_span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Scalar<'a>,
    #[serde(borrow)]
    pub(super) start_time_unix_nano: Scalar<'a>,
    #[serde(borrow)]
    pub(super) end_time_unix_nano: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
    #[serde(borrow, default)]
    pub(super) links: Vec<JsonLink<'a>>,
    #[serde(borrow, default)]
    pub(super) status: JsonStatus<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonLink<'a> {
    #[serde(borrow)]
    pub(super) trace_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct JsonStatus<'a> {
    #[serde(borrow, default)]
    pub(super) code: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) message: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct KeyValue<'a> {
    #[serde(borrow)]
    pub(super) key: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) value: AnyValue<'a>,
}

/// At most one field is given.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnyValue<'a> {
    #[serde(borrow, default)]
    pub(super) string_value: Option<Text<'a>>,
    #[serde(default)]
    pub(super) bool_value: Option<bool>,
    #[serde(borrow, default)]
    pub(super) int_value: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    pub(super) double_value: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    pub(super) bytes_value: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) array_value: Option<JsonArray<'a>>,
    #[serde(borrow, default)]
    pub(super) kvlist_value: Option<JsonMap<'a>>,
}

#[derive(Deserialize)]
pub(super) struct JsonArray<'a> {
    #[serde(borrow, default)]
    pub(super) values: Vec<AnyValue<'a>>,
}

#[derive(Deserialize)]
pub(super) struct JsonMap<'a> {
    #[serde(borrow, default)]
    pub(super) values: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricBatch<'a> {
    #[serde(borrow, default)]
    pub(super) resource_metrics: Vec<ResourceMetrics<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceMetrics<'a> {
    #[serde(borrow, default)]
    pub(super) resource: JsonResource<'a>,
    #[serde(borrow, default)]
    pub(super) scope_metrics: Vec<ScopeMetrics<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ScopeMetrics<'a> {
    #[serde(borrow, default)]
    pub(super) metrics: Vec<Metric<'a>>,
}

/// A gauge or a sum; other kinds of metric are skipped.
#[derive(Deserialize)]
pub(super) struct Metric<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) unit: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) gauge: Option<Points<'a>>,
    #[serde(borrow, default)]
    pub(super) sum: Option<Points<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Points<'a> {
    #[serde(borrow, default)]
    pub(super) data_points: Vec<Point<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Point<'a> {
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
    #[serde(borrow)]
    pub(super) time_unix_nano: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) as_double: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    pub(super) as_int: Option<Scalar<'a>>,
}

/// Text that is borrowed where it has no escapes: a `Cow` in an `Option` never is.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A number or a string, whichever the writer chose.
#[derive(Clone, Debug)]
pub(super) enum Scalar<'a> {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

impl Default for Scalar<'_> {
    fn default() -> Self {
        Scalar::Unsigned(0)
    }
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Unsigned(number) => number.fmt(f),
            Scalar::Signed(number) => number.fmt(f),
            Scalar::Float(number) => number.fmt(f),
            Scalar::Text(text) => text.fmt(f),
        }
    }
}

impl Scalar<'_> {
    pub(super) fn as_u64(&self) -> Option<u64> {
        match self {
            Scalar::Unsigned(number) => Some(*number),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Signed(_) | Scalar::Float(_) => None,
        }
    }

    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Scalar::Unsigned(number) => i64::try_from(*number).ok(),
            Scalar::Signed(number) => Some(*number),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Float(_) => None,
        }
    }

    pub(super) fn as_f64(&self) -> Option<f64> {
        match self {
            Scalar::Unsigned(number) => Some(*number as f64),
            Scalar::Signed(number) => Some(*number as f64),
            Scalar::Float(number) => Some(*number),
            Scalar::Text(text) => text.parse().ok(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(PhantomData))
    }
}

struct ScalarVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ScalarVisitor<'a> {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a number in a string")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Signed(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }
}
