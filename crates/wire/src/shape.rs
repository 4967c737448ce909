//! One declaration for a Rust type, its JSON and its TypeScript, so that the three cannot drift apart.
//!
//! [`shape!`](crate::shape) takes a struct and derives serde (camelCase) and [`Shape`]; `words!` takes an enum whose
//! variants are words. `Option` is always written, as `null`, and may be absent when read.

use std::collections::BTreeMap;

/// TypeScript declarations by name, in the order of their names.
pub type Declarations = BTreeMap<String, String>;

/// A type whose JSON can be said in TypeScript.
pub trait Shape {
    /// How a field of this type is written in TypeScript.
    fn type_script() -> String;

    /// Adds the declarations that [`Shape::type_script`] refers to.
    fn declare(_declarations: &mut Declarations) {}
}

macro_rules! plain {
    ($($rust:ty => $script:literal),* $(,)?) => {
        $(impl Shape for $rust {
            fn type_script() -> String {
                $script.to_owned()
            }
        })*
    };
}

plain! {
    bool => "boolean",
    u8 => "number",
    u16 => "number",
    u32 => "number",
    u64 => "number",
    i32 => "number",
    i64 => "number",
    f64 => "number",
    String => "string",
    serde_json::Value => "unknown",
}

impl<T: Shape> Shape for Option<T> {
    fn type_script() -> String {
        format!("{} | null", T::type_script())
    }

    fn declare(declarations: &mut Declarations) {
        T::declare(declarations);
    }
}

impl<T: Shape> Shape for Box<T> {
    fn type_script() -> String {
        T::type_script()
    }

    fn declare(declarations: &mut Declarations) {
        T::declare(declarations);
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn type_script() -> String {
        let of = T::type_script();
        if of.contains(' ') { format!("({of})[]") } else { format!("{of}[]") }
    }

    fn declare(declarations: &mut Declarations) {
        T::declare(declarations);
    }
}

/// `created_at` becomes `createdAt`, as serde's `camelCase` does.
pub(crate) fn camel_case(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut upper = false;
    for letter in snake.chars() {
        if letter == '_' {
            upper = true;
        } else if upper {
            camel.extend(letter.to_uppercase());
            upper = false;
        } else {
            camel.push(letter);
        }
    }
    camel
}

/// A doc comment at the given indent.
pub(crate) fn doc_comment(lines: &[&str], indent: &str) -> String {
    match lines {
        [] => String::new(),
        [line] => format!("{indent}/**{line} */\n"),
        lines => {
            let body: String = lines.iter().map(|line| format!("{indent} *{line}\n")).collect();
            format!("{indent}/**\n{body}{indent} */\n")
        }
    }
}

/// Declares a struct together with its JSON and its TypeScript. Only doc comments may stand at fields.
#[macro_export]
macro_rules! shape {
    ($(
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                pub $field:ident: $type:ty,
            )*
        }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $(
                $(#[doc = $field_doc])*
                pub $field: $type,
            )*
        }

        impl $crate::Shape for $name {
            fn type_script() -> String {
                stringify!($name).to_owned()
            }

            fn declare(declarations: &mut $crate::Declarations) {
                if declarations.contains_key(stringify!($name)) {
                    return;
                }
                let mut text = $crate::shape::doc_comment(&[$($doc),*], "");
                text.push_str(concat!("export interface ", stringify!($name), " {\n"));
                $(
                    text.push_str(&$crate::shape::doc_comment(&[$($field_doc),*], "  "));
                    let field = $crate::shape::camel_case(stringify!($field));
                    text.push_str(&format!("  {field}: {};\n", <$type as $crate::Shape>::type_script()));
                )*
                text.push_str("}\n");
                // Declared before its fields, so that a type which holds itself ends here.
                declarations.insert(stringify!($name).to_owned(), text);
                $(<$type as $crate::Shape>::declare(declarations);)*
            }
        }
    )*};
}

/// Declares an enum of words together with its JSON and its TypeScript.
#[macro_export]
macro_rules! words {
    ($(
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $(
                $(#[doc = $variant_doc:literal])*
                $variant:ident = $word:literal,
            )*
        }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(
                $(#[doc = $variant_doc])*
                #[serde(rename = $word)]
                $variant,
            )*
        }

        impl $name {
            /// Every word, in the order declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word as it stands in JSON.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The variant of a word.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.word() == word)
            }
        }

        impl $crate::Shape for $name {
            fn type_script() -> String {
                stringify!($name).to_owned()
            }

            fn declare(declarations: &mut $crate::Declarations) {
                let mut text = $crate::shape::doc_comment(&[$($doc),*], "");
                text.push_str(concat!("export type ", stringify!($name), " =\n"));
                let mut words: Vec<String> = Vec::new();
                $(
                    let doc = $crate::shape::doc_comment(&[$($variant_doc),*], "  ");
                    words.push(format!("{doc}  | {:?}", $word));
                )*
                text.push_str(&words.join("\n"));
                text.push_str(";\n");
                declarations.insert(stringify!($name).to_owned(), text);
            }
        }
    )*};
}
