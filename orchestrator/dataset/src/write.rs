//! The files of a case.

use ragdoll_score::{CaseFolder, Part, Signal, Truth};
use ragdoll_trace::{OtlpJsonWriter, write_log_line};

use crate::error::DatasetError;
use crate::files::{create_folder, write};
use crate::parts::Parts;
use crate::tables;

/// Spans or samples of a line of OTLP: about as many as an exporter sends at once.
const RECORDS_PER_LINE: usize = 512;
/// The fastest of zstd's usual levels: telemetry is regular, and further levels gain little.
const LEVEL: i32 = 1;

/// Writes a case. The truth comes last: a folder without one is not complete.
pub(crate) fn write_case(
    folder: &CaseFolder,
    truth: &Truth,
    parts: &Parts,
) -> Result<(), DatasetError> {
    create_folder(folder.path())?;
    let unpackable = |source| DatasetError::Write {
        path: folder.path().to_owned(),
        source,
    };
    let mut zstd = zstd::bulk::Compressor::new(LEVEL).map_err(unpackable)?;
    for part in Part::ALL {
        for signal in Signal::ALL {
            let text = lines(parts, part, signal);
            let path = folder.telemetry_path(part, signal);
            let packed = zstd.compress(&text).map_err(unpackable)?;
            write(&path, &packed)?;
        }
    }
    tables::write(folder, parts)?;
    folder.write_truth(truth)?;
    Ok(())
}

/// A stretch's telemetry of one kind as lines of JSON.
fn lines(parts: &Parts, part: Part, signal: Signal) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = OtlpJsonWriter::new();
    match signal {
        Signal::Traces => {
            let spans = parts.spans(part);
            for start in spans.clone().step_by(RECORDS_PER_LINE) {
                let end = (start + RECORDS_PER_LINE).min(spans.end);
                writer.write_batch(&mut text, &parts.set, start..end);
            }
        }
        Signal::Logs => {
            for event in parts.logs(part) {
                write_log_line(&mut text, &parts.set, event);
            }
        }
        Signal::Metrics => {
            for points in parts.metrics(part).chunks(RECORDS_PER_LINE) {
                writer.write_metrics(&mut text, &parts.set, points);
            }
        }
    }
    text
}
