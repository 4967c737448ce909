//! Who a client span called, as far as its attributes say.

use std::collections::HashMap;

use model::{Span, Text, Trace};

use crate::limits::PEERS_MAX;

/// The far side of a client or producer span, from its attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its name: a service's where the span says so, else a database's, a queue's, an address.
    pub name: Text,
    /// What it is.
    pub kind: PeerKind,
}

/// What is on the far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKind {
    /// A service, instrumented or not.
    Service,
    /// A database.
    Database,
    /// A cache.
    Cache,
    /// A queue or topic.
    Queue,
    /// A model provider.
    Llm,
    /// Known by its address only.
    External,
}

/// Systems of `db.system.name` that are used as caches.
pub(crate) const CACHE_SYSTEMS: &[&str] = &["redis", "valkey", "memcached"];

/// Who `span` called: `service.peer.name` or `peer.service` first (they name a service), then database, queue and model
/// provider, then the address. None where nothing is said, or the span calls nobody.
#[must_use]
pub fn peer_of(span: &Span) -> Option<Peer> {
    if !span.kind.asks() {
        return None;
    }
    let text = |keys: &[&str]| keys.iter().find_map(|key| span.attributes.text(key)).filter(|text| !text.is_empty());
    let peer = |name: &str, kind| Some(Peer { name: name.into(), kind });
    if let Some(name) = text(&["service.peer.name", "peer.service"]) {
        return peer(name, PeerKind::Service);
    }
    if let Some(system) = text(&["db.system.name", "db.system"]) {
        let kind = if CACHE_SYSTEMS.contains(&system) { PeerKind::Cache } else { PeerKind::Database };
        let name = text(&["db.namespace", "db.name"]).unwrap_or(system);
        return peer(name, kind);
    }
    if let Some(system) = text(&["messaging.system"]) {
        return peer(text(&["messaging.destination.name"]).unwrap_or(system), PeerKind::Queue);
    }
    if let Some(provider) = text(&["gen_ai.provider.name", "gen_ai.system"]) {
        return peer(provider, PeerKind::Llm);
    }
    address_of(span).map(|address| Peer { name: address, kind: PeerKind::External })
}

/// `host:port` that the span called, if it says so.
fn address_of(span: &Span) -> Option<Text> {
    let host =
        ["server.address", "net.peer.name", "network.peer.address"].iter().find_map(|key| span.attributes.text(key))?;
    let port =
        ["server.port", "net.peer.port", "network.peer.port"].iter().find_map(|key| span.attributes.get(key)?.as_int());
    Some(port.map_or_else(|| host.into(), |port| format!("{host}:{port}").into()))
}

/// Learns which service answers at an address, from calls whose both sides were seen, and then names the far side of
/// calls that were refused or timed out and so have no server span.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    services: HashMap<Text, Text>,
    not_learned: u64,
}

impl Peers {
    /// Learns from every call of `trace` whose both sides are there.
    pub fn learn(&mut self, trace: &Trace) {
        for (index, span) in trace.spans().iter().enumerate() {
            let Some(parent) = trace.parent(index as u32) else { continue };
            let client = trace.span(parent);
            if client.service_name() == span.service_name() {
                continue;
            }
            let Some(address) = address_of(client) else { continue };
            if self.services.len() >= PEERS_MAX && !self.services.contains_key(&address) {
                self.not_learned += 1;
            } else {
                self.services.insert(address, span.service_name().into());
            }
        }
    }

    /// Learns everything that `other` knows.
    pub fn merge(&mut self, other: Self) {
        self.not_learned += other.not_learned;
        for (address, service) in other.services {
            if self.services.len() >= PEERS_MAX && !self.services.contains_key(&address) {
                self.not_learned += 1;
            } else {
                self.services.insert(address, service);
            }
        }
    }

    /// Who `span` called; an address that a service was seen to answer at gives that service.
    #[must_use]
    pub fn peer_of(&self, span: &Span) -> Option<Peer> {
        let said = peer_of(span);
        if said.as_ref().is_some_and(|peer| peer.kind == PeerKind::Service) {
            return said;
        }
        let learned = address_of(span).and_then(|address| self.services.get(&address).cloned());
        learned.map(|name| Peer { name, kind: PeerKind::Service }).or(said)
    }

    /// Addresses that were not learned because there were too many.
    #[must_use]
    pub fn not_learned(&self) -> u64 {
        self.not_learned
    }
}
