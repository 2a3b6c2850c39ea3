//! The system under test, and a run of an experiment on it.

use std::borrow::Borrow;
use std::path::Path;

use bytes::Bytes;
use ragdoll_deploy::{RunOptions, run};
use ragdoll_stubs::hop::{Behaviours, Failure, Request};
use toml::Table;

use crate::error::Error;
use crate::expect::Expect;
use crate::experiment::Experiment;
use crate::record::Record;
use crate::service::ServiceBuilder;
use crate::text::{below, push};

/// Services that call each other. Users call the first of them.
#[derive(Clone, Debug)]
pub struct System {
    /// The table `topology` with what was described; nothing of a system without services.
    table: Table,
    registry: Behaviours,
}

impl System {
    /// A system without services, yet. One that stays so is what an experiment's file describes, else the RAG
    /// system.
    pub fn builder() -> SystemBuilder {
        SystemBuilder {
            table: Table::new(),
            registry: Behaviours::default(),
        }
    }

    /// Whether an experiment can run on this system.
    ///
    /// # Errors
    /// All that is wrong with it: services, kinds of fault, parameters and phases that there are not, each with
    /// the nearest name that there is, and figures out of range.
    pub fn check(&self, experiment: impl Borrow<Experiment>) -> Result<(), Error> {
        experiment.borrow().on(&self.table).map(drop)
    }

    /// Runs an experiment in virtual time. The same experiment on the same system gives the same record.
    ///
    /// # Errors
    /// As [`System::check`], a load that is too much for one run, and behaviours that a file names and nobody
    /// registered.
    ///
    /// # Panics
    /// Where a behaviour panics, calls a service that is not among its calls, or waits for something that is not in
    /// simulated time.
    pub fn run(&self, experiment: impl Borrow<Experiment>) -> Result<Record, Error> {
        self.run_with(experiment.borrow(), None)
    }

    /// The same, with traces, logs, metrics and the journal in `folder`, which is made where it does not exist.
    ///
    /// # Errors
    /// As [`System::run`], and files that cannot be written.
    ///
    /// # Panics
    /// As [`System::run`].
    pub fn run_into(
        &self,
        experiment: impl Borrow<Experiment>,
        folder: impl AsRef<Path>,
    ) -> Result<Record, Error> {
        self.run_with(experiment.borrow(), Some(folder.as_ref()))
    }

    fn run_with(&self, experiment: &Experiment, out: Option<&Path>) -> Result<Record, Error> {
        let loaded = experiment.on(&self.table)?;
        let options = RunOptions {
            out: out.map(Path::to_owned),
            behaviours: self.registry.clone(),
            ..RunOptions::default()
        };
        let record = run(&loaded, &options);
        let record = record.map_err(|error| Error::one(error.to_string()))?;
        Ok(Record::new(record))
    }
}

/// A system that is being described.
#[derive(Debug)]
pub struct SystemBuilder {
    table: Table,
    registry: Behaviours,
}

impl SystemBuilder {
    /// Adds a service. Its name has lower-case letters, digits and hyphens, and does not end in a hyphen and a
    /// number.
    #[must_use]
    pub fn service(
        mut self,
        name: &str,
        describe: impl FnOnce(ServiceBuilder) -> ServiceBuilder,
    ) -> Self {
        let described = describe(ServiceBuilder {
            table: Table::from_iter([("name".to_owned(), name.into())]),
            registry: self.registry,
            name: name.to_owned(),
        });
        let (service, registry) = described.finish();
        self.registry = registry;
        let graph = below(&mut self.table, &["topology", "graph"]);
        push(graph, "services", service);
        self
    }

    /// Registers a function under a name that an experiment's file uses: `behaviour = "NAME"` of a service.
    #[must_use]
    pub fn behaviour<F, A>(mut self, name: &str, serve: F) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Bytes, Failure>> + Send + 'static,
    {
        self.registry.register(name, serve);
        self
    }

    /// How long users wait for an answer at most, above 0; 60,000 ms unless given.
    #[must_use]
    pub fn deadline_ms(mut self, ms: f64) -> Self {
        let graph = below(&mut self.table, &["topology", "graph"]);
        graph.insert("deadline_ms".to_owned(), ms.into());
        self
    }

    /// The system.
    ///
    /// # Errors
    /// All that is wrong with the services: names and figures out of range, calls of services that there are not,
    /// with the nearest name that there is, calls in a circle, and services that no request comes to.
    pub fn build(self) -> Result<System, Error> {
        let SystemBuilder { table, registry } = self;
        if !table.is_empty() {
            let probe = Experiment::builder("the system").phase("whole", 1.0, |phase| phase);
            let probe = probe.expect(Expect::holds("true"));
            probe.build().on(&table)?;
        }
        Ok(System { table, registry })
    }
}
