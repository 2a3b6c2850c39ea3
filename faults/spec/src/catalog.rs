//! What kinds of fault there are, without saying how they act.

use std::fmt;

use ragdoll_model::Service;
use serde::Serialize;
use serde_json::Value;

use crate::needs::Needs;

/// The kinds of fault that an experiment may name.
pub trait Catalog {
    /// Every kind, in the order in which they are listed to users.
    fn kinds(&self) -> Vec<KindInfo>;

    /// Checks the parameters of a kind and fills in its defaults.
    ///
    /// # Errors
    /// The first parameter that is missing, unknown, of the wrong type or out of range. An unknown
    /// kind is an error without a key.
    fn resolve(&self, kind: &str, params: &Value) -> Result<Value, ParamError>;

    /// JSON schema of the parameters of a kind: a table. A kind without parameters, and an unknown
    /// one, has an empty table.
    fn params_schema(&self, kind: &str) -> schemars::Schema;

    /// The kind of this name.
    fn kind(&self, name: &str) -> Option<KindInfo> {
        self.kinds().into_iter().find(|kind| kind.name == name)
    }
}

/// What a kind of fault is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindInfo {
    /// Name in experiment files.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The resource that it changes, such as `lock`.
    pub resource: &'static str,
    /// Services of the RAG system that it can act on, as a whole or by instance.
    pub services: &'static [Service],
    /// What a service of a graph must have for it to act on it; `None` where it means nothing in a
    /// graph.
    pub graph: Option<Needs>,
    /// Whether it can act on the calls from one service to another.
    pub edges: bool,
    /// Whether it changes the target as a whole and not single requests: such a fault is in force or
    /// it is not, so that its probability is 0 or 1.
    pub standing: bool,
    /// Whether requests to a service or an instance meet it on their callers' side, outside the server
    /// span, as those on an edge do.
    pub callers: bool,
    /// Causes that a verdict may name because of it, such as `queue`.
    pub causes: &'static [&'static str],
}

impl KindInfo {
    /// Whether it can act on the RAG system, and not on services of a graph alone.
    pub fn acts_on_rag(&self) -> bool {
        self.edges || !self.services.is_empty() || self.acts_on_zones()
    }

    /// Whether it acts on the calls between zones, and on nothing else.
    pub fn acts_on_zones(&self) -> bool {
        self.graph == Some(Needs::Zones)
    }
}

/// What is wrong with the parameters of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError {
    /// Path of the parameter within the table, such as `delay.fixed.ms`; `None` for the table.
    pub key: Option<String>,
    /// What is wrong, in words that follow the key, such as `is -5`.
    pub message: String,
    /// What to do, such as `use at least 0`.
    pub fix: String,
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().unwrap_or("params");
        write!(f, "`{key}` {}: {}", self.message, self.fix)
    }
}

impl std::error::Error for ParamError {}
