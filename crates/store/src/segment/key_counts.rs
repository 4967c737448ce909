//! How often each attribute key occurs, by scope and type: decides which keys get a column, and answers which are known.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Attributes, Resource, Scope, Span, Text};

use crate::encoding::{Decoder, Encoder, Malformed};
use crate::{AttributeScope, ValueType};

/// Occurrences by scope, type and key.
#[derive(Clone, Debug, Default)]
pub struct KeyCounts {
    counts: HashMap<(AttributeScope, ValueType), HashMap<Text, u64>>,
    /// Resources and scopes repeat from span to span: they are counted by address first.
    resources: HashMap<usize, (Arc<Resource>, u64)>,
    scopes: HashMap<usize, (Arc<Scope>, u64)>,
}

impl KeyCounts {
    /// Counts every attribute of `span`.
    pub fn count(&mut self, span: &Span) {
        self.count_all(AttributeScope::Span, &span.attributes, 1);
        span.events.iter().for_each(|event| self.count_all(AttributeScope::Event, &event.attributes, 1));
        span.links.iter().for_each(|link| self.count_all(AttributeScope::Link, &link.attributes, 1));
        let address = Arc::as_ptr(&span.resource) as usize;
        self.resources.entry(address).or_insert_with(|| (Arc::clone(&span.resource), 0)).1 += 1;
        let address = Arc::as_ptr(&span.scope) as usize;
        self.scopes.entry(address).or_insert_with(|| (Arc::clone(&span.scope), 0)).1 += 1;
    }

    pub fn count_all(&mut self, scope: AttributeScope, attributes: &Attributes, times: u64) {
        for (key, value) in attributes.iter() {
            self.add(scope, ValueType::of(value), key, times);
        }
    }

    /// Adds to one key.
    pub fn add(&mut self, scope: AttributeScope, value_type: ValueType, key: &Text, times: u64) {
        let keys = self.counts.entry((scope, value_type)).or_default();
        match keys.get_mut(key) {
            Some(count) => *count += times,
            None => drop(keys.insert(Arc::clone(key), times)),
        }
    }

    /// Spreads what was counted by address over the keys.
    pub fn settle(&mut self) {
        for (resource, times) in std::mem::take(&mut self.resources).into_values() {
            self.count_all(AttributeScope::Resource, &resource.attributes, times);
        }
        for (scope, times) in std::mem::take(&mut self.scopes).into_values() {
            self.count_all(AttributeScope::Instrumentation, &scope.attributes, times);
        }
    }

    /// How often this key occurs with this type.
    pub fn of(&self, scope: AttributeScope, value_type: ValueType, key: &str) -> u64 {
        self.counts.get(&(scope, value_type)).and_then(|keys| keys.get(key)).copied().unwrap_or(0)
    }

    /// Every key, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeScope, ValueType, &Text, u64)> {
        self.counts
            .iter()
            .flat_map(|(&(scope, value_type), keys)| keys.iter().map(move |(key, &n)| (scope, value_type, key, n)))
    }

    /// Takes away what occurs no longer.
    pub fn take_away(&mut self, other: &Self) {
        for (scope, value_type, key, times) in other.iter() {
            let Some(keys) = self.counts.get_mut(&(scope, value_type)) else { continue };
            let Some(count) = keys.get_mut(key) else { continue };
            *count = count.saturating_sub(times);
            if *count == 0 {
                keys.remove(key);
            }
        }
    }

    /// Adds the counts of another segment.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(scope, value_type, key, times)| self.add(scope, value_type, key, times));
    }

    pub fn encode(&self, to: &mut Encoder) {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        to.count(sorted.len());
        for (scope, value_type, key, times) in sorted {
            to.raw(&[scope as u8, value_type as u8]);
            to.text(key);
            to.unsigned(times);
        }
    }

    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let mut counts = Self::default();
        for _ in 0..from.count()? {
            let [scope, value_type] = from.array()?;
            let scope = *AttributeScope::ALL.get(usize::from(scope)).ok_or(Malformed("an unknown scope"))?;
            let value_type = *ValueType::ALL.get(usize::from(value_type)).ok_or(Malformed("an unknown type"))?;
            let key = from.text()?;
            let times = from.unsigned()?;
            counts.add(scope, value_type, &key, times);
        }
        Ok(counts)
    }
}
