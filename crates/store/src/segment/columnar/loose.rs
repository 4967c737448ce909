//! What attributes have beside their columns: the rest and the order. Most rows keep both as they are. Where a key got or
//! lost its column, a row's attributes are put together and laid out anew; where columns changed places, the order is told.

use std::collections::HashMap;
use std::io;

use model::{KeyValue, Value};

use super::cells::{Cells, Gather, Strings};
use super::plans::PartPlan;
use super::rows::PartRows;
use crate::encoding::{Decoder, Malformed, encoded};
use crate::limits::CHUNK_SPANS;
use crate::segment::chunk::Values;
use crate::segment::columns::{ColumnPlan, attributes_of};
use crate::segment::joined;
use crate::segment::reader::value_at;
use crate::segment::target::Target;
use crate::{AttributeScope, ValueType};

/// See the head of this file.
pub struct Loose<'a> {
    gather: &'a Gather<'a>,
    plan: &'a ColumnPlan,
    plans: &'a [&'a PartPlan],
    pub rests: Strings,
    pub rest_of: Cells<u32>,
    pub shapes: Strings,
    pub shape_of: Cells<u32>,
    /// Rows whose attributes are laid out anew; of no length if there are none.
    moved: Vec<bool>,
    /// What those have in columns, by column.
    cells: HashMap<usize, Vec<(u32, Value)>>,
}

/// A row and the number of a string.
type Numbered = (u32, u32);

