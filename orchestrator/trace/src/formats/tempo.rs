//! A trace as Grafana Tempo's API answers it and Grafana saves it: OTLP's JSON with other keys around it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::format::{Format, Outcome};
use super::head::{Head, Shape};
use super::otlp_json::OtlpJson;
use crate::part::Part;
use crate::read_error::ReadProblem;

const EXPECTED: &str = "a trace of Tempo with `batches` or `trace`";

/// What the parts of a trace have, one of which comes first.
const PARTS: [&str; 3] = ["resource", "scopeSpans", "instrumentationLibrarySpans"];

#[derive(Deserialize)]
struct Answer<'a> {
    /// What OTLP calls `resourceSpans`, in version 1 of the API.
    #[serde(borrow, default)]
    batches: Option<&'a RawValue>,
    /// An object of OTLP, in version 2.
    #[serde(borrow, default)]
    trace: Option<&'a RawValue>,
}

/// JSON of Tempo's API, one trace an object.
pub(super) struct Tempo;

impl Format for Tempo {
    fn name(&self) -> &'static str {
        "Tempo JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Option<Shape> {
        let keys = head.keys()?;
        let is_first = keys.has("batches") && PARTS.iter().any(|key| keys.has_inner(key));
        let is_second = keys.has("trace") && keys.has_inner("resourceSpans");
        (is_first || is_second).then(|| head.json_shape())
    }

    fn read(&self, part: &mut Part, object: &str) -> Outcome {
        match serde_json::from_str(object) {
            Ok(Answer {
                batches: Some(batches),
                ..
            }) => OtlpJson.read(part, &format!("{{\"resourceSpans\":{batches}}}")),
            Ok(Answer {
                trace: Some(trace), ..
            }) => OtlpJson.read(part, trace.get()),
            Ok(_) => Outcome::Foreign(ReadProblem::field("trace", object, EXPECTED)),
            Err(error) => Outcome::Foreign(ReadProblem::json(EXPECTED)(error)),
        }
    }

    fn read_cut(&self, part: &mut Part, object: &str) {
        let after = |key: &str| object.split_once(key).map(|(_, rest)| rest);
        if let Some(batches) = after("\"batches\"") {
            OtlpJson.read_cut(part, &format!("{{\"resourceSpans\"{batches}"));
        } else {
            let trace = after("\"trace\"").and_then(|rest| rest.split_once(':'));
            OtlpJson.read_cut(part, trace.map_or("", |(_, trace)| trace));
        }
    }
}
