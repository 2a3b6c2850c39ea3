//! Taking text apart into JSON objects, whatever stands around and between them.

use crate::read_error::Position;

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins and ends among the bytes that were put out.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where it began in the source.
    pub(super) at: Position,
    pub(super) kind: PieceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// A whole record.
    Whole,
    /// The beginning of a record whose rest is missing.
    Cut,
    /// Text that is no object.
    Stray,
    /// A record that is too long, without its text.
    TooLong,
}

/// Finds objects in text that comes in blocks. Lists, commas and white space around objects are
/// passed over, so that a list of objects, objects end to end and objects one a line are alike.
#[derive(Debug)]
pub(super) struct Splitter {
    /// How many objects are around each record, up to the end of the first of them; what else is in them is passed
    /// over.
    outer: u32,
    limit: usize,
    open_outer: u32,
    /// Open objects and lists within the record.
    depth: u32,
    in_string: bool,
    escaped: bool,
    too_long: bool,
    in_stray: bool,
    line: u64,
    start: usize,
    began: u64,
}

/// Bytes of records end to end, with the place of each.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) bytes: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// How much of stray text is kept for the message about it.
const STRAY_BYTES: usize = 400;

impl Splitter {
    pub(super) fn new(outer: u8, first_line: u64, limit: usize) -> Self {
        Splitter {
            outer: u32::from(outer),
            limit,
            open_outer: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            too_long: false,
            in_stray: false,
            line: first_line,
            start: 0,
            began: first_line,
        }
    }

    /// The line that is being read.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Takes the pieces that are complete out of `out`, and leaves the beginning of the next there.
    pub(super) fn take(&mut self, out: &mut Pieces) -> Pieces {
        let complete = out.pieces.last().map_or(0, |piece| piece.end);
        let begun = out.bytes.split_off(complete);
        self.start = self.start.saturating_sub(complete);
        Pieces {
            bytes: std::mem::replace(&mut out.bytes, begun),
            pieces: std::mem::take(&mut out.pieces),
        }
    }

    /// Takes in the next bytes; the records that they complete are in `out` thereafter.
    pub(super) fn feed(&mut self, block: &[u8], out: &mut Pieces) {
        let mut rest = block;
        while !rest.is_empty() {
            let used = match (self.depth > 0, self.in_stray) {
                (true, _) => self.feed_record(rest, out),
                (false, true) => self.feed_stray(rest, out),
                (false, false) => self.feed_between(rest, out),
            };
            rest = &rest[used..];
        }
    }

    /// The end of the text.
    pub(super) fn finish(&mut self, out: &mut Pieces) {
        if self.depth > 0 {
            self.end(out, PieceKind::Cut);
        } else if self.in_stray {
            self.end(out, PieceKind::Stray);
        } else if self.open_outer > 0 {
            self.begin(out);
            self.end(out, PieceKind::Cut);
        }
    }

    fn begin(&mut self, out: &Pieces) {
        self.start = out.bytes.len();
        self.began = self.line;
        self.too_long = false;
    }

    fn end(&mut self, out: &mut Pieces, kind: PieceKind) {
        let kind = if self.too_long {
            out.bytes.truncate(self.start);
            PieceKind::TooLong
        } else {
            kind
        };
        out.pieces.push(Piece {
            start: self.start,
            end: out.bytes.len(),
            at: Position::Line(self.began),
            kind,
        });
        self.depth = 0;
        self.in_string = false;
        self.escaped = false;
        self.in_stray = false;
        self.too_long = false;
    }

