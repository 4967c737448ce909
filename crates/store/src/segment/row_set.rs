//! Sets of rows of one row group.

/// Rows of a row group, one bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    pub fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)] }
    }

    pub fn all(rows: usize) -> Self {
        let mut words = vec![u64::MAX; rows.div_ceil(64)];
        if let Some(last) = words.last_mut().filter(|_| !rows.is_multiple_of(64)) {
            *last = (1 << (rows % 64)) - 1;
        }
        Self { words }
    }

    pub fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    pub fn insert_all(&mut self, rows: std::ops::Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let (first, last) = (rows.start / 64, (rows.end - 1) / 64);
        for (number, word) in self.words.iter_mut().enumerate().take(last + 1).skip(first) {
            let from = if number == first { u64::MAX << (rows.start % 64) } else { u64::MAX };
            let to = if number == last { u64::MAX >> (63 - (rows.end - 1) % 64) } else { u64::MAX };
            *word |= from & to;
        }
    }

    pub fn contains(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether one of these rows is in the set.
    pub fn touches(&self, rows: &std::ops::Range<usize>) -> bool {
        if rows.is_empty() {
            return false;
        }
        let (first, last) = (rows.start / 64, (rows.end - 1) / 64);
        let from = u64::MAX << (rows.start % 64);
        let to = u64::MAX >> (63 - (rows.end - 1) % 64);
        if first == last {
            return self.words[first] & from & to != 0;
        }
        self.words[first] & from != 0
            || self.words[last] & to != 0
            || self.words[first + 1..last].iter().any(|word| *word != 0)
    }

    pub fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine &= theirs);
    }

    pub fn unite(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        set_bits(&self.words)
    }
}

/// The places of the bits that are set.
pub fn set_bits(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(number, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (bit < 64).then_some(number * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_rows_is_a_set(
            rows in prop::collection::btree_set(0_usize..200, 0..40),
            others in prop::collection::btree_set(0_usize..200, 0..40),
            from in 0_usize..200,
            length in 0_usize..200,
        ) {
            let of = |rows: &BTreeSet<usize>| {
                let mut set = RowSet::none(200);
                rows.iter().for_each(|&row| set.insert(row));
                set
            };
            let (mut set, other) = (of(&rows), of(&others));
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), rows.clone());
            let range = from..(from + length).min(200);
            prop_assert_eq!(set.touches(&range), rows.range(range.start..range.end.max(range.start)).next().is_some());
            set.intersect(&other);
            prop_assert!(set.iter().eq(rows.intersection(&others).copied()));
            set.unite(&of(&rows));
            prop_assert!(set.iter().eq(rows.iter().copied()));
            prop_assert_eq!(RowSet::all(from).iter().count(), from);
            let mut of_range = RowSet::none(200);
            of_range.insert_all(range.clone());
            prop_assert!(of_range.iter().eq(range));
        }
    }
}
