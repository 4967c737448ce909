//! Opens a data folder: version first, then the lock, the catalog, the segments, and the journal's unsealed part.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;
use journal::{Cursor, Disk, Journal, Position, Recovered, SystemDisk};
use model::Instant;
use tokio::sync::broadcast;

use super::{DamagedSegment, EmbeddedStore, Live, State, UpkeepNotes};
use crate::catalog::{self, Catalog, FOLDER_VERSION, Found};
use crate::head::Arriving;
use crate::lock::FolderLock;
use crate::segment::{Segment, SegmentCaches, SegmentInfo};
use crate::shelf::Shelf;
use crate::{Hooks, JournalRecord, Options, StoreError, filenames, limits};

/// What was found when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Records of the journal that were not sealed and are in the head again.
    pub records_replayed: u64,
    /// Their spans.
    pub spans_replayed: u64,
    /// Records that could not be decoded again, and why the first of them could not.
    pub records_undecodable: u64,
    /// See [`OpenReport::records_undecodable`].
    pub first_undecodable: Option<String>,
    /// What the journal found.
    pub journal: Recovered,
    /// Why the catalog had to be made anew from the segments, if it had to.
    pub catalog_rebuilt: Option<String>,
    /// Segments that cannot be read: file and problem.
    pub damaged_segments: Vec<(String, String)>,
}

impl OpenReport {
    /// Whether there is something a person should be told.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.records_undecodable == 0
            && self.journal.damaged_places == 0
            && self.catalog_rebuilt.is_none()
            && self.damaged_segments.is_empty()
    }
}

/// What of the journal is not replayed yet.
struct Unread {
    cursor: Cursor,
    taken: u64,
}

/// A record, decoded: its batch with the count of its spans, or why it cannot be decoded.
struct Replayed {
    position: u64,
    arriving: Result<(Arriving, u64), String>,
}

impl EmbeddedStore {
    /// Opens the data folder and owns it from now on.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process owns it, [`StoreError::NewerVersion`] if it is not for this program
    /// (nothing was changed then), and what the disk says.
    pub fn open(options: Options, hooks: Hooks) -> Result<(Self, OpenReport), StoreError> {
        let disk = Arc::new(SystemDisk);
        refuse_newer(&*disk, &options.folder)?;
        disk.create_folder(&options.folder).map_err(|error| StoreError::of_io("create", &options.folder, error))?;
        let lock = FolderLock::take(&options.folder, &options.address)?;
        Self::open_locked(disk, Some(lock), options, hooks)
    }

