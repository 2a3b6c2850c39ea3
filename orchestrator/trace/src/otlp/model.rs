//! The parts of OTLP's JSON that are read, with text borrowed from the line. Fields that are not
//! here are skipped; numbers may be strings and the other way round, as writers differ. Old
//! collectors write the names of fields as protobuf has them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use super::any_value::AnyValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraceBatch<'a> {
    #[serde(borrow, default)]
    pub(crate) resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceSpans<'a> {
    #[serde(borrow, default)]
    pub(crate) resource: JsonResource<'a>,
    #[serde(
        borrow,
        default,
        alias = "scope_spans",
        alias = "instrumentationLibrarySpans",
        alias = "instrumentation_library_spans"
    )]
    pub(crate) scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Default, Deserialize)]
pub(crate) struct JsonResource<'a> {
    #[serde(borrow, default)]
    pub(crate) attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct ScopeSpans<'a> {
    #[serde(borrow, default)]
    pub(crate) spans: Vec<JsonSpan<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonSpan<'a> {
    #[serde(borrow, alias = "trace_id")]
    pub(crate) trace_id: Cow<'a, str>,
    #[serde(borrow, alias = "span_id")]
    pub(crate) span_id: Cow<'a, str>,
    #[serde(borrow, default, alias = "parent_span_id")]
    pub(crate) parent_span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) kind: Scalar<'a>,
    #[serde(borrow, alias = "start_time_unix_nano")]
    pub(crate) start_time_unix_nano: Scalar<'a>,
    #[serde(borrow, alias = "end_time_unix_nano")]
    pub(crate) end_time_unix_nano: Scalar<'a>,
    #[serde(borrow, default)]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    /// As text: most are only counted.
    #[serde(borrow, default)]
    pub(crate) events: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(crate) links: Vec<JsonLink<'a>>,
    #[serde(borrow, default)]
    pub(crate) status: JsonStatus<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonLink<'a> {
    #[serde(borrow, alias = "trace_id")]
    pub(crate) trace_id: Cow<'a, str>,
    #[serde(borrow, alias = "span_id")]
    pub(crate) span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) attributes: Vec<KeyValue<'a>>,
}

#[derive(Default, Deserialize)]
pub(crate) struct JsonStatus<'a> {
    #[serde(borrow, default)]
    pub(crate) code: Scalar<'a>,
    #[serde(borrow, default)]
    pub(crate) message: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct KeyValue<'a> {
    #[serde(borrow)]
    pub(crate) key: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) value: AnyValue<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetricBatch<'a> {
    #[serde(borrow, default)]
    pub(crate) resource_metrics: Vec<ResourceMetrics<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceMetrics<'a> {
    #[serde(borrow, default)]
    pub(crate) resource: JsonResource<'a>,
    #[serde(borrow, default)]
    pub(crate) scope_metrics: Vec<ScopeMetrics<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct ScopeMetrics<'a> {
    #[serde(borrow, default)]
    pub(crate) metrics: Vec<Metric<'a>>,
}

/// A gauge or a sum; other kinds of metric are skipped.
#[derive(Deserialize)]
pub(crate) struct Metric<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) unit: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) gauge: Option<Points<'a>>,
    #[serde(borrow, default)]
    pub(crate) sum: Option<Points<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Points<'a> {
    #[serde(borrow, default)]
    pub(crate) data_points: Vec<Point<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point<'a> {
    #[serde(borrow, default)]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    #[serde(borrow)]
    pub(crate) time_unix_nano: Scalar<'a>,
    #[serde(borrow, default)]
    pub(crate) as_double: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    pub(crate) as_int: Option<Scalar<'a>>,
}

/// Text that is borrowed where it has no escapes: a `Cow` in an `Option` never is.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A number or a string, whichever the writer chose.
#[derive(Clone, Debug)]
pub(crate) enum Scalar<'a> {
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
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Scalar::Unsigned(number) => Some(*number),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Signed(_) | Scalar::Float(_) => None,
        }
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Scalar::Unsigned(number) => i64::try_from(*number).ok(),
            Scalar::Signed(number) => Some(*number),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Float(_) => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
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
