//! Which service has which name and which address. Names are known from the processes that record
//! spans; addresses from what these say of themselves, and from who answered calls of an address.

use ragdoll_trace::{Span, SpanKind, TraceSet, Value};
use rustc_hash::FxHashMap;

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::names::address::{cluster_service, first_label, is_bare, is_own_machine};
use crate::facts::names::peers::{PeerKeys, Way, name_in};

/// Answered calls of one name that are looked at to learn whose it is, and calls of all names.
const CALLS_OF_ONE_MAX: u32 = 64;
const CALLS_MAX: usize = 200_000;

/// Who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressHolder {
    Process(InstanceId, ServiceId),
    /// More than one process of a service.
    Service(ServiceId),
    /// More than one service, and so nobody in particular.
    Several,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Directory<'a> {
    /// In small letters: some systems change the case of names.
    by_name: FxHashMap<String, ServiceId>,
    by_address: FxHashMap<&'a str, AddressHolder>,
}

impl<'a> Directory<'a> {
    /// Adds a service that records spans; of two whose names differ only in case, the first counts.
    pub(crate) fn add(&mut self, name: &str, service: ServiceId) {
        self.by_name.entry(name.to_lowercase()).or_insert(service);
    }

    /// The recording service that a host, or any other name, is the name of.
    pub(crate) fn named(&self, name: &str) -> Option<ServiceId> {
        let find = |name: &str| self.by_name.get(&name.to_lowercase()).copied();
        let label = || cluster_service(name).or_else(|| first_label(name));
        find(name).or_else(|| find(label()?))
    }

    /// Who has an address, where that is one service.
    pub(crate) fn held(&self, address: &str) -> Option<(ServiceId, Option<InstanceId>)> {
        match *self.by_address.get(address)? {
            AddressHolder::Process(instance, service) => Some((service, Some(instance))),
            AddressHolder::Service(service) => Some((service, None)),
            AddressHolder::Several => None,
        }
    }

    fn learn(&mut self, address: &'a str, instance: InstanceId, service: ServiceId) {
        if is_own_machine(address) {
            return;
        }
        let holder = self.by_address.entry(address);
        let holder = holder.or_insert(AddressHolder::Process(instance, service));
        *holder = match *holder {
            AddressHolder::Process(other, known) if known == service && other == instance => return,
            AddressHolder::Process(_, known) | AddressHolder::Service(known)
                if known == service =>
            {
                AddressHolder::Service(service)
            }
            _ => AddressHolder::Several,
        };
    }

    /// Learns the addresses that processes say they have.
    pub(crate) fn learn_processes(
        &mut self,
        set: &'a TraceSet,
        keys: &PeerKeys,
        service_of: impl Fn(InstanceId) -> ServiceId,
    ) {
        for (number, resource) in set.resources().iter().enumerate() {
            let instance = InstanceId(number as u32);
            let service = service_of(instance);
            let name = name_in(set, Way::Address, resource.instance);
            // An instance is called by its address only where it has no better name.
            if let Some(address) = name.filter(|name| is_bare(name)) {
                self.learn(address, instance, service);
            }
            for attribute in &resource.attributes {
                if !keys.is_process_address(attribute.key) {
                    continue;
                }
                let values = match &attribute.value {
                    Value::List(values) => values.as_slice(),
                    value => std::slice::from_ref(value),
                };
                let texts = values.iter().filter_map(Value::as_symbol);
                for address in texts.filter_map(|text| name_in(set, Way::Address, text)) {
                    self.learn(address, instance, service);
                }
            }
        }
    }

    /// Learns the addresses at which calls say they were served.
    pub(crate) fn learn_served(
        &mut self,
        set: &'a TraceSet,
        keys: &PeerKeys,
        service_of: impl Fn(InstanceId) -> ServiceId,
    ) {
        let served = |span: &&Span| span.kind == SpanKind::Server;
        for span in set.spans().iter().filter(served) {
            let instance = InstanceId(span.resource.0);
            for said in keys.own_addresses(span) {
                if let Some(address) = name_in(set, Way::Address, said) {
                    self.learn(address, instance, service_of(instance));
                }
            }
        }
    }

    /// Learns from the calls that were answered whose the names are that they called. Only names
    /// are looked at that nobody is known to have.
    pub(crate) fn learn_answers(
        &mut self,
        set: &'a TraceSet,
        keys: &PeerKeys,
        service_of: impl Fn(InstanceId) -> ServiceId,
        may_call: impl Fn(&Span) -> bool,
    ) {
        let mut calls: FxHashMap<(u128, u64), (ServiceId, Vec<&'a str>)> = FxHashMap::default();
        let mut counts: FxHashMap<&'a str, u32> = FxHashMap::default();
        for span in set.spans().iter().filter(|span| may_call(span)) {
            if calls.len() == CALLS_MAX {
                break;
            }
            let named = keys
                .said(span)
                .filter(|&(way, _)| matches!(way, Way::Service | Way::Address | Way::Interface));
            let names = named.filter_map(|(way, said)| name_in(set, way, said));
            let mut unknown: Vec<&'a str> = names.filter(|name| self.is_unknown(name)).collect();
            unknown.retain(|name| {
                let count = counts.entry(name).or_default();
                *count += 1;
                *count <= CALLS_OF_ONE_MAX
            });
            if !unknown.is_empty() {
                let caller = service_of(InstanceId(span.resource.0));
                calls.insert((span.trace_id, span.span_id), (caller, unknown));
            }
        }
        if calls.is_empty() {
            return;
        }
        for span in set.spans() {
            let Some(parent) = span.parent_id else {
                continue;
            };
            let instance = InstanceId(span.resource.0);
            let service = service_of(instance);
            let call = calls.get(&(span.trace_id, parent.get()));
            for name in call
                .filter(|call| call.0 != service)
                .iter()
                .flat_map(|call| &call.1)
            {
                self.learn(name, instance, service);
            }
        }
    }

    fn is_unknown(&self, name: &str) -> bool {
        !is_own_machine(name) && self.named(name).is_none() && self.held(name).is_none()
    }
}
