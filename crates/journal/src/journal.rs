//! The journal: append into a queue, one thread that writes and syncs what has gathered, release from the front.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use crate::files::Files;
use crate::frame::{self, FILE_HEADER_BYTES, Kind};
use crate::receipt::Group;
use crate::released::Released;
use crate::{Cursor, Damage, Disk, File, JournalError, Position, Receipt, filenames, limits};

/// How a journal behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes the journal may hold; none for as many as the disk has.
    pub bytes_max: Option<u64>,
    /// Records up to and with this one are known to be needed no more.
    pub released: Position,
    /// Whether files are filled with zeros ahead of time, in the background: such files sync 4 to 12 times faster.
    pub write_ahead: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { file_bytes: limits::FILE_BYTES, bytes_max: None, released: Position::START, write_ahead: true }
    }
}

/// What was found when the journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Intact records, released ones among them.
    pub records: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// The last record's position.
    pub last: Position,
    /// Everything up to and with this was released before.
    pub released: Position,
    /// Damaged places, at most [`DAMAGE_LISTED_MAX`](limits::DAMAGE_LISTED_MAX) of them.
    pub damage: Vec<Damage>,
    /// How many damaged places there are.
    pub damaged_places: u64,
    /// At most how many records are lost of which it was said that they are on disk.
    pub records_lost: u64,
}

/// What the journal holds and did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records appended.
    pub appended: u64,
    /// Records whose sync failed; their receipts said so.
    pub failed: u64,
    /// Times the disk was asked to sync records.
    pub syncs: u64,
    /// Bytes that wait to be synced.
    pub unsynced_bytes: usize,
    /// Bytes that records take on disk.
    pub bytes: u64,
    /// Files with records.
    pub files: usize,
    /// The last record known to be on disk.
    pub durable: Position,
    /// Everything up to and with this was released.
    pub released: Position,
}

/// An append-only log. Dropping it writes what was appended and stops the thread.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    options: Options,
    queue: Mutex<Queue>,
    work: Condvar,
    files: Mutex<Files>,
    released: Mutex<Released>,
}

#[derive(Debug)]
struct Queue {
    frames: Vec<u8>,
    first: u64,
    next_sequence: u64,
    group: Arc<Group>,
    durable: u64,
    in_flight: usize,
    held_bytes: u64,
    closed: bool,
    ended: bool,
    appended: u64,
    failed: u64,
    syncs: u64,
    readers: Vec<Waker>,
}

