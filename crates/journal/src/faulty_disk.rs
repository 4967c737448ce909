//! A disk in memory that crashes, fills up, fails to sync and rots: for the tests of everyone who writes files.
//!
//! It keeps what the operating system would show apart from what a crash would leave: writes, and names made or
//! changed, become lasting by a sync; at a crash a random part of the others has made it to disk, the last of them torn.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stdx::Random;

use crate::{Disk, File};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    names: BTreeMap<PathBuf, Contents>,
    lasting_names: BTreeMap<PathBuf, Contents>,
    unsynced_names: Vec<NameChange>,
    room: Option<usize>,
    syncs_until_failure: Option<u64>,
    writes_until_torn: Option<u64>,
}

type Contents = Arc<Mutex<Bytes>>;

/// What a file shows, what would be left of it, and what lies between.
#[derive(Debug, Default)]
struct Bytes {
    shown: Vec<u8>,
    lasting: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug)]
enum NameChange {
    Put(PathBuf, Contents),
    Move(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl FaultyDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on only so many more bytes can be written before the disk is full; none: no end of room.
    pub fn set_room(&self, bytes: Option<usize>) {
        self.world().room = bytes;
    }

    /// The sync after the next `good` ones fails, once.
    pub fn fail_sync_after(&self, good: u64) {
        self.world().syncs_until_failure = Some(good);
    }

    /// The write after the next `good` ones writes half of its bytes and fails, once.
    pub fn tear_write_after(&self, good: u64) {
        self.world().writes_until_torn = Some(good);
    }

    /// Flips one bit of a file, as a rotting disk would.
    ///
    /// # Panics
    /// If there is no such file or no such byte: the test means another.
    pub fn flip_bit(&self, path: &Path, offset: usize, bit: u8) {
        let world = self.world();
        let mut bytes = lock(world.names.get(path).expect("a file of this name"));
        bytes.shown[offset] ^= 1 << (bit % 8);
        if let Some(byte) = bytes.lasting.get_mut(offset) {
            *byte ^= 1 << (bit % 8);
        }
    }

    /// What a file shows now; none if it is not there.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        self.world().names.get(path).map(|contents| lock(contents).shown.clone())
    }

    /// Every file's name.
    #[must_use]
    pub fn names(&self) -> Vec<PathBuf> {
        self.world().names.keys().cloned().collect()
    }

    /// The disk as it may be found after the power went: what was synced, and of the rest a random part.
    #[must_use]
    pub fn crash(&self, random: &dyn Random) -> Self {
        let world = self.world();
        let mut names = world.lasting_names.clone();
        let kept = random.below(world.unsynced_names.len() as u64 + 1) as usize;
        for change in &world.unsynced_names[..kept] {
            change.apply(&mut names);
        }
        let names: BTreeMap<PathBuf, Contents> = names
            .into_iter()
            .map(|(path, contents)| {
                let left = lock(&contents).after_crash(random);
                (path, Arc::new(Mutex::new(Bytes { shown: left.clone(), lasting: left, unsynced: Vec::new() })))
            })
            .collect();
        let after = World { lasting_names: names.clone(), names, ..World::default() };
        Self { world: Arc::new(Mutex::new(after)) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, contents: Contents) -> Arc<dyn File> {
        Arc::new(FaultyFile { disk: self.clone(), contents })
    }
}

fn lock(contents: &Contents) -> MutexGuard<'_, Bytes> {
    contents.lock().unwrap_or_else(PoisonError::into_inner)
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Contents>) {
        match self {
            Self::Put(path, contents) => {
                names.insert(path.clone(), Arc::clone(contents));
            }
            Self::Move(from, to) => {
                if let Some(contents) = names.remove(from) {
                    names.insert(to.clone(), contents);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl World {
    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }
}

impl Bytes {
    fn after_crash(&self, random: &dyn Random) -> Vec<u8> {
        let mut left = self.lasting.clone();
        for change in &self.unsynced {
            // Pages reach the disk in any order: each change is there, torn or not there.
            match (random.below(3), change) {
                (0, _) => {}
                (1, Change::Write { offset, bytes }) => {
                    let torn = random.below(bytes.len() as u64 + 1) as usize;
                    write(&mut left, *offset, &bytes[..torn]);
                }
                (_, Change::Write { offset, bytes }) => write(&mut left, *offset, bytes),
                (_, Change::Length(bytes)) => left.resize(*bytes, 0),
            }
        }
        left
    }
}

fn write(to: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if to.len() < offset + bytes.len() {
        to.resize(offset + bytes.len(), 0);
    }
    to[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let contents = self.world().names.get(path).cloned();
        contents.map(|contents| self.file(contents)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let contents = Contents::default();
        self.world().change_name(NameChange::Put(path.to_owned(), Arc::clone(&contents)));
        Ok(self.file(contents))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        if !world.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.change_name(NameChange::Move(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        if !world.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.change_name(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        let inside = world.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut world = self.world();
        let concerns = |path: &PathBuf| path.parent() == Some(folder);
        let changes = std::mem::take(&mut world.unsynced_names);
        for change in changes {
            let inside = match &change {
                NameChange::Put(path, _) | NameChange::Move(_, path) | NameChange::Remove(path) => concerns(path),
            };
            if inside {
                change.apply(&mut world.lasting_names);
            } else {
                world.unsynced_names.push(change);
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    contents: Contents,
}

impl FaultyFile {
    fn put(&self, offset: usize, bytes: &[u8]) {
        let mut contents = lock(&self.contents);
        write(&mut contents.shown, offset, bytes);
        contents.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
    }
}

impl File for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let contents = lock(&self.contents);
        let from = (offset as usize).min(contents.shown.len());
        let bytes = buffer.len().min(contents.shown.len() - from);
        buffer[..bytes].copy_from_slice(&contents.shown[from..from + bytes]);
        Ok(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let fits = world.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        world.room = world.room.map(|room| room - fits);
        let torn = world.writes_until_torn == Some(0);
        world.writes_until_torn = if torn { None } else { world.writes_until_torn.map(|good| good - 1) };
        drop(world);
        let written = if torn { fits / 2 } else { fits };
        self.put(offset as usize, &bytes[..written]);
        match written < bytes.len() {
            true if torn => Err(io::Error::other("the write was torn")),
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.world();
        let fails = world.syncs_until_failure == Some(0);
        world.syncs_until_failure = if fails { None } else { world.syncs_until_failure.map(|good| good - 1) };
        drop(world);
        let mut contents = lock(&self.contents);
        if fails {
            // As Linux does: the pages count as clean afterwards although they never reached the disk.
            contents.unsynced.clear();
            return Err(io::Error::other("the sync failed"));
        }
        let contents = &mut *contents;
        for change in contents.unsynced.drain(..) {
            match change {
                Change::Write { offset, bytes } => write(&mut contents.lasting, offset, &bytes),
                Change::Length(bytes) => contents.lasting.resize(bytes, 0),
            }
        }
        Ok(())
    }

    fn set_length(&self, bytes: u64) -> io::Result<()> {
        let mut contents = lock(&self.contents);
        contents.shown.resize(bytes as usize, 0);
        contents.unsynced.push(Change::Length(bytes as usize));
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(lock(&self.contents).shown.len() as u64)
    }
}
