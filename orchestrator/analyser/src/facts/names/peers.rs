//! Whom a call says it calls. Instrumentations name the other side by a service, a host, an address or
//! only by what kind of system it is.

use ragdoll_trace::{Span, Symbol, TraceSet};

use crate::facts::names::address::host;

/// What an attribute tells of the other side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// Its name, given on purpose.
    Service,
    /// Where it is.
    Address,
    /// What kind of system passes messages on.
    Messaging,
    /// Where among the messages.
    Destination,
    /// What kind of system it is.
    System,
    /// The interface that it offers.
    Interface,
}

/// Attributes of a call, of each way the best first.
const WAYS: [(&str, Way); 25] = [
    ("peer.service", Way::Service),
    ("upstream_cluster.name", Way::Service),
    ("upstream_cluster", Way::Service),
    ("server.address", Way::Address),
    ("net.peer.name", Way::Address),
    ("url.full", Way::Address),
    ("http.url", Way::Address),
    ("http.host", Way::Address),
    ("peer.hostname", Way::Address),
    ("peer.address", Way::Address),
    ("net.sock.peer.name", Way::Address),
    ("network.peer.address", Way::Address),
    ("net.peer.ip", Way::Address),
    ("net.sock.peer.addr", Way::Address),
    ("peer.ipv4", Way::Address),
    ("messaging.system", Way::Messaging),
    ("messaging.destination.name", Way::Destination),
    ("messaging.destination", Way::Destination),
    ("message_bus.destination", Way::Destination),
    ("db.system.name", Way::System),
    ("db.system", Way::System),
    ("db.type", Way::System),
    ("gen_ai.provider.name", Way::System),
    ("gen_ai.system", Way::System),
    ("rpc.service", Way::Interface),
];

/// Attributes of a served call that tell where it was served.
const OWN_ADDRESS: [&str; 8] = [
    "server.address",
    "network.local.address",
    "net.host.name",
    "net.host.ip",
    "net.sock.host.addr",
    "server.socket.address",
    "http.host",
    "rpc.service",
];

/// Attributes of a process that tell where it is. The last is of Jaeger's clients.
const PROCESS_ADDRESS: [&str; 4] = ["k8s.pod.ip", "host.ip", "service.address", "ip"];

/// Attributes of a call that tell which resource of the callee it is about.
const ROUTES: [&str; 7] = [
    "url.full",
    "http.url",
    "url.path",
    "http.target",
    "url.template",
    "http.route",
    "http.path",
];

/// The symbols that one trace set has for these attributes.
#[derive(Clone, Debug)]
pub(crate) struct PeerKeys {
    ways: Vec<(Symbol, Way)>,
    own_address: Vec<Symbol>,
    process_address: Vec<Symbol>,
    routes: Vec<Symbol>,
    instance: Option<Symbol>,
}

impl PeerKeys {
    pub(crate) fn new(set: &TraceSet) -> Self {
        let present = |keys: &[&str]| keys.iter().filter_map(|key| set.symbol(key)).collect();
        let ways = WAYS.iter();
        PeerKeys {
            ways: ways
                .filter_map(|&(key, way)| Some((set.symbol(key)?, way)))
                .collect(),
            own_address: present(&OWN_ADDRESS),
            process_address: present(&PROCESS_ADDRESS),
            routes: present(&ROUTES),
            instance: set.symbol("server.instance"),
        }
    }

    /// What a call says of the other side, the best of each way first.
    pub(crate) fn said<'s>(&'s self, span: &'s Span) -> impl Iterator<Item = (Way, Symbol)> + 's {
        let said = |&(key, way): &(Symbol, Way)| Some((way, span.attribute(key)?.as_symbol()?));
        self.ways.iter().filter_map(said)
    }

    /// Instance that a call says it calls.
    pub(crate) fn instance(&self, span: &Span) -> Option<Symbol> {
        span.attribute(self.instance?)?.as_symbol()
    }

    /// Addresses and interfaces at which a call was served.
    pub(crate) fn own_addresses<'s>(&'s self, span: &'s Span) -> impl Iterator<Item = Symbol> + 's {
        let value = |&key: &Symbol| span.attribute(key)?.as_symbol();
        self.own_address.iter().filter_map(value)
    }

    pub(crate) fn is_process_address(&self, key: Symbol) -> bool {
        self.process_address.contains(&key)
    }

    /// The path of what a call is about, without what was asked of it: none where it does not say.
    pub(crate) fn route<'a>(&self, set: &'a TraceSet, span: &Span) -> Option<&'a str> {
        let value = |&key: &Symbol| span.attribute(key)?.as_symbol();
        let route = set.text(self.routes.iter().find_map(value)?);
        let path = match route.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => route,
        };
        Some(path.split(['?', '#']).next().unwrap_or(path))
    }
}

/// The name in what a call or a process says of an address.
pub(crate) fn name_in(set: &TraceSet, way: Way, said: Symbol) -> Option<&str> {
    let text = set.text(said);
    match way {
        Way::Service | Way::Address => host(text),
        // The traditional attribute has the same value for all systems that understand SQL.
        Way::System => Some(text).filter(|&text| !text.is_empty() && text != "sql"),
        Way::Messaging | Way::Destination | Way::Interface => Some(text).filter(|t| !t.is_empty()),
    }
}
