//! Processes and services that own time: those that recorded spans, and those that are only known
//! from their callers.

use ragdoll_trace::{ResourceId, Span, SpanKind, Symbol, TraceSet};
use rustc_hash::FxHashMap;

use crate::facts::directory::Directory;
use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::names::address::{cluster_service, is_bare};
use crate::facts::names::peers::{PeerKeys, Way, name_in};
use crate::facts::names::spans::Names;

#[derive(Clone, Debug)]
pub(crate) struct Instances<'a> {
    set: &'a TraceSet,
    keys: PeerKeys,
    instances: Vec<(ServiceId, Option<&'a str>)>,
    services: Vec<&'a str>,
    /// Whether a service says of any of its spans on which side of a call it is.
    says_sides: Vec<bool>,
    instance_by_names: FxHashMap<(ServiceId, Option<&'a str>), InstanceId>,
    service_by_name: FxHashMap<&'a str, ServiceId>,
    said: FxHashMap<(Way, Symbol), Said<'a>>,
}

/// What is known of one name that calls have for the other side.
#[derive(Clone, Copy, Debug)]
struct Said<'a> {
    name: &'a str,
    /// The recording service of that name.
    named: Option<ServiceId>,
    /// The recording service that has that address.
    held: Option<(ServiceId, Option<InstanceId>)>,
}

/// Whom a call calls.
#[derive(Clone, Copy, Debug)]
struct Callee<'a> {
    place: CalledService<'a>,
    instance: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
enum CalledService<'a> {
    Recording(ServiceId, Option<InstanceId>),
    Named(&'a str),
}

impl<'a> Instances<'a> {
    /// Every process of the set: those that recorded spans, then those that calls name.
    pub(crate) fn new(set: &'a TraceSet, names: &Names) -> Self {
        let mut instances = Instances {
            set,
            keys: names.peers().clone(),
            instances: Vec::new(),
            services: Vec::new(),
            says_sides: Vec::new(),
            instance_by_names: FxHashMap::default(),
            service_by_name: FxHashMap::default(),
            said: FxHashMap::default(),
        };
        let mut directory = Directory::default();
        for resource in set.resources() {
            let name = set.text(resource.service);
            let service = instances.add_service(name);
            instances.add(service, Some(set.text(resource.instance)));
            directory.add(name, service);
        }
        for span in set.spans() {
            let is_side = !matches!(span.kind, SpanKind::Internal | SpanKind::Unspecified);
            let service = instances.service(instances.of(span.resource));
            instances.says_sides[service.0 as usize] |= is_side;
        }
        let service_of = |instance| instances.service(instance);
        directory.learn_processes(set, &instances.keys, service_of);
        directory.learn_served(set, &instances.keys, service_of);
        directory.learn_answers(set, &instances.keys, service_of, |span| {
            instances.may_call(span)
        });
        instances.add_callees(&directory);
        instances
    }

    fn add_callees(&mut self, directory: &Directory<'a>) {
        let set = self.set;
        for span in set.spans() {
            if !self.may_call(span) {
                continue;
            }
            for (way, said) in self.keys.said(span) {
                let Some(name) = name_in(set, way, said) else {
                    continue;
                };
                self.said.entry((way, said)).or_insert_with(|| Said {
                    name,
                    named: directory.named(name),
                    held: directory.held(name),
                });
            }
            if let Some(callee) = self.callee(span) {
                let service = match callee.place {
                    CalledService::Recording(service, _) => service,
                    CalledService::Named(name) => self.add_service(name),
                };
                self.add(service, callee.instance);
            }
        }
    }

    /// The process that recorded a span.
    pub(crate) fn of(&self, resource: ResourceId) -> InstanceId {
        InstanceId(resource.0)
    }

    /// Whether a span may be the caller's side of a call.
    fn may_call(&self, span: &Span) -> bool {
        match span.kind {
            SpanKind::Client | SpanKind::Producer | SpanKind::Unspecified => true,
            SpanKind::Internal => !self.says_sides(self.of(span.resource)),
            SpanKind::Server | SpanKind::Consumer => false,
        }
    }

    /// Whether the service of a process says of any span on which side of a call it is. Where it
    /// does not, its inner spans may be anything.
    pub(crate) fn says_sides(&self, instance: InstanceId) -> bool {
        self.says_sides[self.service(instance).0 as usize]
    }

    /// The process that a call says it calls.
    pub(crate) fn called(&self, span: &Span) -> Option<InstanceId> {
        let callee = self.callee(span)?;
        let service = match callee.place {
            CalledService::Recording(_, Some(instance)) if callee.instance.is_none() => {
                return Some(instance);
            }
            CalledService::Recording(service, _) => service,
            CalledService::Named(name) => *self.service_by_name.get(name)?,
        };
        self.instance_by_names
            .get(&(service, callee.instance))
            .copied()
    }

