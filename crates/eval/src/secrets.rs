//! Secrets: values of the environment that a suite sends in headers, bodies, metadata and the environment of commands. No
//! report has them, whoever echoes them: `***NAME***` stands in their place.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use model::{Attributes, KeyValue, Resource, Text, Trace, Value};

use crate::limits::{RESOURCES_REMEMBERED_MAX, SECRET_CHARS_MIN};
use crate::trigger::percent_encoded;

/// The values that a suite's reports must not have. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[Secret]>);

struct Secret {
    value: String,
    hidden: String,
}

impl fmt::Debug for Secrets {
    /// Their names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|secret| &secret.hidden)).finish()
    }
}

impl Secrets {
    /// Of names and values, each value in the ways in which texts write it. Values too short to be told from ordinary text
    /// are left out.
    pub(crate) fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut secrets: Vec<Secret> = Vec::new();
        for (name, value) in values {
            if is_too_short(&value) {
                continue;
            }
            for value in [value.clone(), in_json(&value), percent_encoded(&value)] {
                if !secrets.iter().any(|secret| secret.value == value) {
                    secrets.push(Secret { value, hidden: format!("***{name}***") });
                }
            }
        }
        // One that holds another is found whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
        Self(secrets.into())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without them; one that was cut at the text's end, or begins before it, is hidden as well.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = Cow::Borrowed(text);
        for secret in self.0.iter() {
            if shown.contains(&secret.value) {
                shown = Cow::Owned(shown.replace(&secret.value, &secret.hidden));
            }
        }
        for secret in self.0.iter() {
            if let Some((from, to)) = cut_at_the_end(&shown, &secret.value) {
                shown = Cow::Owned(format!("{}{}{}", &shown[..from], secret.hidden, &shown[to..]));
            }
        }
        shown
    }

    pub(crate) fn hide_in(&self, text: &mut String) {
        if let Cow::Owned(shown) = self.hide(text) {
            *text = shown;
        }
    }

    /// The trace without them.
    #[must_use]
    pub fn hide_in_trace(&self, trace: Trace) -> Trace {
        if self.is_empty() {
            return trace;
        }
        let id = trace.id();
        let (mut spans, mut logs) = trace.into_parts();
        let mut shown = Vec::new();
        for span in &mut spans {
            self.text(&mut span.name);
            self.text(&mut span.trace_state);
            self.text(&mut span.status.message);
            self.attributes(&mut span.attributes);
            for event in &mut span.events {
                self.text(&mut event.name);
                self.attributes(&mut event.attributes);
            }
            span.links.iter_mut().for_each(|link| self.attributes(&mut link.attributes));
            self.resource(&mut span.resource, &mut shown);
        }
        for log in &mut logs {
            self.value(&mut log.body);
            self.attributes(&mut log.attributes);
            self.resource(&mut log.resource, &mut shown);
        }
        Trace::assemble(id, spans, logs)
    }

    fn text(&self, text: &mut Text) {
        if let Cow::Owned(shown) = self.hide(text) {
            *text = shown.into();
        }
    }

    fn attributes(&self, attributes: &mut Attributes) {
        attributes.0.iter_mut().for_each(|pair| self.pair(pair));
    }

    fn pair(&self, pair: &mut KeyValue) {
        self.text(&mut pair.key);
        self.value(&mut pair.value);
    }

    // Nested as deep as decoding allowed.
    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Map(pairs) => pairs.iter_mut().for_each(|pair| self.pair(pair)),
            Value::Bytes(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                if let Cow::Owned(shown) = self.hide(&text) {
                    *value = Value::Bytes(shown.into_bytes().into());
                }
            }
            Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {}
        }
    }

    /// Spans share resources: each is looked through once.
    fn resource(&self, resource: &mut Arc<Resource>, shown: &mut Vec<(Arc<Resource>, Arc<Resource>)>) {
        if let Some((_, known)) = shown.iter().find(|(before, _)| Arc::ptr_eq(before, resource)) {
            *resource = Arc::clone(known);
            return;
        }
        let before = Arc::clone(resource);
        let mut attributes = before.attributes.clone();
        self.attributes(&mut attributes);
        if attributes != before.attributes {
            *resource = Arc::new(Resource { attributes, ..(*before).clone() });
        }
        // Few are kept: searching them must stay cheaper than looking through one.
        if shown.len() >= RESOURCES_REMEMBERED_MAX {
            shown.remove(0);
        }
        shown.push((before, Arc::clone(resource)));
    }
}

/// Whether hiding it would hide ordinary text.
pub(crate) fn is_too_short(value: &str) -> bool {
    value.chars().count() < SECRET_CHARS_MIN
}

/// Where a text ends, before the sign that it was cut, with the beginning of `secret`.
fn cut_at_the_end(text: &str, secret: &str) -> Option<(usize, usize)> {
    let end = text.strip_suffix('…').unwrap_or(text).len();
    let beginnings = secret.char_indices().map(|(at, _)| at).skip(SECRET_CHARS_MIN);
    // The longest of them: the places go up.
    let longest = beginnings.filter(|at| text[..end].ends_with(&secret[..*at])).last();
    longest.map(|at| (end - at, end))
}

fn in_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::new([("TOKEN".to_owned(), "s3cr\"et key".to_owned()), ("PIN".to_owned(), "12".to_owned())])
    }

    #[test]
    fn values_are_hidden_however_they_are_written() {
        let check = |text: &str, shown: &str| assert_eq!(secrets().hide(text), shown, "{text}");
        check("Bearer s3cr\"et key!", "Bearer ***TOKEN***!");
        check("{\"a\":\"s3cr\\\"et key\"}", "{\"a\":\"***TOKEN***\"}");
        check("?k=s3cr%22et%20key&12", "?k=***TOKEN***&12");
        check("it was cut: s3cr\"e…", "it was cut: ***TOKEN***…");
        check("it was cut: s3cr\"", "it was cut: ***TOKEN***");
        check("nothing of s3 here", "nothing of s3 here");
        assert_eq!(format!("{:?}", secrets()), "[\"***TOKEN***\", \"***TOKEN***\", \"***TOKEN***\"]");
    }

    proptest::proptest! {
        #[test]
        fn no_text_has_them(before in ".{0,20}", after in ".{0,20}", cut in 0_usize..40) {
            let text = format!("{before}s3cr\"et key{after}");
            let text: String = text.chars().take(cut).collect();
            let shown = secrets().hide(&text).into_owned();
            proptest::prop_assert!(!shown.contains("s3cr\""), "{shown}");
        }
    }
}
