//! Expectations: one idea an entry, about phases that exist.

use ragdoll_model::{Service, Topology};

use super::faults::unknown_instance;
use super::services::is_known;
use crate::document::{KeyPath, Problems};
use crate::experiment::{Expectation, Expected, Phase};
use crate::file::{ExpectFile, ExperimentFile, VerdictName};
use crate::formula::Formula;
use crate::spec_error::suggest;

/// Share of the failing requests that makes an origin, or a trait, that of most of them.
const MOST: f64 = 0.5;

/// The forms of an expectation, of which exactly one is given.
const FORMS: [&str; 4] = ["verdict", "error_origin", "shared_trait", "holds"];

/// Resolves the expectations; those with mistakes are left out.
pub(crate) fn check_expectations(
    file: &ExperimentFile,
    phases: &[Phase],
    topology: &Topology,
    problems: &mut Problems<'_, '_>,
) -> Vec<Expectation> {
    let root = KeyPath::default().key("expect");
    let mut expectations = Vec::new();
    for (index, given) in file.expect.iter().enumerate() {
        let mut check = Check {
            given,
            phases,
            topology,
            path: root.index(index),
            problems,
        };
        if let Some(expected) = check.expected() {
            let because = given.because.clone();
            expectations.push(Expectation { expected, because });
        }
    }
    expectations
}

struct Check<'c, 'd, 't> {
    given: &'c ExpectFile,
    phases: &'c [Phase],
    topology: &'c Topology,
    path: KeyPath,
    problems: &'c mut Problems<'d, 't>,
}

impl<'c> Check<'c, '_, '_> {
    fn expected(&mut self) -> Option<Expected> {
        let given = self.given;
        match (
            given.verdict,
            given.error_origin,
            &given.shared_trait,
            &given.holds,
        ) {
            (Some(VerdictName::Bottleneck), None, None, None) => self.bottleneck(),
            (Some(VerdictName::NoBottleneck), None, None, None) => {
                self.only(
                    "verdict = \"no_bottleneck\"",
                    &["verdict", "phase", "against"],
                );
                let (phase, against) = self.comparison()?;
                Some(Expected::NoBottleneck { phase, against })
            }
            (None, Some(service), None, None) => {
                let keys = ["error_origin", "phase", "against", "error", "min_share"];
                self.only("error_origin", &keys);
                let is_known = self.is_known("error_origin", service);
                let (phase, against) = self.comparison().filter(|_| is_known)?;
                Some(Expected::ErrorOrigin {
                    phase,
                    against,
                    service,
                    error: given.error.clone(),
                    min_share: given.min_share.unwrap_or(MOST),
                })
            }
            (None, None, Some(attribute), None) => {
                self.only(
                    "shared_trait",
                    &["shared_trait", "phase", "against", "min_share"],
                );
                let (phase, against) = self.comparison()?;
                Some(Expected::SharedTrait {
                    phase,
                    against,
                    attribute: attribute.clone(),
                    min_share: given.min_share.unwrap_or(MOST),
                })
            }
            (None, None, None, Some(expression)) => self.holds(expression),
            (None, None, None, None) => {
                let fix = format!("give one of `{}`", FORMS.join("`, `"));
                self.problems.add(&self.path, "expects nothing", fix);
                None
            }
            _ => {
                let keys = self.keys();
                let forms = FORMS.into_iter().filter(|form| keys.contains(form));
                let forms: Vec<&str> = forms.collect();
                let message = format!("is given beside `{}`", forms[0]);
                let fix = "put each into an [[expect]] of its own";
                self.problems.add(&self.path.key(forms[1]), message, fix);
                None
            }
        }
    }

