//! In what the traces of a selection differ from the rest: attribute values that are more or less frequent.
//!
//! A trace has a value where any of its spans, or their resources, has. Values of keys with very many of them (ids) are left
//! out. What is found first explains what it can: the traces that have it are taken away, and what still differs among the
//! remaining ones comes next, so that ten attributes that always come together are one finding and not ten.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Attributes, Resource, Text, Trace, Value};

use crate::limits::{ATTRIBUTE_TRACES_MAX, ATTRIBUTE_VALUE_LENGTH_MAX, ATTRIBUTE_VALUES_MAX};
use crate::statistics::{discoveries, two_shares};

/// Keys with more values than this hold ids.
const VALUES_OF_KEY_MAX: usize = 100;
/// Values in fewer traces than this say nothing.
const TRACES_OF_VALUE_MIN: u64 = 5;
/// By how much the shares must differ.
const DIFFERENCE_MIN: f64 = 0.1;
/// So many differences are told.
const TOLD_MAX: usize = 10;
const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// The attribute values of a set of traces.
#[derive(Clone, Debug, Default)]
pub struct AttributeProfile {
    numbers: HashMap<(Text, Text), u32>,
    values: Vec<(Text, Text)>,
    /// The values of each trace, ascending.
    traces: Vec<Vec<u32>>,
    left_out: u64,
}

/// A value that is more or less frequent in the selection.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeDifference {
    /// The attribute's key; `resource.` before those of resources.
    pub key: Text,
    /// Its value.
    pub value: Text,
    /// Share of the selected traces that have it, and of the rest; of those that what was told before does not explain.
    pub shares: (f64, f64),
    /// Traces that have it, in the selection and in the rest.
    pub traces: (u64, u64),
    /// Others that come with it nearly always, as `key = value`.
    pub together_with: Vec<Text>,
}

impl AttributeProfile {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace) {
        if self.traces.len() >= ATTRIBUTE_TRACES_MAX {
            self.left_out += 1;
            return;
        }
        let mut here = BTreeSet::new();
        let mut resources: BTreeSet<*const Resource> = BTreeSet::new();
        for span in trace.spans() {
            self.add_values("", &span.attributes, &mut here);
            if resources.insert(std::sync::Arc::as_ptr(&span.resource)) {
                self.add_values("resource.", &span.resource.attributes, &mut here);
            }
        }
        self.traces.push(here.into_iter().collect());
    }

    fn add_values(&mut self, prefix: &str, attributes: &Attributes, here: &mut BTreeSet<u32>) {
        for (key, value) in attributes.iter() {
            let told = matches!(value, Value::String(_) | Value::Bool(_) | Value::Int(_));
            let text = value.to_string();
            if !told || text.len() > ATTRIBUTE_VALUE_LENGTH_MAX {
                continue;
            }
            let key: Text = if prefix.is_empty() { key.clone() } else { format!("{prefix}{key}").into() };
            let entry = (key, Text::from(text));
            let number = match self.numbers.get(&entry) {
                Some(&number) => number,
                None if self.values.len() >= ATTRIBUTE_VALUES_MAX => {
                    self.left_out += 1;
                    continue;
                }
                None => {
                    let number = self.values.len() as u32;
                    self.values.push(entry.clone());
                    self.numbers.insert(entry, number);
                    number
                }
            };
            here.insert(number);
        }
    }

    /// Traces that went in and were kept.
    #[must_use]
    pub fn traces(&self) -> u64 {
        self.traces.len() as u64
    }

    /// Traces and values that were left out because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// The values in which `selected` differs from `rest`, the greatest difference first.
