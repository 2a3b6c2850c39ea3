//! Whether calls need each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What speaks for calls being independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Independence {
    /// The calls repeat one operation, change their order, or are made without those before them.
    Shown,
    /// They are different and always come in the same order: nothing speaks against it.
    NotRuledOut,
}
