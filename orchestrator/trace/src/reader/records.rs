//! Reading of the records of a chunk, each by itself.

use std::borrow::Cow;
use std::io::Read;

use super::chunks::{Chunk, Content};
use super::input::{compression_of, decoder};
use super::limits::Limits;
use super::report::Compression;
use super::split::{Piece, PieceKind, Pieces, Splitter};
use crate::formats::{Format, Outcome, of_object};
use crate::oddities::{Dropped, Repair};
use crate::part::Part;
use crate::read_error::{Position, ReadProblem, quote};

/// Reads a chunk.
pub(super) fn read_chunk(format: &dyn Format, chunk: Chunk, limits: Limits) -> Part {
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
        Content::Messages(pieces) => {
            for piece in pieces {
                read_message(&mut part, format, &chunk.bytes, piece, limits);
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

fn too_long(part: &mut Part, limits: Limits) {
    let limit = limits.record;
    part.fault(Dropped::HugeLine, ReadProblem::TooLong { limit });
}

/// Reads a line, which is nearly always one record. One that is not may still be several, or the
/// beginning of one.
fn read_line(part: &mut Part, format: &dyn Format, line: &str, limits: Limits) {
    if line.is_empty() {
        return;
    }
    if line.len() > limits.record {
        return too_long(part, limits);
    }
    if format.read_quickly(part, line) {
        return;
    }
    let Position::Line(number) = part.at else {
        unreachable!("a line has a number");
    };
    let Pieces { bytes, pieces } = split(line.as_bytes(), number, limits);
    for piece in pieces {
        read_piece(part, format, &bytes, piece, limits);
    }
}

/// The objects of a text, which is all there is.
fn split(text: &[u8], first_line: u64, limits: Limits) -> Pieces {
    let mut splitter = Splitter::new(0, first_line, limits.record);
    let mut out = Pieces::default();
    splitter.feed(text, &mut out);
    splitter.finish(&mut out);
    out
}

fn read_piece(part: &mut Part, format: &dyn Format, bytes: &[u8], piece: Piece, limits: Limits) {
    part.at = piece.at;
    let bytes = &bytes[piece.start..piece.end];
    match piece.kind {
        PieceKind::Whole => {
            let text = text_of(part, bytes);
            read_object(part, format, &text);
        }
        PieceKind::Cut => {
            let text = text_of(part, bytes);
            format.read_cut(part, &text);
        }
        PieceKind::Stray => {
            let found = quote(&String::from_utf8_lossy(bytes));
            part.fault(Dropped::BadLine, ReadProblem::Stray { found });
        }
        PieceKind::TooLong => too_long(part, limits),
    }
}

/// Reads a JSON object in the format of its source or, where it is not in that, in its own: files
/// of several kinds may have been joined.
fn read_object(part: &mut Part, format: &dyn Format, text: &str) {
    let Outcome::Foreign(problem) = format.read(part, text) else {
        return;
    };
    match of_object(text.as_bytes()) {
        Some(own) if own.name() != format.name() => {
            if let Outcome::Foreign(problem) = own.read(part, text) {
                part.fault(Dropped::BadLine, problem);
            }
        }
        _ => part.fault(Dropped::BadLine, problem),
    }
}

/// Reads a message of a binary source. A collector that compresses does so with each message by
/// itself, and then writes JSON in frames as well.
fn read_message(part: &mut Part, format: &dyn Format, bytes: &[u8], piece: Piece, limits: Limits) {
    part.at = piece.at;
    let bytes = &bytes[piece.start..piece.end];
    let is_cut = match piece.kind {
        PieceKind::Whole => false,
        PieceKind::Cut => true,
        PieceKind::Stray => {
            let expected = format.message_name();
            let found = "there is something else, and what follows it cannot be found";
            return part.fault(Dropped::BadLine, ReadProblem::Wire { expected, found });
        }
        PieceKind::TooLong => return too_long(part, limits),
    };
    let compression = compression_of(bytes);
    if compression == Compression::None {
        return read_plain_message(part, format, bytes, is_cut, limits);
    }
    let mut plain = Vec::new();
    let result = decoder(bytes, compression).and_then(|decoder| {
        decoder
            .take(limits.record as u64 + 1)
            .read_to_end(&mut plain)
    });
    if plain.len() > limits.record {
        return too_long(part, limits);
    }
    if let Err(error) = result {
        part.fault(Dropped::CutLine, error.into());
        return read_plain_message(part, format, &plain, true, limits);
    }
    read_plain_message(part, format, &plain, is_cut, limits);
}

fn read_plain_message(
    part: &mut Part,
    format: &dyn Format,
    bytes: &[u8],
    is_cut: bool,
    limits: Limits,
) {
    let Some(own) = of_object(bytes) else {
        return format.read_message(part, bytes, is_cut);
    };
    let (at, first_line) = (part.at, 1);
    let Pieces { bytes, pieces } = split(bytes, first_line, limits);
    for piece in pieces {
        read_piece(part, own, &bytes, Piece { at, ..piece }, limits);
    }
}
