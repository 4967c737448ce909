//! Spans and logs back into blocks of one resource and one scope, in order of first appearance.

use std::collections::HashMap;
use std::sync::Arc;

use model::{LogRecord, Resource, Scope, Span};

/// One resource with its scopes and their items.
pub(crate) struct ResourceGroup<'a, T> {
    pub resource: &'a Resource,
    pub scopes: Vec<ScopeGroup<'a, T>>,
}

/// One scope with its items.
pub(crate) struct ScopeGroup<'a, T> {
    pub scope: &'a Scope,
    pub items: Vec<&'a T>,
}

/// What carries a resource and a scope.
pub(crate) trait Scoped {
    fn resource(&self) -> &Arc<Resource>;
    fn scope(&self) -> &Arc<Scope>;
}

impl Scoped for Span {
    fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }
}

impl Scoped for LogRecord {
    fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }

    fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }
}

/// Groups by equality, not only by identity: the same resource may have come in several bodies.
pub(crate) fn group<T: Scoped>(items: &[T]) -> Vec<ResourceGroup<'_, T>> {
    let mut groups: Vec<ResourceGroup<'_, T>> = Vec::new();
    let mut places: HashMap<(&Resource, &Scope), (usize, usize)> = HashMap::new();
    let mut resources: HashMap<&Resource, usize> = HashMap::new();
    // Neighbours mostly share both allocations; that is one comparison of pointers instead of two hashes.
    let mut last: Option<(&T, (usize, usize))> = None;
    for item in items {
        let (resource, scope) = (item.resource(), item.scope());
        let place = match last {
            Some((before, place)) if Arc::ptr_eq(before.resource(), resource) && Arc::ptr_eq(before.scope(), scope) => {
                place
            }
            _ => *places.entry((resource, scope)).or_insert_with(|| {
                let group = *resources.entry(resource).or_insert_with(|| {
                    groups.push(ResourceGroup { resource, scopes: Vec::new() });
                    groups.len() - 1
                });
                groups[group].scopes.push(ScopeGroup { scope, items: Vec::new() });
                (group, groups[group].scopes.len() - 1)
            }),
        };
        groups[place.0].scopes[place.1].items.push(item);
        last = Some((item, place));
    }
    groups
}