    fn bottleneck(&mut self) -> Option<Expected> {
        let given = self.given;
        self.only(
            "verdict = \"bottleneck\"",
            &[
                "verdict",
                "phase",
                "against",
                "service",
                "instance",
                "cause",
                "question",
                "min_share",
            ],
        );
        let comparison = self.comparison();
        let Some(service) = given.service else {
            let fix = "add the service that the verdict is to name";
            self.problems
                .add(&self.path.key("service"), "is missing", fix);
            return None;
        };
        if !self.is_known("service", service) {
            return None;
        }
        if let Some(name) = &given.instance {
            let path = self.path.key("instance");
            let instances = self.topology.instances();
            match instances.iter().find(|instance| instance.name() == name) {
                None => unknown_instance(name, self.topology, &path, self.problems),
                Some(instance) if instance.service() != service => {
                    let message = format!("is {name:?}, which is no instance of {service}");
                    let fix = format!("use an instance of {service}, or remove it");
                    self.problems.add(&path, message, fix);
                }
                Some(_) => {}
            }
        }
        let (phase, against) = comparison?;
        Some(Expected::Bottleneck {
            phase,
            against,
            service,
            instance: given.instance.clone(),
            cause: given.cause,
            question: given.question,
            min_share: given.min_share.unwrap_or(0.0),
        })
    }

    fn holds(&mut self, expression: &str) -> Option<Expected> {
        self.only("holds", &["holds"]);
        let names = self.phases.iter().map(|phase| phase.name.as_str());
        match Formula::check(expression, names, &self.topology.services()) {
            Ok(_) => Some(Expected::Holds {
                expression: expression.to_owned(),
            }),
            Err(problem) => {
                let path = self.path.key("holds");
                self.problems.add(&path, problem.message, problem.fix);
                None
            }
        }
    }

    fn is_known(&mut self, key: &str, service: Service) -> bool {
        is_known(service, self.topology, &self.path.key(key), self.problems)
    }

    /// The phase and the one it is compared with.
    fn comparison(&mut self) -> Option<(String, String)> {
        let Some(name) = &self.given.phase else {
            let fix = "add the phase that is judged";
            self.problems
                .add(&self.path.key("phase"), "is missing", fix);
            return None;
        };
        let phase = self.phase("phase", name)?;
        let against = match &self.given.against {
            Some(name) => self.phase("against", name)?,
            None => self.phases.iter().find(|phase| phase.baseline)?,
        };
        if phase.name != against.name {
            return Some((phase.name.clone(), against.name.clone()));
        }
        let (key, message, fix) = if self.given.against.is_some() {
            ("against", "is the phase itself", "name another phase")
        } else {
            let fix = "name another phase, or another to compare it with in `against`";
            (
                "phase",
                "is the baseline, which others are compared with",
                fix,
            )
        };
        self.problems.add(&self.path.key(key), message, fix);
        None
    }

    fn phase(&mut self, key: &str, name: &str) -> Option<&'c Phase> {
        let phases = self.phases;
        let found = phases.iter().find(|phase| phase.name == name);
        if found.is_none() {
            let names = self.phases.iter().map(|phase| phase.name.as_str());
            let message = format!("is {name:?}, which is not a phase");
            self.problems
                .add(&self.path.key(key), message, suggest(name, names));
        }
        found
    }

    /// Adds every key that does not go with the form of this expectation.
    fn only(&mut self, form: &str, allowed: &[&str]) {
        for key in self.keys() {
            if !allowed.contains(&key) {
                let message = format!("does not go with `{form}`");
                self.problems.add(&self.path.key(key), message, "remove it");
            }
        }
    }

    /// Keys that are given, `because` apart, which goes with everything.
    fn keys(&self) -> Vec<&'static str> {
        let given = self.given;
        [
            ("phase", given.phase.is_some()),
            ("against", given.against.is_some()),
            ("verdict", given.verdict.is_some()),
            ("service", given.service.is_some()),
            ("instance", given.instance.is_some()),
            ("cause", given.cause.is_some()),
            ("question", given.question.is_some()),
            ("min_share", given.min_share.is_some()),
            ("error_origin", given.error_origin.is_some()),
            ("error", given.error.is_some()),
            ("shared_trait", given.shared_trait.is_some()),
            ("holds", given.holds.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
    }
}
