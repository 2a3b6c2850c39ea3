//! Work that is split over processes which know nothing of each other.

use std::fmt;
use std::str::FromStr;

/// One of several shares of work whose items are numbered from 0. The shares are as large as each
/// other, but for one item, and together they are the whole.
///
/// As text it is `INDEX/OF`, such as `0/4`, with an index from 0 to 3: `$(JOB_COMPLETION_INDEX)/4`
/// in the arguments of an Indexed Job of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    index: u64,
    of: u64,
}

impl Share {
    /// All items.
    pub(crate) const WHOLE: Share = Share { index: 0, of: 1 };

    /// Which part it is, and of how many.
    pub(crate) const fn parts(self) -> (u64, u64) {
        (self.index, self.of)
    }

    /// Whether item number `position` belongs to it.
    pub(crate) const fn contains(self, position: u64) -> bool {
        position % self.of == self.index
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// Text that names no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareError {
    /// It is not two numbers.
    Form,
    /// There is no share of this index.
    Index { index: u64, of: u64 },
}

impl fmt::Display for ShareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShareError::Form => f.write_str("give the share's index and their number, such as 0/4"),
            ShareError::Index { of: 0, .. } => f.write_str("there is at least one share: 0/1"),
            ShareError::Index { index, of } => {
                let last = of - 1;
                write!(
                    f,
                    "there is no share {index} of {of}: the last is {last}/{of}"
                )
            }
        }
    }
}

impl std::error::Error for ShareError {}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let (index, of) = text.split_once('/').ok_or(ShareError::Form)?;
        let number = |digits: &str| {
            // The parser of the standard library also takes a sign.
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse().ok().filter(|_| plain);
            number.ok_or(ShareError::Form)
        };
        let (index, of) = (number(index)?, number(of)?);
        if index < of {
            Ok(Share { index, of })
        } else {
            Err(ShareError::Index { index, of })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_reads_back_and_nothing_else_is_one() {
        for text in ["0/1", "3/4", "0/18446744073709551615"] {
            let share: Share = text.parse().expect("a share");
            assert_eq!(share.to_string(), text);
        }
        for text in [
            "", "/", "1", "1/", "/4", "a/b", "+1/4", "-1/4", "1/4/2", " 1/4",
        ] {
            assert_eq!(text.parse::<Share>(), Err(ShareError::Form), "{text:?}");
        }
        for (text, index, of) in [("4/4", 4, 4), ("0/0", 0, 0), ("9/4", 9, 4)] {
            let found = text.parse::<Share>();
            assert_eq!(found, Err(ShareError::Index { index, of }), "{text}");
        }
    }

    /// Every item is in one share, and no share is larger than another by more than one item.
    #[test]
    fn shares_are_the_whole_without_overlap_and_even() {
        for of in 1..=12 {
            let shares: Vec<Share> = (0..of).map(|index| Share { index, of }).collect();
            for items in 0..40_u64 {
                let owners = |item| shares.iter().filter(|share| share.contains(item)).count();
                assert!(
                    (0..items).all(|item| owners(item) == 1),
                    "{items} over {of}"
                );
                let size = |share: &Share| (0..items).filter(|item| share.contains(*item)).count();
                let sizes: Vec<usize> = shares.iter().map(size).collect();
                let (least, most) = (sizes.iter().min(), sizes.iter().max());
                assert!(most <= least.map(|least| least + 1).as_ref(), "{sizes:?}");
            }
        }
        assert!((0..40).all(|item| Share::WHOLE.contains(item)));
    }
}
