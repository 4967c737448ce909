//! The files of the folder: which hold which records, how a new one is had, where emptied ones go.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::frame::{FILE_HEADER_BYTES, VERSION, file_header, version_of};
use crate::frame_reader::{Damage, FrameReader, Next};
use crate::limits::{DAMAGE_LISTED_MAX, SPARE_FILES_MAX};
use crate::{Disk, File, JournalError, Position, Recovered, filenames};

/// A file with records.
#[derive(Clone, Debug)]
pub struct LiveFile {
    pub number: u64,
    pub path: PathBuf,
    /// The first record's sequence; 0 if it holds none.
    pub first: u64,
    /// The last record's sequence; 0 if it holds none.
    pub last: u64,
    /// Where the last record that is known to be on disk ends.
    pub end: u64,
    /// The file's length.
    pub length: u64,
    /// Whether every write and sync went well, so that it may be recycled.
    pub trusted: bool,
}

/// The files of the folder.
#[derive(Debug)]
pub struct Files {
    pub disk: Arc<dyn Disk>,
    pub folder: PathBuf,
    /// By number; the last one may be being written.
    pub live: VecDeque<LiveFile>,
    spares: Vec<u64>,
    /// The number of the file being written.
    writing: Option<u64>,
    next_number: u64,
    file_bytes: u64,
}