impl<'a> Loose<'a> {
    pub fn new(gather: &'a Gather<'a>, plan: &'a ColumnPlan, plans: &'a [&'a PartPlan]) -> io::Result<Self> {
        let rows = gather.rows.rows;
        let mut loose = Self {
            gather,
            plan,
            plans,
            rests: Strings::default(),
            rest_of: Cells::new(rows),
            shapes: Strings::default(),
            shape_of: Cells::new(rows),
            moved: Vec::new(),
            cells: HashMap::new(),
        };
        for (part, rows) in gather.rows.parts.iter().enumerate() {
            if !rows.ranges.is_empty() {
                loose.part(part, rows)?;
            }
        }
        Ok(loose)
    }

    fn is_moved(&self, row: u32) -> bool {
        self.moved.get(row as usize).copied().unwrap_or(false)
    }

    fn move_row(&mut self, row: u32) {
        self.moved.resize(self.gather.rows.rows, false);
        self.moved[row as usize] = true;
    }

    fn part(&mut self, part: usize, rows: &PartRows) -> io::Result<()> {
        let (gather, plan) = (self.gather, self.plans[part]);
        let mut rests: Vec<Numbered> = Vec::new();
        let leaf = gather.leaf(part, "rest")?;
        gather.strings_of(part, leaf, rows, &mut self.rests, &mut |row, number| rests.push((row, number)))?;
        rests.iter().for_each(|&(row, number)| self.rest_of.put(row, number));
        if plan.empties_rests() {
            let mut known: HashMap<u32, bool> = HashMap::new();
            for &(row, number) in &rests {
                let moves = match known.get(&number) {
                    Some(&moves) => moves,
                    None => {
                        let entries = Decoder::new(self.rests.get(number)).entries()?;
                        let moves = entries.iter().any(|entry| plan.leaves_rest(entry));
                        known.insert(number, moves);
                        moves
                    }
                };
                if moves {
                    self.move_row(row);
                }
            }
        }
        for column in plan.lost() {
            let mut found = Vec::new();
            gather.rows_of(part, column.leaf, rows, &mut |row| found.push(row))?;
            found.into_iter().for_each(|row| self.move_row(row));
        }
        let (mut old, mut shapes) = (Strings::default(), Vec::new());
        let leaf = gather.leaf(part, "shape")?;
        gather.strings_of(part, leaf, rows, &mut old, &mut |row, number| shapes.push((row, number)))?;
        self.renumber(plan, &old, &shapes)?;
        if self.moved.is_empty() {
            return Ok(());
        }
        let shapes: HashMap<u32, u32> = shapes.into_iter().filter(|&(row, _)| self.is_moved(row)).collect();
        let moved = gather.rows.picked(part, &|row| self.is_moved(row));
        moved.chunks(CHUNK_SPANS).try_for_each(|moved| self.lay_out_anew(part, moved, &old, &shapes))
    }

    /// Shapes name columns by their numbers, which are others now.
    fn renumber(&mut self, plan: &PartPlan, old: &Strings, shapes: &[Numbered]) -> Result<(), Malformed> {
        let mut known: HashMap<u32, Option<u32>> = HashMap::new();
        for &(row, number) in shapes {
            if self.is_moved(row) {
                continue;
            }
            let shape = match known.get(&number) {
                Some(&shape) => shape,
                None => {
                    let mut from = Decoder::new(old.get(number));
                    let mut slots = Vec::new();
                    while !from.is_empty() {
                        slots.push(match from.unsigned()? as usize {
                            0 => 0,
                            slot => plan.becomes(slot - 1).ok_or(Malformed("a shape that names no column"))? + 1,
                        });
                    }
                    let shape = self.shape(&slots);
                    known.insert(number, shape);
                    shape
                }
            };
            if let Some(shape) = shape {
                self.shape_of.put(row, shape);
            }
        }
        Ok(())
    }

    /// The number of a shape; none if it says what goes without saying.
    fn shape(&mut self, slots: &[usize]) -> Option<u32> {
        let of_rest = slots.iter().filter(|slot| **slot == 0).count();
        let in_columns = &slots[..slots.len() - of_rest];
        if in_columns.is_sorted() && !in_columns.contains(&0) {
            return None;
        }
        let bytes = encoded(|to| slots.iter().for_each(|&slot| to.unsigned(slot as u64)));
        Some(self.shapes.number(&bytes))
    }

    /// Puts the attributes of some rows of a part together and finds their places in the new segment.
    fn lay_out_anew(
        &mut self,
        part: usize,
        moved: &[(usize, u32)],
        old: &Strings,
        shapes: &HashMap<u32, u32>,
    ) -> io::Result<()> {
        let source = &self.gather.parts[part];
        let ranges = joined(moved.iter().map(|&(row, _)| row..row + 1));
        let mut cells: Vec<Vec<(usize, KeyValue)>> = vec![Vec::new(); moved.len()];
        for column in &self.plans[part].columns {
            let key = &source.footer.plan.columns[column.number].key;
            source.values(column.leaf, &ranges, &mut |values, wanted| {
                for &(row, at) in wanted {
                    let value = value_at(values, at as usize)?;
                    cells[row as usize].push((column.number, KeyValue { key: model::Text::clone(key), value }));
                }
                Ok(())
            })?;
        }
        for (&(_, row), cells) in moved.iter().zip(cells) {
            let rest = self.rest_of.get(row).map(|number| Decoder::new(self.rests.get(number)).entries());
            let shape = shapes.get(&row).map(|&number| old.get(number));
            let attributes = attributes_of(cells, rest.transpose()?.unwrap_or_default(), shape)?;
            self.place(row, attributes.0);
        }
        Ok(())
    }

    fn place(&mut self, row: u32, attributes: Vec<KeyValue>) {
        let (mut slots, mut rest) = (Vec::with_capacity(attributes.len()), Vec::new());
        for entry in attributes {
            let column = self.plan.number(AttributeScope::Span, ValueType::of(&entry.value), &entry.key);
            // A key may occur twice in one span.
            match column.filter(|column| !slots.contains(&(column + 1))) {
                Some(column) => {
                    slots.push(column + 1);
                    self.cells.entry(column).or_default().push((row, entry.value));
                }
                None => {
                    slots.push(0);
                    rest.push(entry);
                }
            }
        }
        if let Some(shape) = self.shape(&slots) {
            self.shape_of.put(row, shape);
        }
        self.rest_of.take_away(row);
        if !rest.is_empty() {
            let bytes = encoded(|to| to.entries(rest.iter()));
            self.rest_of.put(row, self.rests.number(&bytes));
        }
    }

    /// Encodes the columns of attributes of spans.
    pub fn columns(&mut self, target: &mut Target<'_>) -> io::Result<()> {
        let gather = self.gather;
        let without: Vec<Option<PartRows>> = gather.rows.parts.iter().map(|rows| self.unmoved(rows)).collect();
        let rows_of = |part: usize| without[part].as_ref().unwrap_or(&gather.rows.parts[part]);
        let mut order = Order::new(gather.rows.rows, self.plans);
        let of_spans = self.plan.columns.iter().enumerate().filter(|(_, column)| column.scope == AttributeScope::Span);
        for (number, column) in of_spans {
            let mut parts = Vec::new();
            for (part, plan) in self.plans.iter().enumerate() {
                if let Some(column) = plan.by_new.get(&number)
                    && !gather.rows.parts[part].ranges.is_empty()
                {
                    parts.push((part, column));
                }
            }
            let moved = self.cells.remove(&number).unwrap_or_default();
            if column.value_type == ValueType::String {
                let (mut strings, mut cells) = (Strings::default(), Cells::new(gather.rows.rows));
                for (part, column) in parts {
                    let watch = order.of_part(part);
                    gather.strings_of(part, column.leaf, rows_of(part), &mut strings, &mut |row, string| {
                        cells.put(row, string);
                        watch.then(|| order.see(row, column.number));
                    })?;
                }
                for (row, value) in &moved {
                    cells.put(*row, strings.number(value.as_str().unwrap_or_default().as_bytes()));
                }
                put_strings(target, &cells, &strings)?;
                continue;
            }
            let mut cells = Cells::new(gather.rows.rows);
            for (part, column) in parts {
                let watch = order.of_part(part);
                gather.bits_of(part, column.leaf, rows_of(part), &mut |row, bits| {
                    cells.put(row, bits);
                    watch.then(|| order.see(row, column.number));
                })?;
            }
            moved.iter().for_each(|(row, value)| cells.put(*row, bits_of(value)));
            put_bits(target, column.value_type, &cells)?;
        }
        self.tell_order(&order)
    }

    fn unmoved(&self, rows: &PartRows) -> Option<PartRows> {
        (!self.moved.is_empty()).then(|| rows.without(&|row| self.is_moved(row)))
    }

    /// Rows whose columns stand in another order than before get a shape, if they had none.
    fn tell_order(&mut self, order: &Order) -> io::Result<()> {
        if order.others.is_empty() {
            return Ok(());
        }
        for part in 0..self.plans.len() {
            let is_other = |row: u32| order.others[row as usize] && self.shape_of.get(row).is_none();
            let others = self.gather.rows.picked(part, &is_other);
            for others in others.chunks(CHUNK_SPANS) {
                self.tell_order_of(part, others)?;
            }
        }
        Ok(())
    }

    fn tell_order_of(&mut self, part: usize, others: &[(usize, u32)]) -> io::Result<()> {
        let ranges = joined(others.iter().map(|&(row, _)| row..row + 1));
        let mut slots: Vec<Vec<usize>> = vec![Vec::new(); others.len()];
        for column in &self.plans[part].columns {
            let Some(becomes) = column.becomes else { continue };
            self.gather.parts[part].values(column.leaf, &ranges, &mut |_, wanted| {
                wanted.iter().for_each(|&(row, _)| slots[row as usize].push(becomes + 1));
                Ok(())
            })?;
        }
        for (&(_, row), mut slots) in others.iter().zip(slots) {
            if let Some(rest) = self.rest_of.get(row) {
                let more = Decoder::new(self.rests.get(rest)).count()?;
                slots.resize(slots.len() + more, 0);
            }
            if let Some(shape) = self.shape(&slots) {
                self.shape_of.put(row, shape);
            }
        }
        Ok(())
    }
}

/// Notices rows whose columns come in another order than in their part.
struct Order {
    /// By part: whether its columns change places at all.
    watched: Vec<bool>,
    /// By row: its last column's number in the part.
    last: Vec<u32>,
    others: Vec<bool>,
}

impl Order {
    fn new(rows: usize, plans: &[&PartPlan]) -> Self {
        let watched: Vec<bool> = plans.iter().map(|plan| !plan.is_ordered).collect();
        let rows = if watched.contains(&true) { rows } else { 0 };
        Self { watched, last: vec![0; rows], others: vec![false; rows] }
    }

