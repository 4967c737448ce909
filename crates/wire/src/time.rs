//! Points in time as strings: a number in JavaScript holds integers to 2^53 only, and Unix nanoseconds are past that.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{Declarations, Shape};

/// Nanoseconds since the Unix epoch, in JSON a string of decimal digits. Durations are plain numbers of nanoseconds
/// instead: exact to 104 days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct UnixNanos(pub u64);

impl Serialize for UnixNanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UnixNanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom(format!("expected nanoseconds as decimal digits, read {:.40?}", text)))
    }
}

impl Shape for UnixNanos {
    fn type_script() -> String {
        "UnixNanos".to_owned()
    }

    fn declare(declarations: &mut Declarations) {
        let text = "/** Nanoseconds since the Unix epoch as decimal digits; read with `BigInt`. */\n\
                    export type UnixNanos = string;\n";
        declarations.insert("UnixNanos".to_owned(), text.to_owned());
    }
}
