//! Taking protobuf apart into messages.

use super::input::Input;
use super::limits::Limits;
use super::split::{Piece, PieceKind, Pieces};
use crate::read_error::Position;

/// Finds messages in a binary source.
///
/// A request is a list of fields number 1, and every such field, with its tag and length, is a
/// request of its own: so requests end to end are taken apart field by field, and none is ever held
/// whole.
#[derive(Debug)]
pub(super) struct BinaryCutter {
    framed: bool,
    /// The beginning of a message that is not complete yet.
    rest: Vec<u8>,
    offset: u64,
}

/// A message's extent: bytes before it, and its own.
enum Extent {
    Known {
        header: usize,
        length: usize,
    },
    /// The header itself is not complete.
    Short,
    /// There is no message here.
    None,
}

impl BinaryCutter {
    pub(super) fn messages() -> Self {
        BinaryCutter {
            framed: false,
            rest: Vec::new(),
            offset: 0,
        }
    }

    pub(super) fn frames() -> Self {
        BinaryCutter {
            framed: true,
            ..BinaryCutter::messages()
        }
    }

    /// The next messages, and whether there may be more.
    pub(super) fn next(&mut self, input: &mut Input<'_>, limits: Limits) -> (Pieces, bool) {
        let mut out = Pieces::default();
        let mut bytes = std::mem::take(&mut self.rest);
        let mut more = input.append(&mut bytes, limits.chunk);
        let mut at = 0;
        loop {
            let left = bytes.len() - at;
            let (header, length) = match self.extent(&bytes[at..]) {
                _ if left == 0 => break,
                Extent::Known { header, length } => (header, length),
                Extent::Short if more => break,
                Extent::Short => {
                    self.put(&mut out, at, bytes.len(), PieceKind::Cut);
                    at = bytes.len();
                    break;
                }
                Extent::None => {
                    self.put(&mut out, at, at, PieceKind::Stray);
                    more = false;
                    at = bytes.len();
                    break;
                }
            };
            if length > limits.record {
                self.put(&mut out, at, at, PieceKind::TooLong);
                more = skip(input, (header + length).saturating_sub(left)) && more;
                at = bytes.len().min(at + header + length);
                self.offset += (header + length).saturating_sub(left) as u64;
                continue;
            }
            if header + length <= left {
                let start = if self.framed { at + header } else { at };
                self.put(&mut out, start, at + header + length, PieceKind::Whole);
                at += header + length;
            } else if !more {
                let start = if self.framed { at + header } else { at };
                self.put(&mut out, start, bytes.len(), PieceKind::Cut);
                at = bytes.len();
            } else if out.pieces.is_empty() {
                more = input.append(&mut bytes, header + length - left);
            } else {
                break;
            }
        }
        self.rest = bytes.split_off(at);
        self.offset += at as u64;
        out.bytes = bytes;
        (out, more)
    }

    fn put(&self, out: &mut Pieces, start: usize, end: usize, kind: PieceKind) {
        out.pieces.push(Piece {
            start,
            end,
            at: Position::Byte(self.offset + start as u64),
            kind,
        });
    }

    fn extent(&self, bytes: &[u8]) -> Extent {
        if self.framed {
            return match bytes.first_chunk::<4>() {
                Some(length) => Extent::Known {
                    header: 4,
                    length: u32::from_be_bytes(*length) as usize,
                },
                None => Extent::Short,
            };
        }
        match bytes.split_first() {
            None => Extent::Short,
            Some((0x0a, rest)) => {
                let mut length = 0_u64;
                for (place, &byte) in rest.iter().enumerate().take(5) {
                    length |= u64::from(byte & 0x7f) << (7 * place);
                    if byte < 0x80 {
                        return Extent::Known {
                            header: place + 2,
                            length: length as usize,
                        };
                    }
                }
                if rest.len() < 5 {
                    Extent::Short
                } else {
                    Extent::None
                }
            }
            Some(_) => Extent::None,
        }
    }
}

/// Passes over bytes of the source; says whether they were there.
fn skip(input: &mut Input<'_>, mut bytes: usize) -> bool {
    const BLOCK: usize = 1 << 20;
    let mut waste = Vec::new();
    while bytes > 0 {
        let block = bytes.min(BLOCK);
        waste.clear();
        if !input.append(&mut waste, block) {
            return false;
        }
        bytes -= block;
    }
    true
}
