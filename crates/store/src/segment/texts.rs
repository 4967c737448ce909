//! Texts, resources and scopes of a whole segment by number, and from the numbers of a batch to those of the segment.

use std::sync::Arc;

use hashbrown::HashMap;
use model::{PackedBatch, Resource, Scope, TextCollector, TextId};

use crate::encoding::{Encoder, encoded};
use crate::limits::SHARED_TEXT_BYTES_MAX;

/// Not looked up yet.
const UNKNOWN: u32 = u32::MAX;

/// A thing that rows share, in the order of its number: encoded, and as it is.
#[derive(Debug)]
pub struct SharedThings<T> {
    numbers: HashMap<Vec<u8>, u32>,
    pub things: Vec<(Vec<u8>, Arc<T>)>,
}

impl<T> Default for SharedThings<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), things: Vec::new() }
    }
}

impl<T> SharedThings<T> {
    fn number(&mut self, thing: &Arc<T>, encode: impl FnOnce(&T, &mut Encoder)) -> u32 {
        self.number_of_encoded(encoded(|to| encode(thing, to)), thing)
    }

    /// The number of a thing that is at hand encoded too.
    pub fn number_of_encoded(&mut self, bytes: Vec<u8>, thing: &Arc<T>) -> u32 {
        let next = self.things.len() as u32;
        let Self { numbers, things } = self;
        *numbers.entry(bytes).or_insert_with_key(|bytes| {
            things.push((bytes.clone(), Arc::clone(thing)));
            next
        })
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct SegmentTexts {
    pub texts: TextCollector,
    pub resources: SharedThings<Resource>,
    pub scopes: SharedThings<Scope>,
    places: HashMap<usize, usize>,
    batches: Vec<BatchNumbers>,
    last: (usize, usize),
}

/// What the numbers of one batch are in the segment.
#[derive(Debug)]
struct BatchNumbers {
    /// Held so that its address stays its own.
    batch: Arc<PackedBatch>,
    texts: Vec<u32>,
    resources: Vec<u32>,
    scopes: Vec<u32>,
}

/// A batch that [`SegmentTexts`] knows.
#[derive(Clone, Copy, Debug)]
pub struct KnownBatch(usize);

impl Default for SegmentTexts {
    fn default() -> Self {
        Self {
            texts: TextCollector::sharing_up_to(SHARED_TEXT_BYTES_MAX),
            resources: SharedThings::default(),
            scopes: SharedThings::default(),
            places: HashMap::new(),
            batches: Vec::new(),
            last: (0, 0),
        }
    }
}

impl SegmentTexts {
    /// Finds the batch, or gets to know it.
    pub fn batch(&mut self, batch: &Arc<PackedBatch>) -> KnownBatch {
        let address = Arc::as_ptr(batch) as usize;
        if self.last.0 == address {
            return KnownBatch(self.last.1);
        }
        let Self { places, batches, .. } = self;
        let place = *places.entry(address).or_insert_with(|| {
            batches.push(BatchNumbers {
                texts: vec![UNKNOWN; batch.texts.len()],
                resources: vec![UNKNOWN; batch.resources.len()],
                scopes: vec![UNKNOWN; batch.scopes.len()],
                batch: Arc::clone(batch),
            });
            batches.len() - 1
        });
        self.last = (address, place);
        KnownBatch(place)
    }

    /// Lets go of the batches; numbers stay.
    pub fn forget_batches(&mut self) {
        self.places.clear();
        self.batches.clear();
        self.last = (0, 0);
    }

    /// The segment's number of a text.
    #[inline]
    pub fn text(&mut self, KnownBatch(place): KnownBatch, text: TextId) -> TextId {
        let numbers = &mut self.batches[place];
        let number = &mut numbers.texts[text.0 as usize];
        if *number == UNKNOWN {
            let texts = &numbers.batch.texts;
            *number = self.texts.id_of_hashed(texts.text(text), texts.hash(text)).0;
        }
        TextId(*number)
    }

    /// The segment's number of a resource.
    pub fn resource(&mut self, KnownBatch(place): KnownBatch, resource: u32) -> u32 {
        let BatchNumbers { batch, resources, .. } = &mut self.batches[place];
        let number = &mut resources[resource as usize];
        if *number == UNKNOWN {
            let of = |resource: &Resource, to: &mut Encoder| to.resource(resource);
            *number = self.resources.number(&batch.resources[resource as usize], of);
        }
        *number
    }

    /// The segment's number of a scope.
    pub fn scope(&mut self, KnownBatch(place): KnownBatch, scope: u32) -> u32 {
        let BatchNumbers { batch, scopes, .. } = &mut self.batches[place];
        let number = &mut scopes[scope as usize];
        if *number == UNKNOWN {
            let of = |scope: &Scope, to: &mut Encoder| to.scope(scope);
            *number = self.scopes.number(&batch.scopes[scope as usize], of);
        }
        *number
    }
}
