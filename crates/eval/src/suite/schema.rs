//! The JSON Schema of the suite file, printed from the table of keys (`headwater eval --schema`).

use serde_json::{Map, Value as Json, json};

use super::keys::{COMMON, KINDS, Key, Kind, SUITE, Shape};

/// The JSON Schema (draft 2020-12) of a suite file.
#[must_use]
pub fn json_schema() -> Json {
    let mut schema = map_of(SUITE);
    if let Json::Object(fields) = &mut schema {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("title".to_owned(), json!("Headwater suite"));
    }
    schema
}

fn map_of(keys: &[Key]) -> Json {
    let mut properties = Map::new();
    for key in keys {
        properties.insert(key.name.to_owned(), described(of(&key.shape), key.about));
    }
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn described(mut schema: Json, about: &str) -> Json {
    if let Json::Object(fields) = &mut schema {
        fields.insert("description".to_owned(), json!(about));
    }
    schema
}

fn of(shape: &Shape) -> Json {
    match shape {
        // A scalar that YAML reads as a number or a truth value is still text to us.
        Shape::Text => json!({"type": ["string", "number", "boolean"]}),
        Shape::TraceQl => json!({"type": "string"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Duration => json!({"type": "string", "pattern": "^[0-9.]+ ?(ns|us|µs|ms|s|m|min|h)"}),
        Shape::Range => json!({"type": ["string", "number"]}),
        Shape::Edge => json!({"type": "string", "pattern": "^.+(->|→).+$"}),
        Shape::Json => json!({}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::List(item) => json!({"type": "array", "items": of(item)}),
        Shape::Map(keys) => map_of(keys),
        Shape::MapOf(value) => json!({"type": "object", "additionalProperties": of(value)}),
        Shape::OneOf(shapes) => json!({"anyOf": shapes.iter().map(of).collect::<Vec<_>>()}),
        Shape::Assertions => {
            json!({"type": "array", "items": {"anyOf": KINDS.iter().map(assertion).collect::<Vec<_>>()}})
        }
    }
}

fn assertion(kind: &Kind) -> Json {
    let mut properties = Map::new();
    properties.insert(kind.name.to_owned(), described(of(&kind.shape), kind.about));
    for key in kind.beside.iter().chain(COMMON) {
        properties.insert(key.name.to_owned(), described(of(&key.shape), key.about));
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": [kind.name],
        "additionalProperties": false,
    })
}