    /// As [`Instances::called`], where a span says so plainly that it is a call of another service
    /// that nothing else need say it.
    pub(crate) fn plainly_called(&self, span: &Span) -> Option<InstanceId> {
        let is_plain = |way| matches!(way, Way::Service | Way::Messaging | Way::System);
        if !self.keys.said(span).any(|(way, _)| is_plain(way)) {
            return None;
        }
        let called = self.called(span)?;
        (self.service(called) != self.service(self.of(span.resource))).then_some(called)
    }

    /// The best that a call says. A name that was given on purpose comes first, then addresses of
    /// recording services, then other hosts, and bare addresses last: they say nothing to a reader,
    /// and change with every restart.
    fn callee(&self, span: &Span) -> Option<Callee<'a>> {
        let own = self.service(self.of(span.resource));
        let is_system = self.keys.said(span).any(|(way, _)| way == Way::System);
        let mut best: Option<(u8, CalledService<'a>)> = None;
        let (mut destination, mut bare) = (None, None);
        for (way, symbol) in self.keys.said(span) {
            let Some(&said) = self.said.get(&(way, symbol)) else {
                continue;
            };
            // Who calls has an address in common with others at times, but does not call itself.
            // And databases record nothing, so a machine that one shares with a service is not it.
            let held = said.held.filter(|held| held.0 != own && !is_system);
            let known = said.named.map(|service| (service, None)).or(held);
            let known =
                known.map(|(service, instance)| CalledService::Recording(service, instance));
            let is_bare = matches!(way, Way::Service | Way::Address) && is_bare(said.name);
            let named = CalledService::Named(cluster_service(said.name).unwrap_or(said.name));
            let (rank, place) = match way {
                Way::Service if !is_bare => (0, known.unwrap_or(named)),
                Way::Messaging => (1, CalledService::Named(said.name)),
                Way::Service | Way::Address | Way::Interface if known.is_some() => {
                    (2, known.unwrap_or(named))
                }
                Way::Service | Way::Address if !is_bare => (3, named),
                Way::System => (4, CalledService::Named(said.name)),
                Way::Interface => (5, CalledService::Named(said.name)),
                Way::Service | Way::Address => {
                    bare = bare.or(Some(said.name));
                    (6, CalledService::Named(said.name))
                }
                Way::Destination => {
                    destination = destination.or(Some(said.name));
                    continue;
                }
            };
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, place));
            }
        }
        let (rank, place) = best?;
        let said = self
            .keys
            .instance(span)
            .map(|instance| self.set.text(instance));
        let instance = said.or(match rank {
            1 => destination,
            4 => bare,
            _ => None,
        });
        Some(Callee { place, instance })
    }

    /// The path of what a call is about.
    pub(crate) fn route(&self, span: &Span) -> Option<&'a str> {
        self.keys.route(self.set, span)
    }

    fn add_service(&mut self, name: &'a str) -> ServiceId {
        *self.service_by_name.entry(name).or_insert_with(|| {
            self.services.push(name);
            self.says_sides.push(false);
            ServiceId(self.services.len() as u32 - 1)
        })
    }

    fn add(&mut self, service: ServiceId, name: Option<&'a str>) {
        let instance = InstanceId(self.instances.len() as u32);
        self.instance_by_names
            .entry((service, name))
            .or_insert_with(|| {
                self.instances.push((service, name));
                instance
            });
    }

    pub(crate) fn service(&self, instance: InstanceId) -> ServiceId {
        self.instances[instance.0 as usize].0
    }

    /// The service of this name, where there is one.
    pub(crate) fn service_named(&self, name: Symbol) -> Option<ServiceId> {
        self.service_by_name.get(self.set.text(name)).copied()
    }

    pub(crate) fn service_name(&self, service: ServiceId) -> &'a str {
        self.services[service.0 as usize]
    }

    pub(crate) fn service_name_of(&self, instance: InstanceId) -> &'a str {
        self.service_name(self.service(instance))
    }

    /// Empty where it is not known.
    pub(crate) fn instance_name(&self, instance: InstanceId) -> &'a str {
        self.instances[instance.0 as usize].1.unwrap_or("")
    }

    pub(crate) fn len(&self) -> usize {
        self.instances.len()
    }

    pub(crate) fn service_count(&self) -> usize {
        self.services.len()
    }

    /// Every process.
    pub(crate) fn all(&self) -> impl Iterator<Item = InstanceId> + use<> {
        (0..self.instances.len() as u32).map(InstanceId)
    }

    /// Processes of a service, in the order of their numbers.
    pub(crate) fn of_service(&self, service: ServiceId) -> impl Iterator<Item = InstanceId> {
        (0..self.instances.len() as u32)
            .map(InstanceId)
            .filter(move |&instance| self.service(instance) == service)
    }
}
