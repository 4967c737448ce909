//! In which order spans have their keys. Spans of one instrumentation agree on it, so columns in that order make a word
//! about each span's own order superfluous.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use crate::limits::KEY_PAIRS_MAX;

/// Which key followed which, and how often. Keys are numbers.
#[derive(Debug, Default)]
pub struct KeyOrder {
    followed: HashMap<(u32, u32), u64>,
}

impl KeyOrder {
    /// Looks at the keys of one span, in order.
    pub fn see(&mut self, keys: impl Iterator<Item = u32>, times: u64) {
        let mut before = None;
        for key in keys {
            if let Some(before) = before.filter(|&before| before != key) {
                let has_room = self.followed.len() < KEY_PAIRS_MAX;
                match self.followed.get_mut(&(before, key)) {
                    Some(count) => *count += times,
                    None if has_room => drop(self.followed.insert((before, key), times)),
                    None => {}
                }
            }
            before = Some(key);
        }
    }

    /// The place of each of `keys`: whatever mostly came before a key has a smaller one. Where keys run in a circle, it is
    /// cut where the fewest spans mind.
    pub fn places(&self, keys: &[u32]) -> HashMap<u32, usize> {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let number = |key: u32| sorted.binary_search(&key).ok();
        let mut after: Vec<Vec<(usize, u64)>> = vec![Vec::new(); sorted.len()];
        let mut waiting: Vec<(usize, u64)> = vec![(0, 0); sorted.len()];
        for (&(one, other), &times) in &self.followed {
            let back = self.followed.get(&(other, one)).copied().unwrap_or(0);
            // Of two that come either way, the more frequent counts.
            if times < back || (times == back && one > other) {
                continue;
            }
            if let (Some(one), Some(other)) = (number(one), number(other)) {
                after[one].push((other, times - back));
                waiting[other].0 += 1;
                waiting[other].1 += times - back;
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
        ready.extend((0..sorted.len()).filter(|&key| waiting[key].0 == 0).map(Reverse));
        let mut placed = vec![false; sorted.len()];
        let mut places = HashMap::new();
        while places.len() < sorted.len() {
            let next = ready
                .pop()
                .map(|Reverse(key)| key)
                .or_else(|| (0..sorted.len()).filter(|&key| !placed[key]).min_by_key(|&key| waiting[key].1));
            let Some(key) = next else { break };
            if std::mem::replace(&mut placed[key], true) {
                continue;
            }
            places.insert(sorted[key], places.len());
            for &(other, times) in &after[key] {
                waiting[other].0 -= 1;
                waiting[other].1 -= times;
                if waiting[other].0 == 0 && !placed[other] {
                    ready.push(Reverse(other));
                }
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_have_some_of_the_keys_agree_on_one_order() {
        let mut order = KeyOrder::default();
        for keys in [&[7_u32, 2, 9][..], &[4, 2], &[9, 1], &[7, 4]] {
            order.see(keys.iter().copied(), 1);
        }
        let places = order.places(&[1, 2, 4, 7, 9]);
        let mut keys = [1, 2, 4, 7, 9];
        keys.sort_by_key(|key| places[key]);
        assert_eq!(keys, [7, 4, 2, 9, 1]);
    }

    #[test]
    fn a_circle_is_cut_where_the_fewest_mind() {
        let mut order = KeyOrder::default();
        order.see([1, 2, 3].into_iter(), 10);
        order.see([3, 1].into_iter(), 1);
        let places = order.places(&[1, 2, 3]);
        assert!(places[&1] < places[&2] && places[&2] < places[&3]);
        assert_eq!(order.places(&[2]).len(), 1);
    }
}
