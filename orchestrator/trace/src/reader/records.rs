//! Reading of the records of a chunk, each by itself.

use std::borrow::Cow;
use std::io::Read;

use super::chunks::{Chunk, Content, Limits};
use super::detect::json_format;
use super::input::{compression_of, decoder};
use super::oddities::{Dropped, Repair};
use super::part::Part;
use super::report::{Compression, Format};
use super::split::{Piece, PieceKind, Pieces, Splitter};
use crate::formats::{jaeger, logs, otlp_json, otlp_protobuf, zipkin};
use crate::read_error::{Position, ReadProblem, quote};

/// What a format's reader says about a record that it was given whole.
pub(crate) enum Outcome {
    /// It is of the format, or was and is counted as broken.
    Read,
    /// It is not of the format.
    Foreign(ReadProblem),
}

/// Reads a chunk.
pub(super) fn read_chunk(format: Format, chunk: Chunk, limits: Limits) -> Part {
    let mut part = Part::default();
    match chunk.content {
        Content::Lines { first_line } => {
            let lines = chunk.bytes.split(|&byte| byte == b'\n');
            for (line, number) in lines.zip(first_line..) {
                part.at = Position::Line(number);
                let line = text_of(&mut part, line.trim_ascii());
                read_line(&mut part, format, &line, limits);
            }
        }
        Content::Records(pieces) => {
            for piece in pieces {
                read_piece(&mut part, format, &chunk.bytes, piece, limits);
            }
        }
    }
    part
}

fn text_of<'a>(part: &mut Part, bytes: &'a [u8]) -> Cow<'a, str> {
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, Cow::Owned(_)) {
        part.tally.repaired(Repair::InvalidUtf8);
    }
    text
}

/// Reads a line, which is nearly always one record. One that is not may still be several, or the
/// beginning of one.
fn read_line(part: &mut Part, format: Format, line: &str, limits: Limits) {
    if line.is_empty() {
        return;
    }
    if line.len() > limits.record {
        let limit = limits.record;
        part.fault(Dropped::HugeLine, ReadProblem::TooLong { limit });
        return;
    }
    if format == Format::OtlpJson && otlp_json::read_quickly(part, line) {
        return;
    }
    let Position::Line(number) = part.at else {
        unreachable!("a line has a number");
    };
    let mut splitter = Splitter::new(0, number, limits.record);
    let mut out = Pieces::default();
    splitter.feed(line.as_bytes(), &mut out);
    splitter.finish(&mut out);
    for piece in out.pieces {
        read_piece(part, format, &out.bytes, piece, limits);
    }
}

fn read_piece(part: &mut Part, format: Format, bytes: &[u8], piece: Piece, limits: Limits) {
    part.at = piece.at;
    let bytes = &bytes[piece.start..piece.end];
    match piece.kind {
        PieceKind::Whole | PieceKind::Cut if format == Format::OtlpProtobuf => {
            read_message(part, bytes, piece.kind, limits);
        }
        PieceKind::Whole => {
            let text = text_of(part, bytes);
            read_object(part, format, &text);
        }
        PieceKind::Cut => {
            let text = text_of(part, bytes);
            if format == Format::OtlpJson {
                // What stands before the cut is complete in itself.
                otlp_json::read_piecemeal(part, &text);
            } else {
                part.fault(Dropped::CutLine, ReadProblem::Cut);
            }
        }
        PieceKind::Stray if format == Format::OtlpProtobuf => part.fault(
            Dropped::BadLine,
            ReadProblem::Wire {
                expected: "an OTLP request",
                found: "there is something else, and what follows it cannot be found",
            },
        ),
        PieceKind::Stray => {
            let found = quote(&String::from_utf8_lossy(bytes));
            part.fault(Dropped::BadLine, ReadProblem::Stray { found });
        }
        PieceKind::TooLong => {
            let limit = limits.record;
            part.fault(Dropped::HugeLine, ReadProblem::TooLong { limit });
        }
    }
}

/// Reads a JSON object in the format of its source or, where it is not in that, in its own: files
/// of several kinds may have been joined.
fn read_object(part: &mut Part, format: Format, text: &str) {
    let Outcome::Foreign(problem) = read_as(part, format, text) else {
        return;
    };
    match json_format(text.as_bytes()) {
        Some(own) if own != format => {
            if let Outcome::Foreign(problem) = read_as(part, own, text) {
                part.fault(Dropped::BadLine, problem);
            }
        }
        _ => part.fault(Dropped::BadLine, problem),
    }
}

fn read_as(part: &mut Part, format: Format, text: &str) -> Outcome {
    match format {
        Format::OtlpJson => otlp_json::read(part, text),
        Format::Jaeger => jaeger::read(part, text),
        Format::Zipkin => zipkin::read(part, text),
        Format::LogLines => logs::read(part, text),
        Format::OtlpProtobuf => unreachable!("text is never read as protobuf"),
    }
}

/// Reads a protobuf message. A collector that compresses does so with each message by itself, and
/// then writes JSON in frames as well.
fn read_message(part: &mut Part, bytes: &[u8], kind: PieceKind, limits: Limits) {
    let compression = compression_of(bytes);
    if compression == Compression::None {
        return read_plain_message(part, bytes, kind, limits);
    }
    let mut plain = Vec::new();
    let result = decoder(bytes, compression).and_then(|decoder| {
        decoder
            .take(limits.record as u64 + 1)
            .read_to_end(&mut plain)
    });
    if plain.len() > limits.record {
        let limit = limits.record;
        return part.fault(Dropped::HugeLine, ReadProblem::TooLong { limit });
    }
    match result {
        Ok(_) => read_plain_message(part, &plain, kind, limits),
        Err(error) => {
            part.fault(Dropped::CutLine, error.into());
            read_plain_message(part, &plain, PieceKind::Cut, limits);
        }
    }
}

fn read_plain_message(part: &mut Part, bytes: &[u8], kind: PieceKind, limits: Limits) {
    let at = part.at;
    match json_format(bytes) {
        Some(Format::OtlpJson) => {
            let mut splitter = Splitter::new(0, 1, limits.record);
            let mut out = Pieces::default();
            splitter.feed(bytes, &mut out);
            splitter.finish(&mut out);
            for piece in out.pieces {
                let piece = Piece { at, ..piece };
                read_piece(part, Format::OtlpJson, &out.bytes, piece, limits);
            }
        }
        _ => otlp_protobuf::read(part, bytes, kind == PieceKind::Cut),
    }
}