    fn of_part(&self, part: usize) -> bool {
        self.watched[part]
    }

    fn see(&mut self, row: u32, number: usize) {
        let last = &mut self.last[row as usize];
        if (number as u32) < *last {
            self.others[row as usize] = true;
        }
        *last = number as u32;
    }
}

fn bits_of(value: &Value) -> u64 {
    match value {
        Value::Bool(bool) => u64::from(*bool),
        Value::Int(int) => *int as u64,
        Value::Double(double) => double.to_bits(),
        // Others have no such column.
        _ => 0,
    }
}

/// Encodes a column of texts that may be null.
pub fn put_strings(target: &mut Target<'_>, cells: &Cells<u32>, strings: &Strings) -> io::Result<()> {
    let (rows, numbers) = cells.packed();
    target.blobs(Some(&rows), &numbers, strings.len(), &|number| strings.get(number))
}

/// Encodes a column of truth values or numbers that may be null.
pub fn put_bits(target: &mut Target<'_>, value_type: ValueType, cells: &Cells<u64>) -> io::Result<()> {
    let (rows, values) = cells.packed();
    match value_type {
        ValueType::Bool => {
            let bools: Vec<bool> = values.iter().map(|&bits| bits != 0).collect();
            target.put(Some(&rows), &Values::Bools(&bools))
        }
        _ => target.numbers(Some(&rows), &values, 8),
    }
}
