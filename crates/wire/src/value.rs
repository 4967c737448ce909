//! Attribute values of every OTLP type.

use crate::{Declarations, Shape, shape};

/// A typed value. Integers, doubles and bytes are text (`"9223372036854775807"`, `"NaN"`, base64), because JSON
/// numbers cannot hold them all.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub enum AttributeValue {
    /// Sent without content.
    Empty,
    /// Text.
    String(String),
    /// Truth value.
    Bool(bool),
    /// Decimal digits of a signed 64-bit integer.
    Int(String),
    /// A double as Rust prints it: `0.1`, `-0.0`, `NaN`, `inf`.
    Double(String),
    /// Base64 (standard alphabet, padded).
    Bytes(String),
    /// A list of values.
    Array(Vec<AttributeValue>),
    /// Keys and values in the order sent; a key may repeat.
    Map(Vec<Attribute>),
    /// Text, bytes, a list or a map too large to send unasked: its first part. Ask with `full=true` for all.
    Cut(CutValue),
}

impl Shape for AttributeValue {
    fn type_script() -> String {
        "AttributeValue".to_owned()
    }

    fn declare(declarations: &mut Declarations) {
        if declarations.contains_key("AttributeValue") {
            return;
        }
        let text = r#"/**
 * A typed value. Integers, doubles and bytes are text ("9223372036854775807", "NaN", base64), because JSON numbers
 * cannot hold them all. `cut` stands for a value too large to send unasked: ask with `full=true` for all of it.
 */
export type AttributeValue =
  | { type: "empty" }
  | { type: "string"; value: string }
  | { type: "bool"; value: boolean }
  | { type: "int"; value: string }
  | { type: "double"; value: string }
  | { type: "bytes"; value: string }
  | { type: "array"; value: AttributeValue[] }
  | { type: "map"; value: Attribute[] }
  | { type: "cut"; value: CutValue };
"#;
        declarations.insert("AttributeValue".to_owned(), text.to_owned());
        Attribute::declare(declarations);
        CutValue::declare(declarations);
    }
}

shape! {
    /// A key and its value.
    pub struct Attribute {
        /// The key; may be empty, may repeat.
        pub key: String,
        /// The value.
        pub value: AttributeValue,
    }

    /// The first part of a large value.
    pub struct CutValue {
        /// The type of the whole value: `string`, `bytes`, `array` or `map`.
        pub of: String,
        /// How it begins, as text for people.
        pub head: String,
        /// How large the whole value is, in bytes of that text.
        pub total_bytes: u64,
    }
}
