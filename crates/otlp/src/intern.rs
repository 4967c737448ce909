//! Equal texts, resources and scopes of one body share one allocation: names and keys repeat in every span.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{Resource, Scope, Text, TextId, Texts};

use crate::limits::{INTERNED_TEXT_BYTES_MAX, INTERNED_TEXTS_MAX, KEYS_REMEMBERED_MAX};

#[derive(Default)]
pub(crate) struct Interner {
    texts: HashSet<Text>,
    resources: HashMap<Resource, Arc<Resource>>,
    scopes: HashMap<Scope, Arc<Scope>>,
}

impl Interner {
    pub fn text(&mut self, text: &str) -> Text {
        if text.len() > INTERNED_TEXT_BYTES_MAX {
            return text.into();
        }
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text: Text = text.into();
        if self.texts.len() < INTERNED_TEXTS_MAX {
            self.texts.insert(Arc::clone(&text));
        }
        text
    }

    pub fn resource(&mut self, resource: Resource) -> Arc<Resource> {
        Arc::clone(self.resources.entry(resource).or_insert_with_key(|resource| Arc::new(resource.clone())))
    }

    pub fn scope(&mut self, scope: Scope) -> Arc<Scope> {
        Arc::clone(self.scopes.entry(scope).or_insert_with_key(|scope| Arc::new(scope.clone())))
    }
}

/// The keys of the last span's attributes, in order: those of the next one are mostly the same.
#[derive(Default)]
pub(crate) struct LastKeys {
    keys: Vec<TextId>,
}

impl LastKeys {
    /// The key that was last seen at this position, if it is the same.
    pub fn known(&self, position: usize, key: &[u8], texts: &Texts) -> Option<TextId> {
        let last = self.keys.get(position).copied().unwrap_or(TextId::EMPTY);
        (texts.text(last).as_bytes() == key).then_some(last)
    }

    /// Remembers the key of this position, and answers with it.
    pub fn note(&mut self, position: usize, key: TextId) -> TextId {
        if position < KEYS_REMEMBERED_MAX {
            if self.keys.len() <= position {
                self.keys.resize(position + 1, TextId::EMPTY);
            }
            self.keys[position] = key;
        }
        key
    }
}
