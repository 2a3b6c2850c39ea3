//! What is wrong with a system or an experiment, or in the way of a run.

use std::fmt;

/// Everything that is wrong: of each mistake where it is, what it is, and what to do. A test that returns it is
/// reported in the same words.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    problems: Vec<String>,
}

impl Error {
    pub(crate) fn new(problems: Vec<String>) -> Error {
        assert!(!problems.is_empty(), "an error says what is wrong");
        Error { problems }
    }

    pub(crate) fn one(problem: String) -> Error {
        Error::new(vec![problem])
    }

    /// The mistakes, one sentence each; never empty.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

/// As it is displayed: what `main` and tests print of an error is this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
