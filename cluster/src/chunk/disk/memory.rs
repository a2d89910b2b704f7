//! A disk in memory that can lose its power.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::fields::{disk_size, memory_size};
use super::{Disk, DiskFile, DiskSpace};

/// A disk that keeps what was synced and may lose, reorder or tear the rest when its power is cut.
///
/// The model is harsher than a journalling file system in one way: a file's name is durable only after a sync of
/// its folder. It is as kind in another: changes of names become durable in order, a rename as one.
/// Handles from before a power cut or a kill refuse everything.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    unsynced_names: Vec<Rename>,
    files: Vec<Contents>,
    generation: u64,
    syncs: u64,
    sync_mode: SyncMode,
    free_bytes: Option<usize>,
    used_percent: u64,
    changes_left: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Default)]
struct Contents {
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    modified_ms: u64,
}

#[derive(Clone)]
enum Change {
    Write { position: usize, bytes: Vec<u8> },
    SetLength(usize),
}

/// A change of names: `from` goes, `to` comes.
struct Rename {
    from: Option<PathBuf>,
    to: Option<(PathBuf, Node)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum SyncMode {
    #[default]
    Honest,
    Lying,
    Failing,
}

/// The unit which a power cut keeps or loses as a whole, or tears.
const SECTOR_BYTES: usize = 512;

impl MemoryDisk {
    /// How many syncs of files and folders were asked for.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Syncs say that they succeeded and do nothing: the control of every power-cut test.
    pub fn lie_about_syncs(&self) {
        self.lock().sync_mode = SyncMode::Lying;
    }

    /// Every further sync fails.
    pub fn fail_syncs(&self) {
        self.lock().sync_mode = SyncMode::Failing;
    }

    /// Writes beyond so many further bytes fail for want of space; `None` lifts the limit.
    pub fn limit_free_bytes(&self, free_bytes: Option<usize>) {
        self.lock().free_bytes = free_bytes;
    }

    /// Says of itself that so many hundredths are used.
    pub fn be_used(&self, used_percent: u64) {
        self.lock().used_percent = used_percent;
    }

    /// After so many further changes and syncs every operation fails, as under a process that is about to die.
    /// [`MemoryDisk::kill`] and [`MemoryDisk::cut_power`] lift the limit.
    pub fn stop_after_changes(&self, changes: usize) {
        self.lock().changes_left = Some(changes);
    }

    /// Whether the limit of [`MemoryDisk::stop_after_changes`] is reached.
    pub fn is_stopped(&self) -> bool {
        self.lock().changes_left == Some(0)
    }

    /// The process is killed: handles end, the contents stay.
    pub fn kill(&self) {
        let mut state = self.lock();
        state.generation += 1;
        state.changes_left = None;
    }

    /// The power is cut. `choose(n)` picks a number below `n`, and so decides what of the unsynced survives.
    pub fn cut_power(&self, choose: &mut dyn FnMut(usize) -> usize) {
        let state = &mut *self.lock();
        state.generation += 1;
        state.changes_left = None;
        let kept = choose(state.unsynced_names.len() + 1);
        for rename in state.unsynced_names.drain(..).take(kept) {
            rename.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        for contents in &mut state.files {
            contents.cut_power(choose);
        }
    }

    /// The bytes of a file, as a thief or a cosmic ray would find them.
    pub fn contents(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.lock();
        let file = state.file(path)?;
        Ok(state.files[file].current.clone())
    }

    /// Changes the bytes of a file behind everybody's back.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.lock();
        let file = state.file(path)?;
        let contents = &mut state.files[file];
        change(&mut contents.current);
        contents.durable = contents.current.clone();
        contents.unsynced.clear();
        Ok(())
    }

