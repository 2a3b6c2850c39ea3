//! Processes and services that own time: those that recorded spans, and those that are only known
//! from their callers.

use ragdoll_trace::{ResourceId, SpanKind, Symbol, TraceSet};
use rustc_hash::FxHashMap;

use crate::names::Names;

/// A process, numbered from 0: resources of the trace set first, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Party(pub(crate) u32);

/// A service, numbered from 0 in the order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ServiceId(pub(crate) u32);

#[derive(Clone, Debug)]
pub(crate) struct Parties<'a> {
    set: &'a TraceSet,
    parties: Vec<(ServiceId, Option<Symbol>)>,
    services: Vec<Symbol>,
    party_by_names: FxHashMap<(Symbol, Option<Symbol>), Party>,
    service_by_name: FxHashMap<Symbol, ServiceId>,
}

impl<'a> Parties<'a> {
    /// Every process of the set: those that recorded spans, then those that calls name.
    pub(crate) fn new(set: &'a TraceSet, names: &Names) -> Self {
        let mut parties = Parties {
            set,
            parties: Vec::new(),
            services: Vec::new(),
            party_by_names: FxHashMap::default(),
            service_by_name: FxHashMap::default(),
        };
        for resource in set.resources() {
            parties.add(resource.service, Some(resource.instance));
        }
        let calls = set.spans().iter().filter(|span| {
            !matches!(
                span.kind,
                SpanKind::Internal | SpanKind::Server | SpanKind::Consumer
            )
        });
        for (service, instance) in calls.filter_map(|span| names.peer(span)) {
            parties.add(service, instance);
        }
        parties
    }

    /// The process that recorded a span.
    pub(crate) fn of(&self, resource: ResourceId) -> Party {
        Party(resource.0)
    }

    /// The process with these names.
    ///
    /// # Panics
    /// Where no call names it.
    pub(crate) fn named(&self, service: Symbol, instance: Option<Symbol>) -> Party {
        let found = self.party_by_names.get(&(service, instance));
        *found.unwrap_or_else(|| panic!("no call names {}", self.set.text(service)))
    }

    fn add(&mut self, service: Symbol, instance: Option<Symbol>) {
        if self.party_by_names.contains_key(&(service, instance)) {
            return;
        }
        let service_id = *self.service_by_name.entry(service).or_insert_with(|| {
            self.services.push(service);
            ServiceId(self.services.len() as u32 - 1)
        });
        let party = Party(self.parties.len() as u32);
        self.parties.push((service_id, instance));
        self.party_by_names.insert((service, instance), party);
    }

    pub(crate) fn service(&self, party: Party) -> ServiceId {
        self.parties[party.0 as usize].0
    }

    /// The service of this name, where there is one.
    pub(crate) fn service_named(&self, name: Symbol) -> Option<ServiceId> {
        self.service_by_name.get(&name).copied()
    }

    pub(crate) fn service_name(&self, service: ServiceId) -> &'a str {
        self.set.text(self.services[service.0 as usize])
    }

    pub(crate) fn service_name_of(&self, party: Party) -> &'a str {
        self.service_name(self.service(party))
    }

    /// Empty where it is not known.
    pub(crate) fn instance_name(&self, party: Party) -> &'a str {
        self.parties[party.0 as usize]
            .1
            .map_or("", |name| self.set.text(name))
    }

    pub(crate) fn len(&self) -> usize {
        self.parties.len()
    }

    pub(crate) fn service_count(&self) -> usize {
        self.services.len()
    }

    /// Every process.
    pub(crate) fn all(&self) -> impl Iterator<Item = Party> + use<> {
        (0..self.parties.len() as u32).map(Party)
    }

    /// Processes of a service, in the order of their numbers.
    pub(crate) fn of_service(&self, service: ServiceId) -> impl Iterator<Item = Party> {
        (0..self.parties.len() as u32)
            .map(Party)
            .filter(move |&party| self.service(party) == service)
    }
}
