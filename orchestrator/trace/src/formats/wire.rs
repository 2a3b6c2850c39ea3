//! Protobuf's wire format, without copies: <https://protobuf.dev/programming-guides/encoding>.

use crate::read_error::ReadProblem;

/// A message that is taken apart field by field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    /// Its end is missing.
    is_cut: bool,
}

/// A field's content, by wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// What there is of bytes whose end is missing.
    Partial(&'a [u8]),
    Fixed32(u32),
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It ends within a field.
    Cut,
    /// It has a field of a kind that there is not.
    BadTag,
}

impl Fault {
    pub(super) fn problem(self, expected: &'static str) -> ReadProblem {
        let found = match self {
            Fault::Cut => "it ends within a field",
            Fault::BadTag => "it has a field that cannot be",
        };
        ReadProblem::Wire { expected, found }
    }
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Message {
            bytes,
            is_cut: false,
        }
    }

    /// The beginning of a message.
    pub(super) fn cut(bytes: &'a [u8]) -> Self {
        Message {
            bytes,
            is_cut: true,
        }
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for place in 0..10 {
            let (&byte, rest) = self.bytes.split_first().ok_or(Fault::Cut)?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Fault::BadTag)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (bytes, rest) = self.bytes.split_first_chunk::<N>().ok_or(Fault::Cut)?;
        self.bytes = rest;
        Ok(*bytes)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), Fault> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 {
            return Err(Fault::BadTag);
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| Fault::Cut)?;
                match self.bytes.split_at_checked(length) {
                    Some((bytes, rest)) => {
                        self.bytes = rest;
                        Field::Bytes(bytes)
                    }
                    None if self.is_cut => Field::Partial(std::mem::take(&mut self.bytes)),
                    None => return Err(Fault::Cut),
                }
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(Fault::BadTag),
        };
        Ok((number, field))
    }
}

impl<'a> Iterator for Message<'a> {
    type Item = Result<(u64, Field<'a>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.bytes = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind() {
        let bytes = [
            &[0x08, 0x96, 0x01][..],
            &[0x11, 1, 0, 0, 0, 0, 0, 0, 0],
            &[0x1a, 2, b'h', b'i'],
            &[0x25, 7, 0, 0, 0],
        ]
        .concat();
        let fields: Result<Vec<_>, Fault> = Message::new(&bytes).collect();
        let expected = vec![
            (1, Field::Varint(150)),
            (2, Field::Fixed64(1)),
            (3, Field::Bytes(b"hi")),
            (4, Field::Fixed32(7)),
        ];
        assert_eq!(fields, Ok(expected));
    }

    #[test]
    fn faults_end_the_message() {
        for (bytes, fault) in [
            (&[0x0a, 5, 1][..], Fault::Cut),
            (&[0x08, 0x80], Fault::Cut),
            (&[0x0b], Fault::BadTag),
            (&[0x00, 0x00], Fault::BadTag),
            (
                &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                Fault::BadTag,
            ),
        ] {
            let fields: Vec<_> = Message::new(bytes).collect();
            assert_eq!(fields, [Err(fault)], "{bytes:?}");
        }
        let partial: Vec<_> = Message::cut(&[0x0a, 5, 1]).collect();
        assert_eq!(partial, [Ok((1, Field::Partial(&[1])))]);
    }
}
