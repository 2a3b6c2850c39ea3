//! What is wrong with an experiment file: one message a mistake, each with its place and its fix.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// The file, as it was given.
    pub file: String,
    /// Line and column of the key, both from 1; `None` where the file could not be read.
    pub position: Option<(usize, usize)>,
    /// Dotted path of the key, such as `phases[1].faults[0].probability`; empty where no key is
    /// concerned.
    pub key: String,
    /// What is wrong, in words that follow the key, such as `is 1.5`.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "`{}` ", self.key)?;
        }
        write!(f, "{}; {}", self.message, self.fix)
    }
}

impl std::error::Error for SpecError {}

/// Every mistake that was found in one file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecErrors {
    /// The mistakes; never empty.
    pub errors: Vec<SpecError>,
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}

/// The valid name that `given` was probably meant to be.
pub(crate) fn closest<'a>(
    given: &str,
    valid: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    valid
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Names of a list that a message shows.
pub(crate) const NAMES_SHOWN: usize = 20;

/// `did you mean …?` where a valid name is close to `given`, else the list of all of them.
pub fn suggest<'a>(given: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    match (closest(given, valid.iter().copied()), valid.as_slice()) {
        (Some(name), _) => format!("did you mean `{name}`?"),
        (None, []) => "remove it".to_owned(),
        (None, [only]) => format!("use `{only}`"),
        (None, all) => {
            let more = if all.len() > NAMES_SHOWN { ", …" } else { "" };
            let shown = &all[..all.len().min(NAMES_SHOWN)];
            format!("use one of `{}`{more}", shown.join("`, `"))
        }
    }
}
