//! Taking a source apart into chunks, each of which can be read without the others.

use super::input::Input;
use super::limits::Limits;
use super::split::{Piece, PieceKind, Pieces, Splitter};
use crate::formats::Shape;
use crate::read_error::Position;

/// A part of a source.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Whole lines; the first has this number.
    Lines { first_line: u64 },
    /// Records of text.
    Records(Vec<Piece>),
    /// Messages.
    Messages(Vec<Piece>),
}

/// Gives out the chunks of a source in order.
pub(super) struct Chunks<'i, 's> {
    input: &'i mut Input<'s>,
    cutter: Cutter,
    limits: Limits,
    ended: bool,
}

/// What is carried from chunk to chunk.
enum Cutter {
    Lines {
        /// The beginning of the line with which the last chunk ended.
        rest: Vec<u8>,
        next_line: u64,
        /// Within a line that is too long.
        skipping: bool,
    },
    Objects {
        splitter: Splitter,
        out: Pieces,
    },
    Binary(super::binary::BinaryCutter),
}

impl<'i, 's> Chunks<'i, 's> {
    pub(super) fn new(input: &'i mut Input<'s>, shape: Shape, limits: Limits) -> Self {
        let cutter = match shape {
            Shape::Lines => Cutter::Lines {
                rest: Vec::new(),
                next_line: 1,
                skipping: false,
            },
            Shape::Objects { outer } => Cutter::Objects {
                splitter: Splitter::new(outer, 1, limits.record),
                out: Pieces::default(),
            },
            Shape::Messages => Cutter::Binary(super::binary::BinaryCutter::messages()),
            Shape::Frames => Cutter::Binary(super::binary::BinaryCutter::frames()),
        };
        Chunks {
            input,
            cutter,
            limits,
            ended: false,
        }
    }

    /// Where the source stands: behind the last chunk that was given out.
    pub(super) fn position(&self) -> Position {
        match &self.cutter {
            Cutter::Lines { next_line, .. } => Position::Line(*next_line),
            Cutter::Objects { splitter, .. } => Position::Line(splitter.line()),
            Cutter::Binary(_) => Position::Byte(self.input.bytes),
        }
    }

    /// The next chunk, until there is none.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        if self.ended {
            return None;
        }
        match &mut self.cutter {
            Cutter::Lines {
                rest,
                next_line,
                skipping,
            } => {
                let chunk = next_lines(self.input, self.limits, rest, next_line, skipping);
                self.ended = chunk.is_none();
                chunk
            }
            Cutter::Objects { splitter, out } => loop {
                let mut block = Vec::new();
                let more = self.input.append(&mut block, self.limits.chunk);
                splitter.feed(&block, out);
                if !more {
                    splitter.finish(out);
                    self.ended = true;
                }
                if self.ended || !out.pieces.is_empty() {
                    let Pieces { bytes, pieces } = splitter.take(out);
                    let content = Content::Records(pieces);
                    return Some(Chunk { bytes, content });
                }
            },
            Cutter::Binary(cutter) => {
                let (Pieces { bytes, pieces }, more) = cutter.next(self.input, self.limits);
                self.ended = !more;
                let content = Content::Messages(pieces);
                Some(Chunk { bytes, content })
            }
        }
    }
}

fn next_lines(
    input: &mut Input<'_>,
    limits: Limits,
    rest: &mut Vec<u8>,
    next_line: &mut u64,
    skipping: &mut bool,
) -> Option<Chunk> {
    let mut bytes = std::mem::take(rest);
    bytes.reserve((limits.chunk + 1).saturating_sub(bytes.len()));
    let mut searched = bytes.len();
    let mut more = true;
    while more {
        let wanted = limits.chunk.max(bytes.len());
        more = input.append(&mut bytes, wanted);
        if *skipping {
            match memchr::memchr(b'\n', &bytes) {
                Some(end) => {
                    bytes.drain(..=end);
                    *next_line += 1;
                    *skipping = false;
                }
                None => bytes.clear(),
            }
            searched = 0;
            continue;
        }
        if let Some(found) = memchr::memrchr(b'\n', &bytes[searched..]) {
            *rest = bytes.split_off(searched + found + 1);
            break;
        }
        searched = bytes.len();
        if bytes.len() > limits.record {
            *skipping = true;
            return Some(too_long(*next_line));
        }
    }
    if bytes.is_empty() {
        return None;
    }
    let first_line = *next_line;
    *next_line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
    if bytes.last() != Some(&b'\n') {
        *next_line += 1;
    }
    Some(Chunk {
        bytes,
        content: Content::Lines { first_line },
    })
}

fn too_long(line: u64) -> Chunk {
    Chunk {
        bytes: Vec::new(),
        content: Content::Records(vec![Piece {
            start: 0,
            end: 0,
            at: Position::Line(line),
            kind: PieceKind::TooLong,
        }]),
    }
}