impl Files {
    /// Looks at every file of the folder. Nothing is changed before all of them are known to be of a version we know.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        file_bytes: u64,
        recovered: &mut Recovered,
    ) -> Result<Self, JournalError> {
        let names = disk.list(&folder).map_err(|error| JournalError::of_io("list", &folder, error))?;
        let numbers = |suffix| names.iter().filter_map(move |name| filenames::number_in(name, suffix));
        let mut files = Self {
            live: VecDeque::new(),
            spares: numbers(".spare").collect(),
            next_number: 1 + numbers(".journal").chain(numbers(".spare")).max().unwrap_or(0),
            writing: None,
            disk,
            folder,
            file_bytes,
        };
        let mut opened = HashMap::new();
        for number in numbers(".journal") {
            opened.insert(number, files.open_known_version(number)?);
        }
        for number in numbers(".journal") {
            let file = opened.remove(&number);
            file.into_iter().try_for_each(|file| files.survey(number, file, recovered))?;
        }
        for number in numbers(".unfinished") {
            let _ = files.disk.remove(&files.folder.join(filenames::unfinished_spare(number)));
        }
        Ok(files)
    }

    fn open_known_version(&self, number: u64) -> Result<Arc<dyn File>, JournalError> {
        let path = self.path(number);
        let file = self.disk.open(&path).map_err(|error| JournalError::of_io("open", &path, error))?;
        let mut header = [0; FILE_HEADER_BYTES];
        let read = file.read_at(&mut header, 0).map_err(|error| JournalError::of_io("read", &path, error))?;
        match version_of(&header[..read]) {
            Some(found) if found > VERSION => Err(JournalError::NewerVersion { path, found, known: VERSION }),
            _ => Ok(file),
        }
    }

    fn survey(&mut self, number: u64, file: Arc<dyn File>, recovered: &mut Recovered) -> Result<(), JournalError> {
        let path = self.path(number);
        let failed = |error| JournalError::of_io("read", &path, error);
        let length = file.length().map_err(failed)?;
        let mut live = LiveFile {
            number,
            path: path.clone(),
            first: 0,
            last: 0,
            end: FILE_HEADER_BYTES as u64,
            length,
            trusted: true,
        };
        let mut reader = FrameReader::new(file, number, length);
        loop {
            match reader.next().map_err(failed)? {
                Next::Frame { offset, header, payload } => {
                    recovered.account(header.sequence, header.durable);
                    recovered.records += 1;
                    recovered.bytes += payload.len() as u64;
                    live.first = if live.first == 0 { header.sequence } else { live.first };
                    live.last = header.sequence;
                    live.end = offset + crate::frame::frame_bytes(header.payload_bytes) as u64;
                }
                Next::Damaged { offset, bytes } => {
                    recovered.note(Damage { path: path.clone(), offset, bytes, records_lost: 0 })
                }
                Next::End { .. } => break,
            }
        }
        // A file with damage may lie on a bad spot of the disk; it is not written to again.
        live.trusted = !recovered.damage.iter().any(|damage| damage.path == path);
        self.live.push_back(live);
        Ok(())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(filenames::live(number))
    }

    /// A file with room for `bytes`, ready to be written to from [`FILE_HEADER_BYTES`] on.
    pub fn start_file(&mut self, bytes: usize) -> Result<(LiveFile, Arc<dyn File>), JournalError> {
        let number = self.next_number;
        let path = self.path(number);
        let needed = (FILE_HEADER_BYTES + bytes) as u64;
        let recycled = if needed <= self.file_bytes { self.spares.pop() } else { None };
        let length = needed.max(self.file_bytes);
        let make = || -> io::Result<Arc<dyn File>> {
            let file = match recycled {
                Some(spare) => {
                    self.disk.rename(&self.folder.join(filenames::spare(spare)), &path)?;
                    self.disk.open(&path)?
                }
                None => self.disk.create(&path)?,
            };
            if file.length()? != length {
                file.set_length(length)?;
            }
            file.write_at(&file_header(number), 0)?;
            self.disk.sync_folder(&self.folder)?;
            Ok(file)
        };
        let file = make().map_err(|error| {
            let _ = self.disk.remove(&path);
            JournalError::of_io("create", &path, error)
        })?;
        self.next_number += 1;
        let live = LiveFile { number, path, first: 0, last: 0, end: FILE_HEADER_BYTES as u64, length, trusted: true };
        self.live.push_back(live.clone());
        self.writing = Some(number);
        Ok((live, file))
    }

    /// Remembers that `file` holds records up to `last` now.
    pub fn grew(&mut self, number: u64, first: u64, last: u64, end: u64) {
        if let Some(file) = self.live.iter_mut().find(|file| file.number == number) {
            file.first = if file.first == 0 { first } else { file.first };
            (file.last, file.end) = (last, end);
        }
    }

    /// The file is never written to again. Without records it goes away.
    pub fn abandon(&mut self, number: u64) {
        self.writing = None;
        let Some(position) = self.live.iter().position(|file| file.number == number) else { return };
        self.live[position].trusted = false;
        if self.live[position].last == 0
            && let Some(file) = self.live.remove(position)
        {
            let _ = self.disk.remove(&file.path);
        }
    }

    /// Recycles or removes the files whose records are all released, except for the one being written.
    pub fn release(&mut self, through: Position) -> Result<(), JournalError> {
        let mut kept = VecDeque::new();
        let mut failed = None;
        while let Some(file) = self.live.pop_front() {
            if file.last > through.0 || Some(file.number) == self.writing {
                kept.push_back(file);
            } else if let Err(error) = self.put_away(&file) {
                failed = Some(JournalError::of_io("remove", &file.path, error));
                kept.push_back(file);
            }
        }
        self.live = kept;
        failed.map_or(Ok(()), Err)
    }

    fn put_away(&mut self, file: &LiveFile) -> io::Result<()> {
        if !file.trusted || file.length != self.file_bytes || self.spares.len() >= SPARE_FILES_MAX {
            return self.disk.remove(&file.path);
        }
        self.disk.rename(&file.path, &self.folder.join(filenames::spare(file.number)))?;
        self.spares.push(file.number);
        Ok(())
    }

    /// The number under which a spare file should be prepared; none if there is one.
    pub fn wants_spare(&mut self) -> Option<u64> {
        if !self.spares.is_empty() {
            return None;
        }
        self.next_number += 1;
        Some(self.next_number - 1)
    }

    /// A spare file was prepared under this number.
    pub fn add_spare(&mut self, number: u64) {
        self.spares.push(number);
    }

    /// Bytes that the records take.
    pub fn bytes(&self) -> u64 {
        self.live.iter().map(|file| file.end).sum()
    }
}

impl Recovered {
    fn note(&mut self, damage: Damage) {
        self.damaged_places += 1;
        if self.damage.len() < DAMAGE_LISTED_MAX {
            self.damage.push(damage);
        }
    }

    /// A frame came: what is missing before it although it was on disk is lost.
    fn account(&mut self, sequence: u64, durable: u64) {
        let missing_from = self.last.0.max(self.released.0) + 1;
        let lost = (durable.min(sequence - 1) + 1).saturating_sub(missing_from);
        // Files that were released are not missing: nothing is known before the first frame.
        if lost > 0 && self.records > 0 {
            self.records_lost += lost;
            if let Some(damage) = self.damage.last_mut() {
                damage.records_lost += lost;
            }
        }
        self.last = self.last.max(Position(sequence));
    }
}
