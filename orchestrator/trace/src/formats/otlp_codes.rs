//! Kinds, statuses and severities in OTLP's JSON, by number or by protobuf's name.

use super::scalar::Scalar;
use crate::span::{SpanKind, Status};

pub(super) fn kind(scalar: &Scalar<'_>) -> Option<SpanKind> {
    let Scalar::Text(name) = scalar else {
        return SpanKind::from_number(scalar.as_i64()?);
    };
    Some(match name.as_ref() {
        "SPAN_KIND_UNSPECIFIED" => SpanKind::Unspecified,
        "SPAN_KIND_INTERNAL" => SpanKind::Internal,
        "SPAN_KIND_SERVER" => SpanKind::Server,
        "SPAN_KIND_CLIENT" => SpanKind::Client,
        "SPAN_KIND_PRODUCER" => SpanKind::Producer,
        "SPAN_KIND_CONSUMER" => SpanKind::Consumer,
        number => return SpanKind::from_number(number.parse().ok()?),
    })
}

pub(super) fn status(scalar: &Scalar<'_>) -> Option<Status> {
    let Scalar::Text(name) = scalar else {
        return Status::from_number(scalar.as_i64()?);
    };
    Some(match name.as_ref() {
        "STATUS_CODE_UNSET" => Status::Unset,
        "STATUS_CODE_OK" => Status::Ok,
        "STATUS_CODE_ERROR" => Status::Error,
        number => return Status::from_number(number.parse().ok()?),
    })
}

/// The number of a name such as `SEVERITY_NUMBER_WARN2`, or of a number in quotes or without.
pub(super) fn severity_number(scalar: &Scalar<'_>) -> Option<i64> {
    let Scalar::Text(name) = scalar else {
        return scalar.as_i64();
    };
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let name = name.strip_prefix("SEVERITY_NUMBER_")?;
    let base = name.trim_end_matches(|char: char| char.is_ascii_digit());
    Some(match base {
        "TRACE" => 1,
        "DEBUG" => 5,
        "INFO" => 9,
        "WARN" => 13,
        "ERROR" => 17,
        "FATAL" => 21,
        _ => return None,
    })
}
