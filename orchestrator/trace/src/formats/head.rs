//! The beginning of content, which tells its format.

/// How many keys are looked at; formats tell themselves earlier.
const MAX_KEYS: usize = 256;

/// How many bytes of a line tell whether the next is of its kind.
const ALIKE_BYTES: usize = 8;

/// How a source is taken apart into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Text with a record a line.
    Lines,
    /// JSON objects, over several lines or in a list; within this many outer objects.
    Objects { outer: u8 },
    /// Protobuf messages end to end.
    Messages,
    /// Messages, each behind its length of four bytes.
    Frames,
}

/// The beginning of a source or a record, or all of it.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// As it is.
    pub(crate) bytes: &'a [u8],
    /// Without white space before it.
    text: &'a [u8],
    keys: Option<Keys<'a>>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let text = bytes.trim_ascii_start();
        let is_json = matches!(text.first(), Some(b'{' | b'['));
        Head {
            bytes,
            text,
            keys: is_json.then(|| keys(text)),
        }
    }

    /// The keys of its first object, where it is JSON.
    pub(crate) fn keys(&self) -> Option<&Keys<'a>> {
        self.keys.as_ref()
    }

    /// Whether it is JSON's empty list, and nothing else.
    pub(crate) fn is_empty_list(&self) -> bool {
        self.text.trim_ascii_end() == b"[]"
    }

    /// How its JSON objects stand, where none is around all of them.
    pub(crate) fn json_shape(&self) -> Shape {
        if self.text.first() == Some(&b'[') {
            return Shape::Objects { outer: 0 };
        }
        let Some(newline) = memchr::memchr(b'\n', self.text) else {
            return Shape::Lines;
        };
        let end = self.keys().and_then(|keys| keys.end);
        if end.is_some_and(|end| end <= newline) {
            return Shape::Lines;
        }
        // The first line ends within its object. Where the next begins as the first did, it was cut.
        let next = self.text[newline..].trim_ascii_start();
        let alike = next.len() >= ALIKE_BYTES && self.text[..ALIKE_BYTES] == next[..ALIKE_BYTES];
        match alike {
            true => Shape::Lines,
            false => Shape::Objects { outer: 0 },
        }
    }
}

/// What the first JSON object of a text has.
#[derive(Debug, Default)]
pub(crate) struct Keys<'a> {
    /// Keys of the object itself.
    outer: Vec<&'a [u8]>,
    /// Keys of the objects directly within it.
    inner: Vec<&'a [u8]>,
    /// Where the object ends, where it does.
    end: Option<usize>,
}

impl Keys<'_> {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.outer.contains(&key.as_bytes())
    }

    /// Whether one of the objects directly within it has this key.
    pub(crate) fn has_inner(&self, key: &str) -> bool {
        self.inner.contains(&key.as_bytes())
    }

    /// Whether it is whole and has no key.
    pub(crate) fn is_empty_object(&self) -> bool {
        self.outer.is_empty() && self.end.is_some()
    }
}

/// Looks at the first object of a text, which may be in lists and may be cut.
fn keys(text: &[u8]) -> Keys<'_> {
    let mut found = Keys::default();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.end = Some(at);
                    return found;
                }
            }
            b'"' => {
                let Some(end) = end_of_string(text, at) else {
                    return found;
                };
                let string = &text[at..end];
                at = end + 1;
                let is_key = text[at..].iter().find(|byte| !byte.is_ascii_whitespace());
                if is_key != Some(&b':') {
                    continue;
                }
                let keys = match depth {
                    1 => &mut found.outer,
                    2 => &mut found.inner,
                    _ => continue,
                };
                if keys.len() < MAX_KEYS && !keys.contains(&string) {
                    keys.push(string);
                }
            }
            _ => {}
        }
    }
    found
}

/// Where the quote is that closes a string.
fn end_of_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