    /// Reads on in a record and returns how many bytes were used. A line that ends within a string
    /// is one whose writer was stopped, since JSON has no such strings.
    fn feed_record(&mut self, block: &[u8], out: &mut Pieces) -> usize {
        let mut at = 0;
        let mut done = None;
        while at < block.len() && done.is_none() {
            let byte = block[at];
            at += 1;
            if byte == b'\n' {
                self.line += 1;
            }
            if self.in_string {
                match byte {
                    b'\n' => done = Some(PieceKind::Cut),
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        done = Some(PieceKind::Whole);
                    }
                }
                _ => {}
            }
        }
        if !self.too_long && out.bytes.len() - self.start + at > self.limit {
            self.too_long = true;
            out.bytes.truncate(self.start);
        }
        if !self.too_long {
            out.bytes.extend_from_slice(&block[..at]);
        }
        if let Some(kind) = done {
            self.end(out, kind);
        }
        at
    }

    /// Passes over what stands between records.
    fn feed_between(&mut self, block: &[u8], out: &mut Pieces) -> usize {
        for (at, &byte) in block.iter().enumerate() {
            if byte == b'\n' {
                self.line += 1;
                (self.in_string, self.escaped) = (false, false);
                continue;
            }
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' if self.open_outer == self.outer => {
                    self.begin(out);
                    out.bytes.push(byte);
                    self.depth = 1;
                    return at + 1;
                }
                b'{' => self.open_outer += 1,
                b'}' if self.open_outer > 0 => {
                    self.open_outer -= 1;
                    // What follows need not be like what it begins with, and is whole by itself.
                    if self.open_outer == 0 {
                        self.outer = 0;
                    }
                }
                b'"' if self.open_outer > 0 => self.in_string = true,
                b'[' | b']' | b',' => {}
                _ if self.open_outer > 0 || byte.is_ascii_whitespace() => {}
                _ => {
                    self.begin(out);
                    self.in_stray = true;
                    return at;
                }
            }
        }
        block.len()
    }

    /// Passes over text that is no record, up to the end of its line.
    fn feed_stray(&mut self, block: &[u8], out: &mut Pieces) -> usize {
        let end = memchr::memchr(b'\n', block);
        let used = end.unwrap_or(block.len());
        let room = STRAY_BYTES.saturating_sub(out.bytes.len() - self.start);
        out.bytes.extend_from_slice(&block[..used.min(room)]);
        if end.is_some() {
            self.end(out, PieceKind::Stray);
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces in words, fed in blocks of this many bytes.
    fn split(text: &str, outer: u8, block: usize) -> Vec<String> {
        let mut splitter = Splitter::new(outer, 1, 40);
        let mut out = Pieces::default();
        for block in text.as_bytes().chunks(block) {
            splitter.feed(block, &mut out);
        }
        splitter.finish(&mut out);
        out.pieces
            .iter()
            .map(|piece| {
                let text = String::from_utf8_lossy(&out.bytes[piece.start..piece.end]);
                format!("{} {:?} {text}", piece.at, piece.kind)
            })
            .collect()
    }

    #[test]
    fn objects_are_found_in_any_surroundings() {
        let text = "{\"a\":{\"}\":[1]}}\n\n[{\"b\":\"\\\"{\"},\n [{\n}]] {\"c\":1}{} ";
        let expected = [
            "line 1 Whole {\"a\":{\"}\":[1]}}",
            "line 3 Whole {\"b\":\"\\\"{\"}",
            "line 4 Whole {\n}",
            "line 5 Whole {\"c\":1}",
            "line 5 Whole {}",
        ];
        for block in [1, 3, 7, 1000] {
            assert_eq!(split(text, 0, block), expected, "blocks of {block}");
        }
    }

    #[test]
    fn records_within_an_answer() {
        let text = "{\"total\":1,\"data\":[{\"x\":{}},{\"y\":\"}\"}],\"limit\":{\"z\":1}}";
        let expected = [
            "line 1 Whole {\"x\":{}}",
            "line 1 Whole {\"y\":\"}\"}",
            "line 1 Whole {\"z\":1}",
        ];
        for block in [1, 1000] {
            assert_eq!(split(text, 1, block), expected);
        }
        let text = "{\"data\":[{\"x\":1}]}\n{\"data\":[{\"y\":2}]} {\"z\":3}";
        let expected = [
            "line 1 Whole {\"x\":1}",
            "line 2 Whole {\"data\":[{\"y\":2}]}",
            "line 2 Whole {\"z\":3}",
        ];
        for block in [1, 1000] {
            assert_eq!(split(text, 1, block), expected);
        }
        assert_eq!(
            split("{\"data\":[{\"x\":1},{\"y\"", 1, 1000),
            ["line 1 Whole {\"x\":1}", "line 1 Cut {\"y\""]
        );
        assert_eq!(split("{\"data\":[", 1, 1000), ["line 1 Cut "]);
    }

    #[test]
    fn what_is_wrong_ends_with_its_line_where_it_can() {
        let long = format!("{{\"long\":\"{}\"}}{{}}", "x".repeat(50));
        let text = format!("oops, {{\n{{\"a\":\"cut\n{long}{{\"b\":[");
        let expected = [
            "line 1 Stray oops, {",
            "line 2 Cut {\"a\":\"cut\n",
            "line 3 TooLong ",
            "line 3 Whole {}",
            "line 3 Cut {\"b\":[",
        ];
        for block in [1, 5, 1000] {
            assert_eq!(split(&text, 0, block), expected, "blocks of {block}");
        }
    }
}
