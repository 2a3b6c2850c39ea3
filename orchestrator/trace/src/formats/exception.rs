//! What events within a span that failed say of its failure. Of all events only the last exception is
//! kept, as attributes of the span: many libraries say nowhere else what went wrong.

use std::borrow::Cow;

use crate::set::TraceSet;
use crate::value::{Attribute, Value};

/// Bytes of a message that are kept. Its beginning says what it is about, and few are the same.
const MESSAGE_BYTES_MAX: usize = 200;

/// An exception as an event has it.
#[derive(Debug, Default)]
pub(super) struct Exception<'a> {
    kind: Cow<'a, str>,
    message: Cow<'a, str>,
}

impl<'a> Exception<'a> {
    /// Takes in a field of an event, by OpenTelemetry's names or by OpenTracing's.
    pub(super) fn take(&mut self, key: &str, text: Cow<'a, str>) {
        match key {
            "exception.type" | "error.kind" => self.kind = text,
            "exception.message" | "error.object" => self.message = text,
            // A message is only one of an error where the event says that it is one.
            "message" if !self.kind.is_empty() && self.message.is_empty() => self.message = text,
            _ => {}
        }
    }

    /// Whether the event was one.
    pub(super) fn is_one(&self) -> bool {
        !self.kind.is_empty() || !self.message.is_empty()
    }

    /// Keeps it among the attributes of its span, where these do not say the same already.
    pub(super) fn keep(self, set: &mut TraceSet, attributes: &mut Vec<Attribute>) {
        let message = beginning(&self.message);
        for (key, text) in [
            ("exception.type", &*self.kind),
            ("exception.message", message),
        ] {
            let key = set.intern(key);
            if !text.is_empty() && attributes.iter().all(|attribute| attribute.key != key) {
                attributes.push(Attribute::new(key, Value::Str(set.intern(text))));
            }
        }
    }
}

/// As much of a text as is kept, cut between characters.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut exception = Exception::default();
        for &(key, text) in fields {
            exception.take(key, text.into());
        }
        let (mut set, mut attributes) = (TraceSet::new(), Vec::new());
        exception.keep(&mut set, &mut attributes);
        let pairs = attributes.iter().map(|attribute| {
            let value = set.display(&attribute.value).into_owned();
            (set.text(attribute.key).to_owned(), value)
        });
        pairs.collect()
    }

    #[test]
    fn only_what_says_that_it_is_an_exception_is_one() {
        assert_eq!(kept(&[("event", "x"), ("message", "all is well")]), []);
        assert_eq!(
            kept(&[
                ("error.kind", "KeyError"),
                ("message", "no such key"),
                ("stack", "...")
            ]),
            [
                ("exception.type".to_owned(), "KeyError".to_owned()),
                ("exception.message".to_owned(), "no such key".to_owned()),
            ]
        );
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let long = "é".repeat(MESSAGE_BYTES_MAX);
        let kept = kept(&[("exception.message", &format!("a{long}"))]);
        assert_eq!(kept[0].1.len(), MESSAGE_BYTES_MAX - 1);
    }
}
