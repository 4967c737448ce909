//! Known keys and values, for completion and facets: `/api/v1/keys`, `/api/v1/values`; and what may stand at the cursor of a
//! query: `/api/v1/complete`.

use crate::{AttributeValue, Completeness, Cost, shape};

shape! {
    /// `GET /api/v1/keys`: keys seen, most frequent first.
    pub struct KeyList {
        /// The keys.
        pub keys: Vec<KnownKey>,
        /// Whether all were looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// A key that spans carry.
    pub struct KnownKey {
        /// As it is written in TraceQL: `resource.service.name`, `span.http.route`, `name`.
        pub field: String,
        /// `resource`, `span`, `event`, `link`, `instrumentation` or `intrinsic`.
        pub scope: String,
        /// The types its values have: `string`, `int`, …
        pub types: Vec<String>,
        /// Roughly how many spans carry it.
        pub count: u64,
    }

    /// `GET /api/v1/values`: values of one key, most frequent first.
    pub struct ValueList {
        /// The field asked for.
        pub field: String,
        /// The values.
        pub values: Vec<KnownValue>,
        /// Whether all were looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// A value of a key.
    pub struct KnownValue {
        /// The value.
        pub value: AttributeValue,
        /// As it is written in TraceQL: `"rag"`, `42`, `error`.
        pub text: String,
        /// Roughly how many spans carry it.
        pub count: u64,
    }

    /// `GET /api/v1/complete`: what may stand at the cursor of an unfinished query.
    pub struct CompletionList {
        /// Where what is suggested begins, in bytes of the query; it replaces everything up to the cursor.
        pub from: u32,
        /// The most frequent first.
        pub suggestions: Vec<Suggestion>,
        /// Whether all was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// Something that may stand there.
    pub struct Suggestion {
        /// The text to insert.
        pub text: String,
        /// What it is: `string`, `int`, `field`, `function`, `operator`, …
        pub kind: String,
        /// Roughly how many spans have it; none where that is not counted.
        pub count: Option<u64>,
    }
}
