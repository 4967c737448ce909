//! Equal texts, resources and scopes of one body share one allocation: names and keys repeat in every span.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{Resource, Scope, Text};

use crate::limits::{INTERNED_TEXT_BYTES_MAX, INTERNED_TEXTS_MAX};

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
