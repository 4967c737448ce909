//! What was read and decoded once, held while it fits; the longest unused goes first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Values under keys, within a budget of bytes.
#[derive(Debug)]
pub struct Cache<K, V> {
    budget: usize,
    held: Mutex<Held<K, V>>,
}

#[derive(Debug)]
struct Held<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Every key under its last use, the longest unused first.
    order: BTreeMap<u64, K>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    bytes: usize,
    last_use: u64,
}

impl<K: Eq + Hash + Copy, V> Cache<K, V> {
    pub fn new(budget: usize) -> Self {
        Self { budget, held: Mutex::new(Held { entries: HashMap::new(), order: BTreeMap::new(), bytes: 0, uses: 0 }) }
    }

    /// The value under `key`, made by `make` (with its size in bytes) if it is not held. Two threads may both make it.
    pub fn fetch(&self, key: K, make: impl FnOnce() -> io::Result<(V, usize)>) -> io::Result<Arc<V>> {
        {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let Held { entries, order, uses, .. } = &mut *held;
            *uses += 1;
            if let Some(entry) = entries.get_mut(&key) {
                order.remove(&entry.last_use);
                order.insert(*uses, key);
                entry.last_use = *uses;
                return Ok(Arc::clone(&entry.value));
            }
        }
        let (value, bytes) = make()?;
        let value = Arc::new(value);
        if bytes <= self.budget {
            self.hold(key, Arc::clone(&value), bytes);
        }
        Ok(value)
    }

    fn hold(&self, key: K, value: Arc<V>, bytes: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.uses += 1;
        let last_use = held.uses;
        if let Some(replaced) = held.entries.insert(key, Entry { value, bytes, last_use }) {
            held.bytes -= replaced.bytes;
            held.order.remove(&replaced.last_use);
        }
        held.order.insert(last_use, key);
        held.bytes += bytes;
        while held.bytes > self.budget {
            let Some((_, oldest)) = held.order.pop_first() else { break };
            let Some(entry) = held.entries.remove(&oldest) else { break };
            held.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_goes_first() {
        let cache = Cache::new(10);
        let get = |key: u32| cache.fetch(key, || Ok((key, 4))).expect("made");
        get(1);
        get(2);
        get(1);
        get(3);
        let made = |key: u32| cache.fetch(key, || Err(io::ErrorKind::NotFound.into())).is_err();
        assert!(!made(1) && made(2) && !made(3));
    }
}