    /// Opens a folder of another disk than the operating system's, for tests; nothing locks it.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_on(disk: Arc<dyn Disk>, options: Options, hooks: Hooks) -> Result<(Self, OpenReport), StoreError> {
        refuse_newer(&*disk, &options.folder)?;
        Self::open_locked(disk, None, options, hooks)
    }

    fn open_locked(
        disk: Arc<dyn Disk>,
        lock: Option<FolderLock>,
        options: Options,
        hooks: Hooks,
    ) -> Result<(Self, OpenReport), StoreError> {
        let mut report = OpenReport::default();
        let segments_folder = options.folder.join(filenames::SEGMENTS);
        disk.create_folder(&segments_folder).map_err(|error| StoreError::of_io("create", &segments_folder, error))?;
        let now = Instant(hooks.clock.unix_nanos());
        let catalog = read_catalog(&*disk, &options.folder, &segments_folder, now, &mut report)?;
        let caches = Arc::new(SegmentCaches::new(limits::DIRECTORY_CACHE_BYTES, limits::FOOTER_CACHE_BYTES));
        let live = open_segments(&*disk, &segments_folder, &catalog, &caches);
        report.damaged_segments =
            live.damaged.iter().map(|damaged| (damaged.file.clone(), damaged.problem.clone())).collect();
        let journal_options = journal::Options {
            released: Position(catalog.sealed),
            file_bytes: options.journal_file_bytes,
            ..journal::Options::default()
        };
        let (journal, recovered) =
            Journal::open(Arc::clone(&disk), &options.folder.join(filenames::JOURNAL), journal_options)?;
        report.journal = recovered;
        let store = Self {
            runs: Shelf::open(Arc::clone(&disk), options.folder.join(filenames::RUNS))?,
            settings: Shelf::open(Arc::clone(&disk), options.folder.join(filenames::SETTINGS))?,
            options,
            hooks,
            disk,
            segments_folder,
            caches,
            lock: Mutex::new(lock),
            journal,
            state: Mutex::new(State { live: Arc::new(live), ..State::default() }),
            upkeep: Mutex::new(UpkeepNotes {
                next_segment: catalog.next_segment.max(1),
                sealed: catalog.sealed,
                ..UpkeepNotes::default()
            }),
            wake: Condvar::new(),
            last_problem: Mutex::default(),
            arrivals: broadcast::Sender::new(limits::ARRIVALS_HELD),
            last_arrivals: Mutex::default(),
            split_summaries: Mutex::default(),
        };
        store.replay(Position(catalog.sealed), &mut report)?;
        Ok((store, report))
    }

    /// Puts the unsealed part of the journal into the head. Several threads decode, what they decoded is taken in order. A
    /// head that is full is sealed by whoever runs next: a start does not wait for that.
    fn replay(&self, sealed: Position, report: &mut OpenReport) -> Result<(), StoreError> {
        let now = self.now();
        let unread = Mutex::new(Unread { cursor: self.journal.cursor(sealed), taken: 0 });
        let (sender, decoded) = mpsc::sync_channel(limits::REPLAY_DECODED_MAX);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(limits::REPLAY_THREADS_MAX);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (unread, sender) = (&unread, sender.clone());
                let decode = move || self.decode_unread(unread, &sender);
                let failed = |error| StoreError::of_io("start a thread for", &self.options.folder, error);
                std::thread::Builder::new()
                    .name("store-replay".to_owned())
                    .spawn_scoped(scope, decode)
                    .map_err(failed)?;
            }
            drop(sender);
            self.take_decoded(decoded, now, report)
        })?;
        self.state().counters = super::Counters::default();
        Ok(())
    }

    /// Reads and decodes records until there are no more, or nobody wants them.
    fn decode_unread(&self, unread: &Mutex<Unread>, sender: &SyncSender<(u64, Result<Replayed, StoreError>)>) {
        loop {
            let (number, record) = {
                let mut unread = unread.lock().unwrap_or_else(PoisonError::into_inner);
                let record = unread.cursor.next();
                unread.taken += 1;
                (unread.taken, record)
            };
            let replayed = match record {
                Ok(None) => return,
                Ok(Some(record)) => Ok(self.decode(record)),
                Err(error) => Err(StoreError::from(error)),
            };
            let is_error = replayed.is_err();
            if sender.send((number, replayed)).is_err() || is_error {
                return;
            }
        }
    }

    fn decode(&self, record: journal::Record) -> Replayed {
        let [signal, format, encoding, _] = record.kind.0;
        let body = Bytes::from(record.payload);
        let decoded = (self.hooks.decode)(&JournalRecord { signal, format, encoding, body });
        let arriving = decoded.map(|batch| {
            let spans = batch.spans.len() as u64;
            (Arriving::new(Arc::new(batch)), spans)
        });
        Replayed { position: record.position.0, arriving }
    }

    fn take_decoded(
        &self,
        decoded: Receiver<(u64, Result<Replayed, StoreError>)>,
        now: Instant,
        report: &mut OpenReport,
    ) -> Result<(), StoreError> {
        let mut early = BTreeMap::new();
        let mut taken = 0;
        for (number, replayed) in decoded {
            early.insert(number, replayed);
            while let Some(replayed) = early.remove(&(taken + 1)) {
                taken += 1;
                self.take_replayed(replayed?, now, report)?;
            }
        }
        Ok(())
    }

    fn take_replayed(&self, replayed: Replayed, now: Instant, report: &mut OpenReport) -> Result<(), StoreError> {
        let (arriving, spans) = match replayed.arriving {
            Ok(arriving) => arriving,
            Err(problem) => {
                report.records_undecodable += 1;
                report.first_undecodable.get_or_insert(problem);
                return Ok(());
            }
        };
        report.records_replayed += 1;
        report.spans_replayed += spans;
        let is_over = {
            let mut state = self.state();
            self.insert(&mut state, arriving, replayed.position, now);
            state.head.bytes >= self.options.head_bytes_max
        };
        // More than was ever in memory at once: only a journal that could not be let go holds so much.
        if is_over {
            self.seal(&mut self.notes(), now, None)?;
        }
        Ok(())
    }

    /// Seals what is in the head and stops. Later appends are refused; reads go on.
    ///
    /// # Errors
    /// When sealing fails; nothing is lost then, since the journal still has it.
    pub fn close(&self) -> Result<(), StoreError> {
        self.state().closed = true;
        let sealed = {
            let mut notes = self.notes();
            notes.stop = true;
            self.seal(&mut notes, self.now(), None)
        };
        self.wake.notify_all();
        self.journal.close();
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        sealed.map(drop)
    }
}

