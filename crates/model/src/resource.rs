//! Who produced a span: the resource, and the instrumentation scope within it.

use crate::{Attributes, Text};

/// The entity that produced telemetry, shared by all its spans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resource {
    /// `service.name` and the like.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// Which attributes identify which entity (OTLP, in development).
    pub entity_refs: Vec<EntityRef>,
    /// The schema URL of the resource block; empty when none was sent.
    pub schema_url: Text,
}

/// Names the attributes of a resource that identify and describe one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// The schema URL of the entity; empty when none was sent.
    pub schema_url: Text,
    /// The entity's type, such as `service` or `host`.
    pub entity_type: Text,
    /// Keys of the identifying attributes.
    pub id_keys: Vec<Text>,
    /// Keys of the descriptive attributes.
    pub description_keys: Vec<Text>,
}

impl Resource {
    /// `service.name`, or `unknown_service` where the sender gave none.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.attributes.text("service.name").filter(|name| !name.is_empty()).unwrap_or("unknown_service")
    }
}

/// The instrumentation that made a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Name of the instrumentation library; empty when unknown.
    pub name: Text,
    /// Its version; empty when unknown.
    pub version: Text,
    /// Attributes of the scope.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// The schema URL of the scope block; empty when none was sent.
    pub schema_url: Text,
}