impl Journal {
    /// Opens the journal in `folder`, which is made if it is not there, and says what was found in it.
    ///
    /// # Errors
    /// When the folder cannot be used. Damage is no error; it is reported.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, options: Options) -> Result<(Self, Recovered), JournalError> {
        let failed = |doing| move |error| JournalError::of_io(doing, folder, error);
        disk.create_folder(folder).map_err(failed("create"))?;
        let mut released = Released::open(&*disk, folder).map_err(failed("open a file in"))?;
        released.advance(options.released).map_err(failed("write a file in"))?;
        let mut recovered = Recovered { released: released.position(), ..Recovered::default() };
        let mut files = Files::open(disk, folder.to_owned(), options.file_bytes, &mut recovered)?;
        files.release(released.position())?;
        let last = recovered.last.max(released.position()).0;
        let queue = Queue {
            frames: Vec::new(),
            first: last + 1,
            next_sequence: last + 1,
            group: Arc::default(),
            durable: last,
            in_flight: 0,
            held_bytes: files.bytes(),
            closed: false,
            ended: false,
            appended: 0,
            failed: 0,
            syncs: 0,
            readers: Vec::new(),
        };
        let shared = Arc::new(Shared {
            options,
            queue: Mutex::new(queue),
            work: Condvar::new(),
            files: Mutex::new(files),
            released: Mutex::new(released),
        });
        let writer = Writer { shared: Arc::clone(&shared), current: None, preparing: None };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(failed("start a thread for"))?;
        Ok((Self { shared, thread: Mutex::new(Some(thread)) }, recovered))
    }

    /// Puts a record into the queue. It is on disk once the receipt resolves.
    ///
    /// # Errors
    /// When there is no room for it; nothing was taken then.
    pub fn append(&self, kind: Kind, payload: &[u8]) -> Result<Receipt, JournalError> {
        self.append_parts(kind, &[payload])
    }

    /// Puts a record that lies in several parts into the queue.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_parts(&self, kind: Kind, parts: &[&[u8]]) -> Result<Receipt, JournalError> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        if bytes > limits::RECORD_BYTES_MAX {
            return Err(JournalError::TooLarge { bytes, limit: limits::RECORD_BYTES_MAX });
        }
        let mut queue = self.shared.queue();
        queue.admit(frame::frame_bytes(bytes), &self.shared.options)?;
        let sequence = queue.next_sequence;
        let durable = queue.durable;
        frame::push_frame(&mut queue.frames, kind, sequence, durable, parts);
        queue.next_sequence += 1;
        queue.appended += 1;
        let receipt = Receipt { group: Arc::clone(&queue.group), position: Position(sequence) };
        drop(queue);
        self.shared.work.notify_one();
        Ok(receipt)
    }

    /// Reads the records after `position`, released ones excepted.
    #[must_use]
    pub fn cursor(&self, after: Position) -> Cursor {
        Cursor::new(Arc::clone(&self.shared), after.max(self.released()))
    }

    /// Records up to and with `through` are needed no more: their files may be recycled.
    ///
    /// # Errors
    /// When a file cannot be put away; the position is remembered all the same.
    pub fn release(&self, through: Position) -> Result<(), JournalError> {
        let remembered = self.shared.released().advance(through);
        let mut files = self.shared.files();
        let folder = files.folder.clone();
        let result = files.release(through);
        let bytes = files.bytes();
        drop(files);
        self.shared.queue().held_bytes = bytes;
        result.and(remembered.map_err(|error| JournalError::of_io("write a file in", &folder, error)))
    }

    /// Everything up to and with this was released.
    #[must_use]
    pub fn released(&self) -> Position {
        self.shared.released().position()
    }

    /// The last record known to be on disk.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position(self.shared.queue().durable)
    }

    /// Resolves to true once a record after `position` can be read, to false when the journal is closed before.
    #[must_use]
    pub fn readable_after(&self, position: Position) -> ReadableAfter {
        ReadableAfter { shared: Arc::clone(&self.shared), position }
    }

    /// What the journal holds and did.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (bytes, files) = {
            let files = self.shared.files();
            (files.bytes(), files.live.len())
        };
        let released = self.released();
        let queue = self.shared.queue();
        Stats {
            appended: queue.appended,
            failed: queue.failed,
            syncs: queue.syncs,
            unsynced_bytes: queue.unsynced(),
            bytes,
            files,
            durable: Position(queue.durable),
            released,
        }
    }

    /// Writes what was appended and stops. Later appends are refused.
    pub fn close(&self) {
        self.shared.queue().closed = true;
        self.shared.work.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread does not panic; if it did, its receipts would be left open and there is nobody to tell here.
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn released(&self) -> MutexGuard<'_, Released> {
        self.released.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn unsynced(&self) -> usize {
        self.frames.len() + self.in_flight
    }

    fn admit(&self, frame_bytes: usize, options: &Options) -> Result<(), JournalError> {
        if self.closed {
            return Err(JournalError::Closed);
        }
        let (held, limit) = (self.unsynced(), limits::UNSYNCED_BYTES_MAX);
        if held + frame_bytes > limit {
            return Err(JournalError::Overloaded { held, limit });
        }
        let held = self.held_bytes + held as u64;
        match options.bytes_max {
            Some(limit) if held + frame_bytes as u64 > limit => Err(JournalError::Full { held, limit }),
            _ => Ok(()),
        }
    }
}

/// See [`Journal::readable_after`].
#[derive(Debug)]
pub struct ReadableAfter {
    shared: Arc<Shared>,
    position: Position,
}

