//! How requests of OTLP's protobuf begin.

use super::format::Format;
use super::head::Head;
use super::otlp_json::OtlpJson;

/// Longest frame that is believed. Its length does not begin with the byte with which a message
/// does.
const MAX_FRAME: u32 = 0x0a00_0000 - 1;

/// Whether this is a request behind its length of four bytes. A message within a frame begins with its
/// first field, a list of resources; one that is compressed, or is JSON, tells as a file does.
pub(super) fn is_frame(head: &[u8]) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<4>() else {
        return false;
    };
    let length = u32::from_be_bytes(*length);
    if length == 0 || length > MAX_FRAME {
        return false;
    }
    let frame = &rest[..rest.len().min(length as usize)];
    is_message(frame)
        || OtlpJson.detect(&Head::new(frame)).is_some()
        || frame.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || frame.starts_with(&[0x1f, 0x8b])
}

/// Field 1 of any request is a list of messages whose fields are 1 (resource), 2 (scopes) and 3
/// (the schema's address), all of the wire type for bytes. The first of them fits into its message: bytes of text
/// such as line ends look like a message otherwise.
pub(super) fn is_message(head: &[u8]) -> bool {
    let Some((0x0a, rest)) = head.split_first() else {
        return false;
    };
    let Some((length, message)) = length(rest) else {
        return false;
    };
    let Some((0x0a | 0x12 | 0x1a, field)) = message.split_first() else {
        return false;
    };
    length_of_field(field).is_none_or(|needed| needed < length)
}

/// A length at the beginning of bytes, and what follows it.
fn length(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut length = 0_u64;
    for (place, &byte) in bytes.iter().enumerate().take(5) {
        length |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some((length, &bytes[place + 1..]));
        }
    }
    None
}

/// Bytes that a field behind its tag takes, its length included.
fn length_of_field(bytes: &[u8]) -> Option<u64> {
    let (content, rest) = length(bytes)?;
    Some(content + (bytes.len() - rest.len()) as u64)
}
