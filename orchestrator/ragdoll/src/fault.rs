//! What is broken during a phase.

use serde::Serialize;
use toml::{Table, Value};

use crate::text::{below, value};

/// A fault of a phase. The kinds with their parameters are those of `docs/faults.md`, such as `slow_disk`,
/// `queueing` or `latency`. It acts on every request during the whole of its phase unless it says otherwise.
#[derive(Clone, Debug)]
pub struct Fault {
    table: Table,
}

impl Fault {
    /// A fault of this kind on every instance of a service.
    pub fn on_service(kind: &str, service: &str) -> Fault {
        Fault::on(kind, "service", service.into())
    }

    /// A fault of this kind on one instance, such as `search-0`.
    pub fn on_instance(kind: &str, instance: &str) -> Fault {
        Fault::on(kind, "instance", instance.into())
    }

    /// A fault of this kind on the calls of one service to another.
    pub fn on_calls(kind: &str, from: &str, to: &str) -> Fault {
        let edge = [("from", from), ("to", to)];
        let edge = edge.map(|(key, name)| (key.to_owned(), Value::from(name)));
        Fault::on(kind, "edge", Table::from_iter(edge).into())
    }

    fn on(kind: &str, what: &str, whom: Value) -> Fault {
        let mut table = Table::new();
        table.insert("kind".to_owned(), kind.into());
        below(&mut table, &["target"]).insert(what.to_owned(), whom);
        Fault { table }
    }

    /// A parameter of its kind: a number, a text, a [`Dist`](crate::Dist), or whatever else a table of TOML
    /// holds.
    ///
    /// # Panics
    /// Where TOML cannot hold it, such as a number above `i64::MAX`.
    #[must_use]
    pub fn param(mut self, name: &str, given: impl Serialize) -> Fault {
        below(&mut self.table, &["params"]).insert(name.to_owned(), value(given));
        self
    }

    /// Probability that it acts, at each request, from 0 to 1.
    #[must_use]
    pub fn probability(self, probability: f64) -> Fault {
        self.with("probability", probability)
    }

    /// Seconds from the phase's start to the fault's, at least 0.
    #[must_use]
    pub fn at_s(self, seconds: f64) -> Fault {
        self.with("at_s", seconds)
    }

    /// Seconds that it lasts, above 0; until the phase's end unless given.
    #[must_use]
    pub fn for_s(self, seconds: f64) -> Fault {
        self.with("for_s", seconds)
    }

    /// Seconds from one start to the next, more than it lasts: it comes and goes.
    #[must_use]
    pub fn every_s(self, seconds: f64) -> Fault {
        self.with("every_s", seconds)
    }

    /// Says that users must not feel it. One that is no decoy and that nobody feels makes a run inconclusive.
    #[must_use]
    pub fn decoy(self) -> Fault {
        self.with("decoy", true)
    }

    fn with(mut self, key: &str, given: impl Into<Value>) -> Fault {
        self.table.insert(key.to_owned(), given.into());
        self
    }

    pub(crate) fn into_table(self) -> Table {
        self.table
    }
}
