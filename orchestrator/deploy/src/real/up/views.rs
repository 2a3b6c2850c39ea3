//! What the control API says.

use ragdoll_experiment::SpecErrors;
use ragdoll_fault_spec::FaultSpec;
use serde::{Deserialize, Serialize};

/// A fault of a running system, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultView {
    /// The name by which it is changed or taken back.
    pub id: String,
    /// What it does, with all defaults.
    pub fault: FaultSpec,
    /// Whether it acts.
    pub state: FaultState,
    /// When it came, in seconds since the system began to serve.
    pub start_s: f64,
    /// Times that it could have acted, as of a second ago.
    pub opportunities: u64,
    /// Times that it did.
    pub firings: u64,
    /// Time that it added, over all firings.
    pub injected_ms: f64,
    /// Requests that it acted on.
    pub requests_touched: u64,
}

/// Whether a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultState {
    /// Its time is yet to come.
    Pending,
    /// It is in force, or between two of its times.
    Active,
    /// Its time is over.
    Over,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// A fault came.
    Added,
    /// A fault is another one now.
    Changed,
    /// All was as asked already.
    Unchanged,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Every reason.
    pub errors: Vec<Reason>,
}

/// One reason, and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Dotted path of the key that is concerned; empty for none.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl Refused {
    /// A refusal for one reason.
    pub fn because(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Refused {
            errors: vec![Reason {
                key: String::new(),
                message: message.into(),
                fix: fix.into(),
            }],
        }
    }
}

impl From<SpecErrors> for Refused {
    fn from(errors: SpecErrors) -> Self {
        let reasons = errors.errors.into_iter().map(|error| Reason {
            key: error.key,
            message: error.message,
            fix: error.fix,
        });
        Refused {
            errors: reasons.collect(),
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, reason) in self.errors.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            if !reason.key.is_empty() {
                write!(f, "`{}` ", reason.key)?;
            }
            write!(f, "{}; {}", reason.message, reason.fix)?;
        }
        Ok(())
    }
}