#[must_use]
pub fn attribute_differences(selected: &AttributeProfile, rest: &AttributeProfile) -> Vec<AttributeDifference> {
    let values = values_of_both(selected, rest);
    let mut sides = [traces_by(&values, selected), traces_by(&values, rest)];
    let names: Vec<&(Text, Text)> = {
        let mut names: Vec<(&(Text, Text), u32)> = values.iter().map(|(name, &number)| (*name, number)).collect();
        names.sort_by_key(|(_, number)| *number);
        names.into_iter().map(|(name, _)| name).collect()
    };
    let mut found = Vec::new();
    while found.len() < TOLD_MAX {
        let Some((best, together)) = greatest(&sides, names.len()) else { break };
        let (counts, shares) = counts_of(&sides, best);
        let (key, value) = names[best as usize].clone();
        let together_with = together
            .iter()
            .map(|&other| format!("{} = {}", names[other as usize].0, names[other as usize].1).into())
            .collect();
        // What is rare in the selection is explained by those that do not have it.
        let explained = |trace: &Vec<u32>| trace.binary_search(&best).is_ok() == (shares.0 > shares.1);
        sides.iter_mut().for_each(|side| side.retain(|trace| !explained(trace)));
        found.push(AttributeDifference { key, value, shares, traces: counts, together_with });
    }
    found
}

/// Numbers for the values that are worth comparing: those of keys without too many.
fn values_of_both<'p>(a: &'p AttributeProfile, b: &'p AttributeProfile) -> BTreeMap<&'p (Text, Text), u32> {
    let all: BTreeSet<&(Text, Text)> = a.values.iter().chain(&b.values).collect();
    let mut of_key: HashMap<&Text, usize> = HashMap::new();
    all.iter().for_each(|(key, _)| *of_key.entry(key).or_default() += 1);
    all.into_iter().filter(|(key, _)| of_key[key] <= VALUES_OF_KEY_MAX).zip(0..).collect()
}

fn traces_by(values: &BTreeMap<&(Text, Text), u32>, profile: &AttributeProfile) -> Vec<Vec<u32>> {
    let number = |value: &u32| values.get(&profile.values[*value as usize]).copied();
    let renumbered = |trace: &Vec<u32>| {
        let mut numbers: Vec<u32> = trace.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    profile.traces.iter().map(renumbered).collect()
}

/// The value whose shares differ most, with those that differ alike because they come together.
fn greatest(sides: &[Vec<Vec<u32>>; 2], count: usize) -> Option<(u32, Vec<u32>)> {
    let mut counts = vec![(0_u64, 0_u64); count];
    sides[0].iter().flatten().for_each(|&value| counts[value as usize].0 += 1);
    sides[1].iter().flatten().for_each(|&value| counts[value as usize].1 += 1);
    let (n, m) = (sides[0].len() as u64, sides[1].len() as u64);
    if n < TRACES_OF_VALUE_MIN || m < TRACES_OF_VALUE_MIN {
        return None;
    }
    let ps: Vec<f64> = counts.iter().map(|&(a, b)| two_shares(a, n, b, m)).collect();
    let stands = discoveries(&ps, FALSE_DISCOVERY_RATE);
    let difference = |&(a, b): &(u64, u64)| a as f64 / n as f64 - b as f64 / m as f64;
    let worth = |value: usize| {
        let enough = counts[value].0 + counts[value].1 >= TRACES_OF_VALUE_MIN;
        stands[value] && enough && difference(&counts[value]).abs() >= DIFFERENCE_MIN
    };
    let best = (0..count)
        .filter(|&value| worth(value))
        .max_by(|&a, &b| difference(&counts[a]).abs().total_cmp(&difference(&counts[b]).abs()).then(b.cmp(&a)))?;
    let alike = |&other: &usize| other != best && worth(other) && come_together(sides, best as u32, other as u32);
    Some((best as u32, (0..count).filter(alike).map(|value| value as u32).collect()))
}

/// Whether nearly every trace has both or neither.
fn come_together(sides: &[Vec<Vec<u32>>; 2], one: u32, other: u32) -> bool {
    let has = |trace: &Vec<u32>, value: u32| trace.binary_search(&value).is_ok();
    let all = sides.iter().flatten().count();
    let alike = sides.iter().flatten().filter(|trace| has(trace, one) == has(trace, other)).count();
    alike * 20 >= all * 19
}

fn counts_of(sides: &[Vec<Vec<u32>>; 2], value: u32) -> ((u64, u64), (f64, f64)) {
    let count = |side: &Vec<Vec<u32>>| side.iter().filter(|trace| trace.binary_search(&value).is_ok()).count() as u64;
    let (a, b) = (count(&sides[0]), count(&sides[1]));
    ((a, b), (a as f64 / sides[0].len().max(1) as f64, b as f64 / sides[1].len().max(1) as f64))
}
