//! The CSV format of the Azure Public Dataset's LLM inference traces.

use std::io::Read;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::error::{RecordingProblem, WHOLE_NUMBER, shortened};
use super::line::{Line, LineProblem};

const TIMESTAMP: &str = "TIMESTAMP";
const CONTEXT_TOKENS: &str = "ContextTokens";
const GENERATED_TOKENS: &str = "GeneratedTokens";

pub(super) fn read(input: impl Read) -> Result<Vec<Line>, LineProblem> {
    // Short lines are let through here, so that the message can name the field they lack.
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(Trim::All)
        .from_reader(input);
    let header = reader.headers().map_err(csv_problem)?.clone();
    if header.is_empty() {
        return Err((None, RecordingProblem::Empty));
    }
    let columns = Columns::find(&header).map_err(|problem| (Some(1), problem))?;
    let mut lines = Vec::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(csv_problem)? {
        let line = record.position().map(csv::Position::line);
        lines.push(columns.line(&record).map_err(|problem| (line, problem))?);
    }
    Ok(lines)
}

fn csv_problem(error: csv::Error) -> LineProblem {
    let line = error.position().map(csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) => (line, error.into()),
        // Lines may have any length and nothing is deserialised, which leaves the encoding.
        _ => (line, RecordingProblem::NotText),
    }
}

/// Where the fields stand in a line.
struct Columns {
    timestamp: usize,
    context_tokens: usize,
    generated_tokens: usize,
}

impl Columns {
    fn find(header: &StringRecord) -> Result<Columns, RecordingProblem> {
        let column = |column: &'static str| {
            let found = header.iter().position(|name| name == column);
            found.ok_or_else(|| RecordingProblem::NoColumn {
                column,
                header: shortened(&header.iter().collect::<Vec<_>>().join(",")),
            })
        };
        Ok(Columns {
            timestamp: column(TIMESTAMP)?,
            context_tokens: column(CONTEXT_TOKENS)?,
            generated_tokens: column(GENERATED_TOKENS)?,
        })
    }

    fn line(&self, record: &StringRecord) -> Result<Line, RecordingProblem> {
        Ok(Line {
            time_us: time_us(field(record, self.timestamp, TIMESTAMP)?)?,
            prompt_tokens: tokens(record, self.context_tokens, CONTEXT_TOKENS)?,
            output_tokens: tokens(record, self.generated_tokens, GENERATED_TOKENS)?,
            prefix_ids: Box::default(),
        })
    }
}

fn field<'a>(
    record: &'a StringRecord,
    column: usize,
    field: &'static str,
) -> Result<&'a str, RecordingProblem> {
    record
        .get(column)
        .ok_or(RecordingProblem::NoField { field })
}

fn tokens(
    record: &StringRecord,
    column: usize,
    name: &'static str,
) -> Result<u32, RecordingProblem> {
    let text = field(record, column, name)?;
    text.parse().map_err(|_| RecordingProblem::BadField {
        field: name,
        found: shortened(text),
        expected: WHOLE_NUMBER,
    })
}

/// The dataset of 2023 has times without an offset, that of 2024 with one.
fn time_us(text: &str) -> Result<i64, RecordingProblem> {
    let timestamp = text.parse::<Timestamp>().or_else(|_| {
        let time: DateTime = text.parse()?;
        TimeZone::UTC.to_timestamp(time)
    });
    match timestamp {
        Ok(timestamp) => Ok(timestamp.as_microsecond()),
        Err(_) => Err(RecordingProblem::BadField {
            field: TIMESTAMP,
            found: shortened(text),
            expected: "a time such as 2023-11-16 18:17:03.9799600",
        }),
    }
}