    /// Every file's path.
    pub fn paths(&self) -> Vec<PathBuf> {
        let state = self.lock();
        state.names.iter().filter(|(_, node)| **node != Node::Folder).map(|(path, _)| path.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, file: usize, generation: u64) -> Arc<dyn DiskFile> {
        Arc::new(MemoryFile { disk: self.clone(), file, generation })
    }
}

impl State {
    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn count_change(&mut self) -> io::Result<()> {
        match &mut self.changes_left {
            Some(0) => Err(io::Error::other("the process is dying")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if !parent.as_os_str().is_empty() && self.names.get(parent) != Some(&Node::Folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.change_names(Rename { from: None, to: Some((path.into(), node)) })
    }

    fn change_names(&mut self, rename: Rename) -> io::Result<()> {
        self.count_change()?;
        rename.apply(&mut self.names);
        self.unsynced_names.push(rename);
        Ok(())
    }

    fn count_sync(&mut self) -> io::Result<bool> {
        self.count_change()?;
        self.syncs += 1;
        match self.sync_mode {
            SyncMode::Honest => Ok(true),
            SyncMode::Lying => Ok(false),
            SyncMode::Failing => Err(io::Error::other("the device lost the write")),
        }
    }
}

impl Rename {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(from) = &self.from {
            names.remove(from);
        }
        if let Some((to, node)) = &self.to {
            names.insert(to.clone(), *node);
        }
    }

    fn touches(&self, folder: &Path) -> bool {
        let to = self.to.as_ref().map(|(path, _)| path);
        self.from.iter().chain(to).any(|path| path.parent() == Some(folder))
    }
}

impl Contents {
    /// Keeps a part of the unsynced changes: the first few, or any sectors, whole or torn.
    fn cut_power(&mut self, choose: &mut dyn FnMut(usize) -> usize) {
        let in_order = choose(2) == 0;
        let kept = if in_order { choose(self.unsynced.len() + 1) } else { self.unsynced.len() };
        for change in self.unsynced.drain(..).take(kept) {
            let Change::Write { position, bytes } = change else {
                change.apply(&mut self.durable);
                continue;
            };
            let mut start = 0;
            while start < bytes.len() {
                let end = bytes.len().min(start + SECTOR_BYTES - (position + start) % SECTOR_BYTES);
                let survives = match in_order {
                    true => end - start,
                    false => [0, end - start, choose(end - start + 1)][choose(3)],
                };
                let bytes = bytes[start..start + survives].to_vec();
                Change::Write { position: position + start, bytes }.apply(&mut self.durable);
                start = end;
            }
        }
        self.current = self.durable.clone();
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Self::SetLength(length) => contents.resize(*length, 0),
            Self::Write { bytes, .. } if bytes.is_empty() => {}
            Self::Write { position, bytes } => {
                let end = position + bytes.len();
                contents.resize(contents.len().max(end), 0);
                contents[*position..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk for MemoryDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.lock();
        let file = state.files.len();
        state.add(path, Node::File(file))?;
        state.files.push(Contents::default());
        let generation = state.generation;
        drop(state);
        Ok(self.handle(file, generation))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.lock();
        let (file, generation) = (state.file(path)?, state.generation);
        drop(state);
        Ok(self.handle(file, generation))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        let node = Node::File(state.file(from)?);
        state.change_names(Rename { from: Some(from.into()), to: Some((to.into(), node)) })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.file(path)?;
        state.change_names(Rename { from: Some(path.into()), to: None })
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.lock().add(path, Node::Folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.lock();
        if !folder.as_os_str().is_empty() && state.names.get(folder) != Some(&Node::Folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| path.file_name()?.to_str().map(String::from)).collect())
    }

    fn space(&self, _folder: &Path) -> io::Result<DiskSpace> {
        let free_bytes = 100_u64.saturating_sub(self.lock().used_percent) << 30;
        Ok(DiskSpace { free_bytes, total_bytes: 100 << 30 })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let state = &mut *self.lock();
        if !state.count_sync()? {
            return Ok(());
        }
        let last = state.unsynced_names.iter().rposition(|rename| rename.touches(folder));
        for rename in state.unsynced_names.drain(..last.map_or(0, |last| last + 1)) {
            rename.apply(&mut state.durable_names);
        }
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
    generation: u64,
}

impl MemoryFile {
    fn with<T>(&self, run: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.lock();
        match state.generation == self.generation {
            true => run(&mut state),
            false => Err(io::Error::other("the power went off under this handle")),
        }
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.with(|state| {
            state.count_change()?;
            let contents = &mut state.files[self.file];
            let before = contents.current.len();
            change.apply(&mut contents.current);
            contents.unsynced.push(change);
            let grown = contents.current.len().saturating_sub(before);
            if let Some(free) = &mut state.free_bytes {
                *free = free.saturating_sub(grown);
            }
            Ok(())
        })
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, position: u64, into: &mut [u8]) -> io::Result<usize> {
        self.with(|state| {
            let contents = &state.files[self.file].current;
            let start = memory_size(position).map_or(contents.len(), |start| start.min(contents.len()));
            let count = into.len().min(contents.len() - start);
            into[..count].copy_from_slice(&contents[start..start + count]);
            Ok(count)
        })
    }

    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let position = memory_size(position).ok_or(io::ErrorKind::FileTooLarge)?;
        let room = self.with(|state| {
            let length = state.files[self.file].current.len();
            Ok(state.free_bytes.map_or(bytes.len(), |free| (length + free).saturating_sub(position)))
        })?;
        // A full disk takes what fits and refuses the rest, as a real one does.
        let taken = &bytes[..bytes.len().min(room)];
        self.change(Change::Write { position, bytes: taken.to_vec() })?;
        if taken.len() < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn set_length(&self, length_bytes: u64) -> io::Result<()> {
        let length = memory_size(length_bytes).ok_or(io::ErrorKind::FileTooLarge)?;
        self.change(Change::SetLength(length))
    }

    fn length(&self) -> io::Result<u64> {
        self.with(|state| Ok(disk_size(state.files[self.file].current.len())))
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state| {
            if state.count_sync()? {
                let contents = &mut state.files[self.file];
                contents.durable = contents.current.clone();
                contents.unsynced.clear();
            }
            Ok(())
        })
    }

    fn modified_ms(&self) -> io::Result<u64> {
        self.with(|state| Ok(state.files[self.file].modified_ms))
    }

    fn set_modified_ms(&self, modified_ms: u64) -> io::Result<()> {
        self.with(|state| {
            state.files[self.file].modified_ms = modified_ms;
            Ok(())
        })
    }
}
