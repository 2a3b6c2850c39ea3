//! What must hold for a run to pass.

use ragdoll_analyser::{Cause, Question};
use toml::{Table, Value};

/// One thing that must hold. A test may as well ask the record; what is expected here stands in the report too.
#[derive(Clone, Debug)]
pub struct Expect {
    table: Table,
}

impl Expect {
    /// The analyser blames this service for what differs in `phase` from the baseline.
    pub fn bottleneck(phase: &str, service: &str) -> Expect {
        Expect::of(phase)
            .with("verdict", "bottleneck")
            .with("service", service)
    }

    /// The analyser finds nothing in `phase` that differs from the baseline beyond noise.
    pub fn no_bottleneck(phase: &str) -> Expect {
        Expect::of(phase).with("verdict", "no_bottleneck")
    }

    /// Most requests that fail in `phase` go wrong first in this service.
    pub fn error_origin(phase: &str, service: &str) -> Expect {
        Expect::of(phase).with("error_origin", service)
    }

    /// An expression in CEL over the phases' figures is true, such as `slow.p95_ms < 2.0 * baseline.p95_ms`; see
    /// `docs/experiment-file.md`.
    pub fn holds(expression: &str) -> Expect {
        let table = Table::new();
        Expect { table }.with("holds", expression)
    }

    /// Of a bottleneck: for this cause.
    #[must_use]
    pub fn cause(self, cause: Cause) -> Expect {
        self.with("cause", cause.name())
    }

    /// Of a bottleneck: in this instance, such as `search-0`.
    #[must_use]
    pub fn instance(self, instance: &str) -> Expect {
        self.with("instance", instance)
    }

    /// Of a bottleneck: it explains this.
    #[must_use]
    pub fn question(self, question: Question) -> Expect {
        let name = match question {
            Question::Latency => "latency",
            Question::Errors => "errors",
            Question::Throughput => "throughput",
            Question::Calls => "calls",
        };
        self.with("question", name)
    }

    /// Of a bottleneck or the origin of errors: least share that is due to it, from 0 to 1.
    #[must_use]
    pub fn min_share(self, share: f64) -> Expect {
        self.with("min_share", share)
    }

    /// Why it is expected, for the report.
    #[must_use]
    pub fn because(self, reason: &str) -> Expect {
        self.with("because", reason)
    }

    fn of(phase: &str) -> Expect {
        let table = Table::new();
        Expect { table }.with("phase", phase)
    }

    fn with(mut self, key: &str, given: impl Into<Value>) -> Expect {
        self.table.insert(key.to_owned(), given.into());
        self
    }

    pub(crate) fn into_table(self) -> Table {
        self.table
    }
}
