//! Ids as text, in all the ways in which they are written.

use crate::otlp::parse_base64;

/// Hexadecimal digits, at most 32 of them. Text of another kind is none.
pub(super) fn hex(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 32 {
        return None;
    }
    let (high, low) = bytes.split_at(bytes.len().saturating_sub(16));
    Some(u128::from(hex_u64(high)?) << 64 | u128::from(hex_u64(low)?))
}

/// At most 16 digits.
fn hex_u64(bytes: &[u8]) -> Option<u64> {
    let mut number = 0;
    let mut all = 0;
    for &byte in bytes {
        let digit = DIGITS[usize::from(byte)];
        all |= digit;
        number = number << 4 | u64::from(digit & 15);
    }
    (all & BAD == 0).then_some(number)
}

const BAD: u8 = 0x80;

const DIGITS: [u8; 256] = {
    let mut digits = [BAD; 256];
    let mut digit = 0;
    while digit < 10 {
        digits[b'0' as usize + digit] = digit as u8;
        digit += 1;
    }
    while digit < 16 {
        digits[b'a' as usize + digit - 10] = digit as u8;
        digits[b'A' as usize + digit - 10] = digit as u8;
        digit += 1;
    }
    digits
};

/// A trace id: hexadecimal digits, 32 or as many as there are, or base64 as protobuf's own JSON
/// mapping has it.
pub(super) fn trace_id(text: &str) -> Option<u128> {
    let id = match text.len() {
        22 | 24 if hex(text).is_none() => {
            let bytes: [u8; 16] = parse_base64(text)?.try_into().ok()?;
            u128::from_be_bytes(bytes)
        }
        _ => hex(text)?,
    };
    (id != 0).then_some(id)
}

/// A span id: hexadecimal digits, 16 or as many as there are, or base64.
pub(super) fn span_id(text: &str) -> Option<u64> {
    let id = match text.len() {
        11 | 12 if hex(text).is_none() => {
            let bytes: [u8; 8] = parse_base64(text)?.try_into().ok()?;
            u64::from_be_bytes(bytes)
        }
        0..=16 => hex_u64(text.as_bytes())?,
        // Some systems write span ids as long as trace ids; what tells them apart is at the end.
        _ => hex(text)? as u64,
    };
    (id != 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_all_ways() {
        for (text, expected) in [
            (
                "0af7651916cd43dd8448eb211c80319c",
                Some(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
            ),
            (
                "0AF7651916CD43DD8448EB211C80319C",
                Some(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
            ),
            (
                "CvdlGRbNQ92ESOshHIAxnA==",
                Some(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
            ),
            ("8448eb211c80319c", Some(0x8448_eb21_1c80_319c)),
            ("1f", Some(0x1f)),
            ("00000000000000000000000000000000", None),
            ("0af7651916cd43dd8448eb211c80319c0", None),
            ("0af7651916cd43dg8448eb211c80319c", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(trace_id(text), expected, "{text}");
        }
        for (text, expected) in [
            ("b7ad6b7169203331", Some(0xb7ad_6b71_6920_3331)),
            ("t61rcWkgMzE=", Some(0xb7ad_6b71_6920_3331)),
            ("a", Some(10)),
            ("0000000000000000", None),
            ("", None),
        ] {
            assert_eq!(span_id(text), expected, "{text}");
        }
    }
}
