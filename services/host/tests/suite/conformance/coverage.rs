//! Nothing may go without a scenario: what the scenarios show, compared with all there is to show.

use std::collections::BTreeSet;

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::Catalog as _;
use ragdoll_model::Service;

/// What a fault is put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    Service,
    Instance,
    Edge,
    Zones,
}

/// What a scenario shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// A public module of `ragdoll-resources`.
    Resource(&'static str),
    /// A kind of fault, and what it is put on.
    Fault(&'static str, On),
    /// What the transports owe to every call.
    Protocol(&'static str),
}

impl Subject {
    pub(crate) const fn on_service(kind: &'static str) -> Self {
        Subject::Fault(kind, On::Service)
    }

    pub(crate) const fn on_instance(kind: &'static str) -> Self {
        Subject::Fault(kind, On::Instance)
    }

    fn kind(&self) -> Option<&'static str> {
        match self {
            Subject::Fault(kind, _) => Some(kind),
            Subject::Resource(_) | Subject::Protocol(_) => None,
        }
    }

    pub(crate) const fn on_zones(kind: &'static str) -> Self {
        Subject::Fault(kind, On::Zones)
    }

    pub(crate) const fn on_edge(kind: &'static str) -> Self {
        Subject::Fault(kind, On::Edge)
    }
}

/// A scenario, and what it shows.
pub(crate) type Shown = (fn(), &'static [Subject]);

const ALL: [&[Shown]; 21] = [
    super::absent::SHOWN,
    super::answer_faults::SHOWN,
    super::balance_faults::SHOWN,
    super::calls::SHOWN,
    super::documents::SHOWN,
    super::engine::SHOWN,
    super::fan_out::SHOWN,
    super::lives::SHOWN,
    super::mitigations::SHOWN,
    super::partitions::SHOWN,
    super::process_faults::SHOWN,
    super::queues::SHOWN,
    super::request_faults::SHOWN,
    super::reranking::SHOWN,
    super::scarce_resources::SHOWN,
    super::stages::SHOWN,
    super::stages_work::SHOWN,
    super::streams::SHOWN,
    super::traces::SHOWN,
    super::wire::SHOWN,
    super::zones::SHOWN,
];

/// What is no code of its own that could be listed.
const PROTOCOL: [&str; 9] = [
    "cancellation",
    "connection",
    "deadline",
    "headers",
    "network",
    "queue",
    "status",
    "streaming",
    "trace context",
];

const RESOURCES: &str = include_str!("../../../../resources/src/lib.rs");

/// Every public module of the resources' crate, save the one for tests.
fn resources() -> impl Iterator<Item = Subject> {
    let modules = RESOURCES.lines().filter_map(|line| {
        let name = line.strip_prefix("pub mod ")?;
        name.strip_suffix(';')
    });
    let modules = modules.filter(|name| *name != "testing");
    modules.map(Subject::Resource)
}

/// Every kind of fault, with each sort of target that it takes. Those of the load generator are no
/// matter of a system.
fn faults() -> Vec<Subject> {
    let mut faults = Vec::new();
    let kinds = Faults.kinds().into_iter();
    for kind in kinds.filter(|kind| kind.services != [Service::CLIENT]) {
        if kind.acts_on_zones() {
            faults.push(Subject::on_zones(kind.name));
            continue;
        }
        if !kind.edges || !kind.services.is_empty() {
            faults.push(Subject::on_service(kind.name));
            faults.push(Subject::on_instance(kind.name));
        }
        if kind.edges {
            faults.push(Subject::on_edge(kind.name));
        }
    }
    faults
}

#[test]
fn every_resource_and_every_fault_has_a_scenario() {
    let all = resources().chain(faults());
    let all: BTreeSet<Subject> = all.chain(PROTOCOL.map(Subject::Protocol)).collect();
    let shown = ALL.iter().flat_map(|module| module.iter());
    let shown: BTreeSet<Subject> = shown.flat_map(|(_, subjects)| *subjects).copied().collect();
    // Who meets a target is the same code for all kinds, so one target of each is enough.
    let kinds_shown: BTreeSet<&str> = shown.iter().filter_map(Subject::kind).collect();
    let is_shown = |subject: &Subject| match subject.kind() {
        Some(kind) => kinds_shown.contains(kind),
        None => shown.contains(subject),
    };
    let missing: Vec<_> = all.iter().filter(|subject| !is_shown(subject)).collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
    let unknown: Vec<_> = shown.difference(&all).collect();
    assert!(unknown.is_empty(), "there is nothing like {unknown:?}");
    let many = all.iter().filter(|one| matches!(one, Subject::Resource(_)));
    assert!(
        many.count() >= 8,
        "the list of resources was not understood"
    );
}
