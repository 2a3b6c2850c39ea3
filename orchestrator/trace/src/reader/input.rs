//! The bytes of a source, after decompression.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::report::Compression;

/// How much is looked at to find out what a source is.
pub(super) const HEAD_BYTES: usize = 256 << 10;
/// How much of a compressed source is read at once.
const COMPRESSED_BLOCK_BYTES: usize = 128 << 10;

/// A source that is read in blocks. A failure ends it, and what came before still counts.
pub(super) struct Input<'a> {
    head: Cursor<Vec<u8>>,
    rest: Box<dyn Read + 'a>,
    pub(super) compression: Compression,
    /// Bytes that were given out.
    pub(super) bytes: u64,
    pub(super) failure: Option<io::Error>,
    ended: bool,
}

impl<'a> Input<'a> {
    pub(super) fn new(source: impl Read + 'a) -> Self {
        let mut source = BufReader::with_capacity(COMPRESSED_BLOCK_BYTES, source);
        let mut magic = Vec::with_capacity(4);
        let result = source.by_ref().take(4).read_to_end(&mut magic);
        let compression = compression_of(&magic);
        let all = Cursor::new(magic).chain(source);
        let (rest, result): (Box<dyn Read + 'a>, io::Result<()>) = match (result, compression) {
            (Err(error), _) => (Box::new(io::empty()), Err(error)),
            (Ok(_), Compression::None) => (Box::new(all), Ok(())),
            (Ok(_), compression) => match decoder(all, compression) {
                Ok(decoder) => (decoder, Ok(())),
                Err(error) => (Box::new(io::empty()), Err(error)),
            },
        };
        let mut input = Input {
            head: Cursor::new(Vec::new()),
            rest,
            compression,
            bytes: 0,
            failure: result.err(),
            ended: false,
        };
        let mut head = Vec::new();
        input.append(&mut head, HEAD_BYTES);
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        input.head = Cursor::new(head);
        input.bytes = 0;
        input
    }

    /// The beginning of the source, before anything is taken.
    pub(super) fn head(&self) -> &[u8] {
        self.head.get_ref()
    }

    /// Appends up to this many bytes; fewer only at the end. Says whether there may be more.
    pub(super) fn append(&mut self, to: &mut Vec<u8>, bytes: usize) -> bool {
        let before = to.len();
        let wanted = bytes as u64;
        // Reading from memory cannot fail.
        let from_head = self.head.by_ref().take(wanted).read_to_end(to).unwrap_or(0);
        if from_head < bytes && !self.ended {
            let left = wanted - from_head as u64;
            match self.rest.by_ref().take(left).read_to_end(to) {
                Ok(read) => self.ended = (read as u64) < left,
                Err(error) => {
                    self.ended = true;
                    self.failure.get_or_insert(error);
                }
            }
        }
        self.bytes += (to.len() - before) as u64;
        to.len() - before == bytes
    }
}

pub(super) fn compression_of(magic: &[u8]) -> Compression {
    if magic.starts_with(&[0x1f, 0x8b]) {
        Compression::Gzip
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Compression::Zstd
    } else {
        Compression::None
    }
}

/// What decompresses; every member of the source is read.
pub(super) fn decoder<'a>(
    source: impl Read + 'a,
    compression: Compression,
) -> io::Result<Box<dyn Read + 'a>> {
    let source = BufReader::with_capacity(COMPRESSED_BLOCK_BYTES, source);
    Ok(match compression {
        Compression::None => Box::new(source),
        Compression::Gzip => Box::new(MultiGzDecoder::new(source)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(source)?),
    })
}