/// Nothing is touched before the version is known.
fn refuse_newer(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    match catalog::read(disk, folder) {
        Ok(Found::Newer(found)) => {
            Err(StoreError::NewerVersion { folder: folder.to_owned(), found, known: FOLDER_VERSION })
        }
        Ok(_) => Ok(()),
        Err(error) => Err(StoreError::of_io("read", &folder.join(filenames::CATALOG), error)),
    }
}

fn read_catalog(
    disk: &dyn Disk,
    folder: &Path,
    segments: &Path,
    now: Instant,
    report: &mut OpenReport,
) -> Result<Catalog, StoreError> {
    let path = folder.join(filenames::CATALOG);
    let found = catalog::read(disk, folder).map_err(|error| StoreError::of_io("read", &path, error))?;
    let names = disk.list(segments).map_err(|error| StoreError::of_io("list", segments, error))?;
    let numbers: HashSet<u64> = names.iter().filter_map(|name| filenames::segment_number(name)).collect();
    let problem = match found {
        Found::Catalog(catalog) => {
            remove_orphans(disk, segments, &names, &catalog);
            return Ok(catalog);
        }
        Found::Nothing if numbers.is_empty() => {
            // From the first moment on there is one: if it is missing beside segments, somebody removed it.
            let catalog = Catalog::default();
            catalog::write(disk, folder, &catalog).map_err(|error| StoreError::of_io("write", &path, error))?;
            return Ok(catalog);
        }
        Found::Nothing => "it is missing although there are segments".to_owned(),
        Found::Damaged(problem) => problem.to_owned(),
        Found::Newer(found) => {
            return Err(StoreError::NewerVersion { folder: folder.to_owned(), found, known: FOLDER_VERSION });
        }
    };
    // The journal is replayed from its own note of what was released; what is then held twice is shown once.
    let mut catalog =
        Catalog { sealed: 0, next_segment: numbers.iter().max().map_or(1, |last| last + 1), segments: Vec::new() };
    for number in numbers {
        match Segment::survey(disk, segments, number) {
            // Retention counts from now on, since nobody knows better.
            Ok(info) => catalog.segments.push(SegmentInfo { sealed_at: now, ..info }),
            // It stays known, or the next start would take its files for leftovers.
            Err(_) => catalog.segments.push(SegmentInfo { number, sealed_at: now, ..SegmentInfo::default() }),
        }
    }
    catalog.segments.sort_unstable_by_key(|info| info.number);
    report.catalog_rebuilt = Some(problem);
    catalog::write(disk, folder, &catalog).map_err(|error| StoreError::of_io("write", &path, error))?;
    Ok(catalog)
}

/// Removes files of segments that never became live or are no more.
fn remove_orphans(disk: &dyn Disk, segments: &Path, names: &[String], catalog: &Catalog) {
    let live: HashSet<u64> = catalog.segments.iter().map(|info| info.number).collect();
    for name in names {
        if filenames::segment_number(name).is_some_and(|number| !live.contains(&number)) {
            // What stays for now is tried again at the next start.
            let _ = disk.remove(&segments.join(name));
        }
    }
}

fn open_segments(disk: &dyn Disk, folder: &Path, catalog: &Catalog, caches: &Arc<SegmentCaches>) -> Live {
    let mut segments = Vec::new();
    let mut damaged = Vec::new();
    for &info in &catalog.segments {
        match Segment::open(disk, folder, info, Arc::clone(caches)) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(error) => damaged.push(DamagedSegment {
                info,
                file: filenames::segment_label(info.number),
                problem: error.to_string(),
            }),
        }
    }
    Live::default().next(segments, damaged)
}
