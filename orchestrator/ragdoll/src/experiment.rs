//! The load on a system, what is broken in it when, and what is expected.

use std::path::{Path, PathBuf};

use ragdoll_experiment::Experiment as Loaded;
use ragdoll_fault_layers::Faults;
use toml::Table;

use crate::error::Error;
use crate::expect::Expect;
use crate::fault::Fault;
use crate::problems::{of_built, of_file, of_unreadable};
use crate::text::{below, has_graph, push, shown, text_of};

/// What reports say in place of a file's name.
const NO_FILE: &str = "described in Rust";

/// What is tried on a system. Names of services and kinds of faults are checked by
/// [`System::check`](crate::System::check) and before a run.
#[derive(Clone, Debug)]
pub struct Experiment {
    source: Source,
    seed: Option<u64>,
}

#[derive(Clone, Debug)]
enum Source {
    File { path: PathBuf, text: String },
    Built { title: String, table: Table },
}

impl Experiment {
    /// An experiment of this title, which opens its report.
    pub fn builder(title: &str) -> ExperimentBuilder {
        let mut table = Table::new();
        table.insert("title".to_owned(), title.into());
        ExperimentBuilder {
            title: title.to_owned(),
            seed: None,
            table,
        }
    }

    /// Reads an experiment file, whose form is that of `docs/experiment-file.md`; a path that is relative starts at
    /// the working directory, which in a test is the folder of its package. What the file says of services takes
    /// the place of a [`System`](crate::System) without any.
    ///
    /// # Errors
    /// A file that cannot be read, or is no TOML.
    pub fn load(path: impl AsRef<Path>) -> Result<Experiment, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|why| of_unreadable(path, &why))?;
        if text.parse::<Table>().is_err()
            && let Err(errors) = Loaded::parse(&text, path, &Faults)
        {
            return Err(of_file(&errors));
        }
        let path = path.to_owned();
        let source = Source::File { path, text };
        Ok(Experiment { source, seed: None })
    }

    /// The same experiment with another seed of every random draw.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Experiment {
        self.seed = Some(seed);
        self
    }

    /// The experiment on a system whose services are those of `system`, if it has any.
    pub(crate) fn on(&self, system: &Table) -> Result<Loaded, Error> {
        let mut loaded = match &self.source {
            Source::File { path, text } => from_file(path, text, system)?,
            Source::Built { title, table } => built(title, table, system)?,
        };
        if let Some(seed) = self.seed {
            loaded.seed = seed;
        }
        Ok(loaded)
    }
}

/// A file's experiment. The system's services are added at its end, so that its own lines stay where they are.
fn from_file(path: &Path, text: &str, system: &Table) -> Result<Loaded, Error> {
    let mut text = text.to_owned();
    if !system.is_empty() {
        if has_graph(&text) {
            return Err(Error::one(format!(
                "{}: `topology.graph` describes services, and so does the system that it is to run on; keep one of the two",
                shown(path)
            )));
        }
        text.push('\n');
        text.push_str(&text_of(system));
    }
    Loaded::parse(&text, path, &Faults).map_err(|errors| of_file(&errors))
}

fn built(title: &str, table: &Table, system: &Table) -> Result<Loaded, Error> {
    let mut table = table.clone();
    table.extend(system.clone());
    let expects_nothing = !table.contains_key("expect");
    if expects_nothing {
        // A file expects something. This is taken out again.
        push(&mut table, "expect", Expect::holds("true").into_table());
    }
    let loaded = Loaded::parse(&text_of(&table), Path::new(NO_FILE), &Faults);
    let whole = format!("experiment `{title}`");
    let mut loaded = loaded.map_err(|errors| of_built(&errors, &table, &whole))?;
    if expects_nothing {
        loaded.expectations.clear();
    }
    Ok(loaded)
}

/// An experiment that is being described.
#[derive(Clone, Debug)]
pub struct ExperimentBuilder {
    title: String,
    seed: Option<u64>,
    table: Table,
}

impl ExperimentBuilder {
    /// What a reader of the report should know.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.table.insert("description".to_owned(), text.into());
        self
    }

    /// Seed of every random draw; 1 unless given.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Requests a second, above 0, in a Poisson process: they come whether or not earlier ones were answered. 3
    /// unless given.
    #[must_use]
    pub fn per_second(mut self, rate: f64) -> Self {
        let arrivals = below(&mut self.table, &["workload", "arrivals"]);
        arrivals.insert("poisson_per_s".to_owned(), rate.into());
        self
    }

    /// Adds a phase after those before it. `name` has lower-case letters, digits and `_`. The first phase is the
    /// baseline unless another says that it is.
    #[must_use]
    pub fn phase(
        mut self,
        name: &str,
        duration_s: f64,
        describe: impl FnOnce(PhaseBuilder) -> PhaseBuilder,
    ) -> Self {
        let mut table = Table::new();
        table.insert("name".to_owned(), name.into());
        table.insert("duration_s".to_owned(), duration_s.into());
        let described = describe(PhaseBuilder { table });
        push(&mut self.table, "phases", described.table);
        self
    }

    /// Adds what must hold.
    #[must_use]
    pub fn expect(mut self, expect: Expect) -> Self {
        push(&mut self.table, "expect", expect.into_table());
        self
    }

    /// The experiment.
    pub fn build(self) -> Experiment {
        let ExperimentBuilder { title, seed, table } = self;
        let source = Source::Built { title, table };
        Experiment { source, seed }
    }
}

/// A phase that is being described: a stretch of the run with its own faults.
#[derive(Clone, Debug)]
pub struct PhaseBuilder {
    table: Table,
}

impl PhaseBuilder {
    /// Seconds at its start that count for nothing, while the system settles; less than it lasts.
    #[must_use]
    pub fn settle_s(mut self, seconds: f64) -> Self {
        self.table.insert("settle_s".to_owned(), seconds.into());
        self
    }

    /// Requests a second in this phase, in place of the experiment's.
    #[must_use]
    pub fn per_second(mut self, rate: f64) -> Self {
        let arrivals = below(&mut self.table, &["arrivals"]);
        arrivals.insert("poisson_per_s".to_owned(), rate.into());
        self
    }

    /// Says that the other phases are compared with this one.
    #[must_use]
    pub fn baseline(mut self) -> Self {
        self.table.insert("baseline".to_owned(), true.into());
        self
    }

    /// Adds something that is broken during the phase.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        push(&mut self.table, "faults", fault.into_table());
        self
    }
}
