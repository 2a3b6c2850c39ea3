use std::fmt;

use ragdoll_experiment::{Experiment, RunRecord};
use serde_json::{Value, json};

/// What a repeated run was asked for, whichever share of it a process runs: contents of
/// `repeat.json`. Parts of the same run have the same.
#[derive(Clone, Debug, PartialEq)]
pub struct RepeatPlan {
    /// Version of ragdoll.
    pub version: String,
    /// The experiment file, as it was given on the command line.
    pub file: String,
    /// The first seed; the others are counted up from it, past the largest number to 0.
    pub first_seed: u64,
    /// How many seeds, at least 1.
    pub repeat: u64,
    /// Whether each seed is run again without each of its faults.
    pub counterfactual: bool,
    /// The experiment with every default filled in and the first seed.
    pub spec: Experiment,
}

impl RepeatPlan {
    /// The plan of this many seeds from `first_seed` on.
    pub fn new(experiment: &Experiment, first_seed: u64, repeat: u64) -> Self {
        RepeatPlan {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            file: experiment.file.display().to_string(),
            first_seed,
            repeat,
            counterfactual: false,
            spec: Experiment {
                seed: first_seed,
                file: std::path::PathBuf::new(),
                ..experiment.clone()
            },
        }
    }

    /// The same plan, with or without replays of each seed.
    #[must_use]
    pub fn with_counterfactual(mut self, counterfactual: bool) -> Self {
        self.counterfactual = counterfactual;
        self
    }

    /// Seed number `position`, counted from 0.
    pub fn seed(&self, position: u64) -> u64 {
        self.first_seed.wrapping_add(position)
    }

    /// Which of the seeds a record belongs to, counted from 0.
    ///
    /// # Errors
    /// Records of other versions, files, experiments and seeds.
    pub fn position(&self, record: &RunRecord) -> Result<u64, RepeatPlanError> {
        let of_record = RepeatPlan {
            version: record.version.clone(),
            file: record.file.clone(),
            first_seed: self.first_seed,
            repeat: self.repeat,
            counterfactual: record.counterfactual.is_some(),
            spec: Experiment {
                seed: self.first_seed,
                ..record.spec.clone()
            },
        };
        self.expect_same(&of_record)?;
        let position = record.seed.wrapping_sub(self.first_seed);
        if position >= self.repeat || record.spec.seed != record.seed {
            return Err(RepeatPlanError::Seed(record.seed));
        }
        Ok(position)
    }

    /// Makes sure that both are plans of the same run.
    ///
    /// # Errors
    /// The first thing in which they differ.
    pub fn expect_same(&self, other: &RepeatPlan) -> Result<(), RepeatPlanError> {
        let shown = [
            ("version", self.version.clone(), other.version.clone()),
            ("file", self.file.clone(), other.file.clone()),
            ("title", self.spec.title.clone(), other.spec.title.clone()),
            (
                "first_seed",
                self.first_seed.to_string(),
                other.first_seed.to_string(),
            ),
            ("repeat", self.repeat.to_string(), other.repeat.to_string()),
            (
                "counterfactual",
                self.counterfactual.to_string(),
                other.counterfactual.to_string(),
            ),
        ];
        for (key, one, other) in shown {
            if one != other {
                return Err(RepeatPlanError::Differs { key, one, other });
            }
        }
        if self.spec != other.spec {
            return Err(RepeatPlanError::Spec);
        }
        Ok(())
    }

    /// The plan as indented JSON with a final newline.
    pub fn to_json(&self) -> String {
        let mut value = json!({
            "version": self.version,
            "file": self.file,
            "first_seed": self.first_seed,
            "repeat": self.repeat,
            "spec": self.spec,
        });
        if self.counterfactual {
            value["counterfactual"] = true.into();
        }
        format!("{value:#}\n")
    }

    /// Reads what [`RepeatPlan::to_json`] wrote.
    ///
    /// # Errors
    /// Text that is no JSON, and keys that are missing or hold something else.
    pub fn from_json(text: &str) -> Result<Self, RepeatPlanError> {
        let malformed = |error: serde_json::Error| RepeatPlanError::Malformed(error.to_string());
        let mut value: Value = serde_json::from_str(text).map_err(malformed)?;
        let lacks = |key| RepeatPlanError::Malformed(format!("`{key}` is missing or of no use"));
        let word = |key| value[key].as_str().map(str::to_owned).ok_or(lacks(key));
        let number = |key| value[key].as_u64().ok_or(lacks(key));
        let (version, file) = (word("version")?, word("file")?);
        let (first_seed, repeat) = (number("first_seed")?, number("repeat")?);
        let counterfactual = value["counterfactual"].as_bool().unwrap_or(false);
        let spec = serde_json::from_value(value["spec"].take()).map_err(malformed)?;
        Ok(RepeatPlan {
            version,
            file,
            first_seed,
            repeat,
            counterfactual,
            spec,
        })
    }
}

/// Why a plan is of no use, or a record or another plan does not belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepeatPlanError {
    /// It cannot be read.
    Malformed(String),
    /// They differ in this.
    Differs {
        /// Name of what differs.
        key: &'static str,
        /// What it is in the plan.
        one: String,
        /// What it is in the other.
        other: String,
    },
    /// They differ somewhere in topology, workload, phases or expectations.
    Spec,
    /// This seed is not among those that were asked for.
    Seed(u64),
}

impl fmt::Display for RepeatPlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RepeatPlanError::Malformed(problem) => f.write_str(problem),
            RepeatPlanError::Differs { key, one, other } => {
                write!(
                    f,
                    "`{key}` is `{one}` in the one and `{other}` in the other"
                )
            }
            RepeatPlanError::Spec => {
                f.write_str("the experiments differ in topology, workload, phases or expectations")
            }
            RepeatPlanError::Seed(seed) => write!(f, "seed {seed} was not asked for"),
        }
    }
}

impl std::error::Error for RepeatPlanError {}
