//! The JSON lines of Mooncake's traces.

use std::io::{BufRead, ErrorKind};

use serde_json::{Map, Value};

use super::error::{RecordingProblem, WHOLE_NUMBER, shortened};
use super::line::{Line, LineProblem};

/// Times are below this many milliseconds, some 285 years, so that they fit in microseconds.
const LATEST_MS: f64 = 9e12;

pub(super) fn read(mut input: impl BufRead) -> Result<Vec<Line>, LineProblem> {
    let mut lines = Vec::new();
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        let at = |problem| (Some(number), problem);
        match input.read_line(&mut text) {
            Ok(0) => break,
            Ok(_) if text.trim().is_empty() => {}
            Ok(_) => lines.push(line(text.trim_end()).map_err(at)?),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(at(RecordingProblem::NotText));
            }
            Err(error) => return Err(at(error.into())),
        }
    }
    Ok(lines)
}

fn line(text: &str) -> Result<Line, RecordingProblem> {
    let object = match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(RecordingProblem::NotAnObject { column: None }),
        Err(error) => {
            return Err(RecordingProblem::NotAnObject {
                column: Some(error.column()),
            });
        }
    };
    Ok(Line {
        time_us: time_us(&object)?,
        prompt_tokens: tokens(&object, "input_length")?,
        output_tokens: tokens(&object, "output_length")?,
        prefix_ids: prefix_ids(&object)?,
    })
}

fn field<'a>(
    object: &'a Map<String, Value>,
    field: &'static str,
) -> Result<&'a Value, RecordingProblem> {
    object.get(field).ok_or(RecordingProblem::NoField { field })
}

fn bad_field(field: &'static str, found: &Value, expected: &'static str) -> RecordingProblem {
    RecordingProblem::BadField {
        field,
        found: shortened(&found.to_string()),
        expected,
    }
}

fn time_us(object: &Map<String, Value>) -> Result<i64, RecordingProblem> {
    let value = field(object, "timestamp")?;
    match value.as_f64() {
        Some(ms) if (0.0..LATEST_MS).contains(&ms) => Ok(libm::round(ms * 1000.0) as i64),
        _ => Err(bad_field(
            "timestamp",
            value,
            "a number of milliseconds, at least 0,",
        )),
    }
}

fn tokens(object: &Map<String, Value>, name: &'static str) -> Result<u32, RecordingProblem> {
    let value = field(object, name)?;
    let tokens = value.as_u64().and_then(|tokens| tokens.try_into().ok());
    tokens.ok_or_else(|| bad_field(name, value, WHOLE_NUMBER))
}

/// A trace without the ids of blocks is one in which nothing is known to be shared.
fn prefix_ids(object: &Map<String, Value>) -> Result<Box<[u64]>, RecordingProblem> {
    let Some(value) = object.get("hash_ids") else {
        return Ok(Box::default());
    };
    let ids = value
        .as_array()
        .and_then(|ids| ids.iter().map(Value::as_u64).collect());
    ids.ok_or_else(|| bad_field("hash_ids", value, "a list of whole numbers"))
}