impl Future for ReadableAfter {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut queue = self.shared.queue();
        if queue.durable > self.position.0 {
            return Poll::Ready(true);
        }
        if queue.ended {
            return Poll::Ready(false);
        }
        if !queue.readers.iter().any(|waker| waker.will_wake(context.waker())) {
            queue.readers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// The thread that writes and syncs.
struct Writer {
    shared: Arc<Shared>,
    current: Option<Current>,
    preparing: Option<JoinHandle<()>>,
}

struct Current {
    number: u64,
    path: PathBuf,
    file: Arc<dyn File>,
    offset: u64,
    length: u64,
}

/// What has gathered since the last commit.
struct Gathered {
    frames: Vec<u8>,
    first: u64,
    last: u64,
    group: Arc<Group>,
}

impl Writer {
    fn run(mut self) {
        let mut spent = Vec::new();
        while let Some(mut gathered) = self.gather(spent) {
            let outcome = self.commit(&mut gathered);
            self.settle(&gathered, outcome);
            self.prepare_spare();
            spent = gathered.frames;
            self.pause();
        }
        if let Some(thread) = self.preparing.take() {
            let _ = thread.join();
        }
        let readers = {
            let mut queue = self.shared.queue();
            queue.ended = true;
            std::mem::take(&mut queue.readers)
        };
        readers.into_iter().for_each(Waker::wake);
    }

    /// Waits for records; none once the journal is closed and empty. `spent` is a buffer to fill next.
    fn gather(&self, mut spent: Vec<u8>) -> Option<Gathered> {
        spent.clear();
        // A burst must not hold its memory for ever.
        if spent.capacity() > limits::COMMIT_BYTES {
            spent = Vec::new();
        }
        let queue = self.shared.queue();
        let mut queue = self
            .shared
            .work
            .wait_while(queue, |queue| queue.frames.is_empty() && !queue.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if queue.frames.is_empty() {
            return None;
        }
        let frames = std::mem::replace(&mut queue.frames, spent);
        queue.in_flight = frames.len();
        let (first, last) = (queue.first, queue.next_sequence - 1);
        let group = std::mem::take(&mut queue.group);
        queue.first = queue.next_sequence;
        Some(Gathered { frames, first, last, group })
    }

    fn commit(&mut self, gathered: &mut Gathered) -> Result<(), JournalError> {
        let mut current = self.file_with_room(gathered.frames.len())?;
        let mut at = 0;
        while at < gathered.frames.len() {
            at += frame::seal_frame(&mut gathered.frames[at..], current.number);
        }
        let written = current.file.write_at(&gathered.frames, current.offset).map_err(|error| ("write", error));
        let synced = written.and_then(|()| {
            self.shared.queue().syncs += 1;
            current.file.sync().map_err(|error| ("sync", error))
        });
        if let Err((doing, error)) = synced {
            // What is on disk now is unknown, and a later sync would not tell: this file is not written to again.
            let mut files = self.shared.files();
            files.abandon(current.number);
            return Err(JournalError::of_io(doing, &current.path, error));
        }
        current.offset += gathered.frames.len() as u64;
        self.shared.files().grew(current.number, gathered.first, gathered.last, current.offset);
        self.current = Some(current);
        Ok(())
    }

    /// Takes the current file, or starts the next one.
    fn file_with_room(&mut self, bytes: usize) -> Result<Current, JournalError> {
        if let Some(current) = self.current.take_if(|current| current.offset + bytes as u64 <= current.length) {
            return Ok(current);
        }
        self.current = None;
        let (live, file) = self.shared.files().start_file(bytes)?;
        Ok(Current {
            number: live.number,
            path: live.path,
            file,
            offset: FILE_HEADER_BYTES as u64,
            length: live.length,
        })
    }

    fn settle(&self, gathered: &Gathered, outcome: Result<(), JournalError>) {
        let bytes = self.shared.files().bytes();
        let readers = {
            let mut queue = self.shared.queue();
            queue.in_flight = 0;
            queue.held_bytes = bytes;
            match outcome {
                Ok(()) => queue.durable = gathered.last,
                Err(_) => queue.failed += gathered.last + 1 - gathered.first,
            }
            std::mem::take(&mut queue.readers)
        };
        gathered.group.settle(outcome);
        readers.into_iter().for_each(Waker::wake);
    }

    /// While records keep coming, lets some gather; the first one after a quiet moment does not wait.
    fn pause(&self) {
        let queue = self.shared.queue();
        let gathering = |queue: &mut Queue| queue.frames.len() < limits::COMMIT_BYTES && !queue.closed;
        drop(self.shared.work.wait_timeout_while(queue, limits::COMMIT_INTERVAL, gathering));
    }

    /// Fills the next file with zeros in the background once the current one is a quarter full.
    fn prepare_spare(&mut self) {
        let Some(current) = &self.current else { return };
        let busy = self.preparing.as_ref().is_some_and(|thread| !thread.is_finished());
        if !self.shared.options.write_ahead || busy || current.offset < current.length / 4 {
            return;
        }
        let Some(number) = self.shared.files().wants_spare() else { return };
        let shared = Arc::clone(&self.shared);
        // Without the thread there is no spare file, which only makes the next one slower.
        self.preparing = std::thread::Builder::new()
            .name("journal-ahead".to_owned())
            .spawn(move || fill_spare(&shared, number))
            .ok();
    }
}

fn fill_spare(shared: &Shared, number: u64) {
    let (disk, folder) = {
        let files = shared.files();
        (Arc::clone(&files.disk), files.folder.clone())
    };
    let unfinished = folder.join(filenames::unfinished_spare(number));
    let fill = || -> std::io::Result<()> {
        let file = disk.create(&unfinished)?;
        let zeros = vec![0; limits::READ_BYTES.min(shared.options.file_bytes as usize)];
        let mut offset = 0;
        while offset < shared.options.file_bytes && !shared.queue().closed {
            let bytes = zeros.len().min((shared.options.file_bytes - offset) as usize);
            file.write_at(&zeros[..bytes], offset)?;
            offset += bytes as u64;
        }
        file.sync()?;
        disk.rename(&unfinished, &folder.join(filenames::spare(number)))
    };
    match fill() {
        Ok(()) => shared.files().add_spare(number),
        // Most likely the disk is full; the records are told so when they need the room.
        Err(_) => drop(disk.remove(&unfinished)),
    }
}
