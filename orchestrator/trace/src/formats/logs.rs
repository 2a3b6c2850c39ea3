//! Log lines of ragdoll's services.

use crate::logs::{LogLine, read_event};
use crate::read_error::ReadProblem;
use crate::reader::Dropped;
use crate::reader::part::Part;
use crate::reader::records::Outcome;

/// Reads one line.
pub(crate) fn read(part: &mut Part, text: &str) -> Outcome {
    let line: LogLine<'_> = match serde_json::from_str(text) {
        Ok(line) => line,
        Err(error) => {
            let expected = "a JSON object with `timestamp`, `severity`, `service` and `message`";
            return Outcome::Foreign(ReadProblem::Json { expected, error });
        }
    };
    match read_event(&mut part.seen.traces, line) {
        Ok(event) => part.seen.logs.push(event),
        Err(problem) => part.fault(Dropped::BadLogEvent, problem),
    }
    Outcome::Read
}
