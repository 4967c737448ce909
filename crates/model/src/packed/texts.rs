//! Texts of a batch, each held once, named by number.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Longer texts are held without looking whether they were seen before: prompts do not repeat.
const SHARED_TEXT_BYTES_MAX: usize = 128;

/// One seed for the whole process, so that hashes of different batches can be compared; a new one in each process, so
/// that nobody can prepare texts that collide.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The hash of a text, the same in all batches of this process.
#[must_use]
pub fn text_hash(text: &str) -> u64 {
    bytes_hash(text.as_bytes())
}

/// The [`text_hash`] of the text that these bytes are, if they are one.
#[must_use]
#[inline]
pub fn bytes_hash(bytes: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// The hash of anything else, the same in all batches of this process.
#[must_use]
pub fn hash_of(what: &impl std::hash::Hash) -> u64 {
    HASHER.hash_one(what)
}

/// The number of a text within its [`Texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TextId(pub u32);

impl TextId {
    /// The empty text; it has this number everywhere.
    pub const EMPTY: Self = Self(0);
}

/// Texts, one behind the other. Number 0 is the empty one.
#[derive(Clone, Debug)]
pub struct Texts {
    bytes: String,
    /// Where each text ends.
    ends: Vec<usize>,
    hashes: Vec<u64>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: String::new(), ends: vec![0], hashes: vec![text_hash("")] }
    }
}

impl Texts {
    /// The text of this number.
    ///
    /// # Panics
    /// If the number is not of these texts.
    #[must_use]
    #[inline]
    pub fn text(&self, id: TextId) -> &str {
        let place = id.0 as usize;
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[place]]
    }

    /// Its [`text_hash`].
    ///
    /// # Panics
    /// If the number is not of these texts.
    #[must_use]
    #[inline]
    pub fn hash(&self, id: TextId) -> u64 {
        self.hashes[id.0 as usize]
    }

    /// How many texts there are, the empty one among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is only the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.len() == 1
    }

    /// Bytes of memory they take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + (self.ends.capacity() + self.hashes.capacity()) * size_of::<usize>()
    }

    fn push(&mut self, text: &str, hash: u64) -> TextId {
        let id = TextId(self.ends.len() as u32);
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        self.hashes.push(hash);
        id
    }

    /// Gives back memory that was reserved for more.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.hashes.shrink_to_fit();
    }
}

/// Collects texts, equal ones once.
#[derive(Clone, Debug)]
pub struct TextCollector {
    texts: Texts,
    known: HashTable<TextId>,
    shared_bytes_max: usize,
}

impl Default for TextCollector {
    fn default() -> Self {
        Self::sharing_up_to(SHARED_TEXT_BYTES_MAX)
    }
}

impl TextCollector {
    /// One that holds equal texts of at most so many bytes once, longer ones as often as they come.
    #[must_use]
    pub fn sharing_up_to(shared_bytes_max: usize) -> Self {
        Self { texts: Texts::default(), known: HashTable::new(), shared_bytes_max }
    }

    /// The number of `text`, a new one if it was not seen before.
    #[inline]
    pub fn id(&mut self, text: &str) -> TextId {
        self.id_of_hashed(text, text_hash(text))
    }

    /// The number of the text that these bytes are, if it was seen before; `hash` is their [`bytes_hash`]. Bytes that
    /// equal a text need not be checked to be one.
    #[must_use]
    #[inline]
    pub fn known(&self, bytes: &[u8], hash: u64) -> Option<TextId> {
        if bytes.is_empty() {
            return Some(TextId::EMPTY);
        }
        let texts = &self.texts;
        let is_it = |id: &TextId| texts.hash(*id) == hash && texts.text(*id).as_bytes() == bytes;
        self.known.find(hash, is_it).copied()
    }

    /// As [`TextCollector::id`] where the text's hash is known already.
    #[inline]
    pub fn id_of_hashed(&mut self, text: &str, hash: u64) -> TextId {
        if text.is_empty() {
            return TextId::EMPTY;
        }
        if text.len() > self.shared_bytes_max {
            return self.texts.push(text, hash);
        }
        if let Some(id) = self.known(text.as_bytes(), hash) {
            return id;
        }
        let id = self.texts.push(text, hash);
        let texts = &self.texts;
        self.known.insert_unique(hash, id, |id| texts.hash(*id));
        id
    }

    /// The texts so far.
    #[must_use]
    #[inline]
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The texts.
    #[must_use]
    pub fn finish(self) -> Texts {
        self.texts
    }
}
