//! What the attribute columns of a part are in the new segment.

use std::collections::{HashMap, HashSet};

use model::Text;

use crate::encoding::Malformed;
use crate::segment::columns::ColumnPlan;
use crate::segment::key_counts::KeyCounts;
use crate::segment::source::Footer;
use crate::{AttributeScope, ValueType};

/// A column of the part with attributes of spans.
#[derive(Clone, Copy, Debug)]
pub struct PartColumn {
    /// Its place in the file.
    pub leaf: usize,
    /// Its number in the part.
    pub number: usize,
    /// Its number in the new segment; none if it is none there.
    pub becomes: Option<usize>,
}

/// See the head of this file.
#[derive(Debug)]
pub struct PartPlan {
    /// The columns of the part, in the order of their numbers.
    pub columns: Vec<PartColumn>,
    /// The same by their numbers in the new segment.
    pub by_new: HashMap<usize, PartColumn>,
    /// Whether columns stand in the same order in both.
    pub is_ordered: bool,
    /// What stands in the part's rest and has a column in the new segment.
    out_of_rest: HashSet<(Text, ValueType)>,
}

impl PartPlan {
    pub fn new(footer: &Footer, new: &ColumnPlan, keys: &KeyCounts) -> Result<Self, Malformed> {
        let mut columns = Vec::new();
        for (number, column) in footer.plan.columns.iter().enumerate() {
            if column.scope == AttributeScope::Span {
                let leaf = footer.leaf(&column.name).ok_or(Malformed("a column is missing"))?;
                let becomes = new.number(AttributeScope::Span, column.value_type, &column.key);
                columns.push(PartColumn { leaf, number, becomes });
            }
        }
        let of_spans = new.columns.iter().filter(|column| column.scope == AttributeScope::Span);
        let out_of_rest = of_spans.filter(|column| {
            let (value_type, key) = (column.value_type, &column.key);
            footer.plan.number(AttributeScope::Span, value_type, key).is_none()
                && keys.of(AttributeScope::Span, value_type, key) > 0
        });
        Ok(Self {
            is_ordered: columns.iter().filter_map(|column| column.becomes).is_sorted(),
            by_new: columns.iter().filter_map(|&column| Some((column.becomes?, column))).collect(),
            out_of_rest: out_of_rest.map(|column| (Text::clone(&column.key), column.value_type)).collect(),
            columns,
        })
    }

    /// Whether something in the rest of some row has a column in the new segment.
    pub fn empties_rests(&self) -> bool {
        !self.out_of_rest.is_empty()
    }

    /// Whether this of a rest has a column in the new segment.
    pub fn leaves_rest(&self, entry: &model::KeyValue) -> bool {
        // Few keys, and a text must be made of each to ask the set.
        let value_type = ValueType::of(&entry.value);
        self.out_of_rest.contains(&(Text::clone(&entry.key), value_type))
    }

    /// The columns that are none in the new segment.
    pub fn lost(&self) -> impl Iterator<Item = &PartColumn> {
        self.columns.iter().filter(|column| column.becomes.is_none())
    }

    /// The number in the new segment of what is column `number` here.
    pub fn becomes(&self, number: usize) -> Option<usize> {
        self.columns.get(number)?.becomes
    }
}
