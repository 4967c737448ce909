//! Services and operations as small numbers, so that collecting does not hash and copy names for every span.

use std::collections::HashMap;

use model::Text;

use crate::limits::KEYS_MAX;

/// The number of a name.
pub(crate) type NameId = u32;
/// The number of an operation: a service and a span name.
pub(crate) type OperationId = u32;

/// What is counted under this operation had to share a place: there were too many.
pub(crate) const OTHERS: OperationId = 0;

/// Names seen so far. Number 0 stands for all that there was no room for.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    texts: Vec<Text>,
    numbers: HashMap<Text, NameId>,
    operations: Vec<(NameId, NameId)>,
    operation_numbers: HashMap<(NameId, NameId), OperationId>,
    /// Spans whose operation had to share the place of [`OTHERS`].
    pub(crate) left_out: u64,
}

impl Default for Names {
    fn default() -> Self {
        let others: Text = "(others)".into();
        Self {
            numbers: HashMap::from([(others.clone(), 0)]),
            texts: vec![others],
            operations: vec![(0, 0)],
            operation_numbers: HashMap::from([((0, 0), OTHERS)]),
            left_out: 0,
        }
    }
}

/// The numbers that one collector's names have in another.
pub(crate) struct Renumbered {
    pub(crate) names: Vec<NameId>,
    pub(crate) operations: Vec<OperationId>,
}

impl Names {
    /// The number of `text`.
    pub(crate) fn name(&mut self, text: &str) -> NameId {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        if self.texts.len() >= 2 * KEYS_MAX {
            return 0;
        }
        let (number, text) = (self.texts.len() as NameId, Text::from(text));
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// The number of an operation.
    pub(crate) fn operation(&mut self, service: NameId, name: NameId) -> OperationId {
        if let Some(&number) = self.operation_numbers.get(&(service, name)) {
            return number;
        }
        if self.operations.len() >= KEYS_MAX || service == 0 || name == 0 {
            self.left_out += 1;
            return OTHERS;
        }
        let number = self.operations.len() as OperationId;
        self.operations.push((service, name));
        self.operation_numbers.insert((service, name), number);
        number
    }

    pub(crate) fn text(&self, name: NameId) -> &Text {
        &self.texts[name as usize]
    }

    pub(crate) fn service_of(&self, operation: OperationId) -> &Text {
        self.text(self.operations[operation as usize].0)
    }

    pub(crate) fn service_number_of(&self, operation: OperationId) -> NameId {
        self.operations[operation as usize].0
    }

    pub(crate) fn name_of(&self, operation: OperationId) -> &Text {
        self.text(self.operations[operation as usize].1)
    }

    /// `SERVICE:NAME`.
    pub(crate) fn full_name(&self, operation: OperationId) -> String {
        format!("{}:{}", self.service_of(operation), self.name_of(operation))
    }

    /// Learns every name of `other` and tells their numbers here.
    pub(crate) fn absorb(&mut self, other: &Self) -> Renumbered {
        let names: Vec<NameId> = other.texts.iter().map(|text| self.name(text)).collect();
        let renumber = |&(service, name): &(NameId, NameId)| (names[service as usize], names[name as usize]);
        let pairs: Vec<(NameId, NameId)> = other.operations.iter().map(renumber).collect();
        let operations = pairs.into_iter().map(|(service, name)| self.operation(service, name)).collect();
        self.left_out += other.left_out;
        Renumbered { names, operations }
    }
}
