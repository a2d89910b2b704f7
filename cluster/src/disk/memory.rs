use super::{Disk, DiskFile, OpenMode};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The unit in which a cut of power tears a write.
const SECTOR_BYTES: usize = 512;

/// A disk in memory with the promises of a real one and no more: after [`MemoryDisk::crash`] only what was
/// synced is sure to be there; of the rest any sector and any last part of the changed names may be lost.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    next_inode: u64,
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    name_changes: Vec<NameChange>,
    syncs_left: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(PathBuf, u64),
    Remove(PathBuf),
}

impl NameChange {
    fn path(&self) -> &Path {
        match self {
            Self::Set(path, _) | Self::Remove(path) => path,
        }
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Set(path, inode) => {
                names.insert(path, inode);
            }
            Self::Remove(path) => {
                names.remove(&path);
            }
        }
    }
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryDisk").finish_non_exhaustive()
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a member finds after its power was cut now. `choose(n)` answers a number below `n`; it decides
    /// which unsynced sectors and names survive. This disk goes on unharmed.
    pub fn crash(&self, choose: &mut dyn FnMut(u64) -> u64) -> Self {
        let mut state = self.state().clone();
        for inode in state.inodes.values_mut() {
            let mut found = std::mem::take(&mut inode.durable);
            for change in inode.pending.drain(..) {
                survive(&mut found, change, choose);
            }
            inode.bytes.clone_from(&found);
            inode.durable = found;
        }
        let changes = std::mem::take(&mut state.name_changes);
        let kept = choose(u64::try_from(changes.len()).unwrap_or(u64::MAX).saturating_add(1));
        for (_, change) in (0..kept).zip(changes) {
            change.apply(&mut state.durable_names);
        }
        state.names = state.durable_names.clone();
        state.syncs_left = None;
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Lets this many syncs succeed and makes all later ones fail.
    pub fn fail_syncs_after(&self, syncs: u64) {
        self.state().syncs_left = Some(syncs);
    }

    /// Changes one byte of a durable file, as a decaying medium does; `false` when there is no such byte.
    pub fn flip(&self, path: &Path, offset: usize, mask: u8) -> bool {
        let mut state = self.state();
        let Some(inode) = state.names.get(path).copied().and_then(|id| state.inodes.get_mut(&id)) else {
            return false;
        };
        let (Some(byte), Some(durable)) = (inode.bytes.get_mut(offset), inode.durable.get_mut(offset)) else {
            return false;
        };
        *byte ^= mask;
        *durable ^= mask;
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies what survives of an unsynced change.
fn survive(found: &mut Vec<u8>, change: Change, choose: &mut dyn FnMut(u64) -> u64) {
    match change {
        Change::Write { offset, bytes } => match choose(3) {
            0 => {}
            1 => write(found, offset, &bytes),
            _ => {
                for (sector, part) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if choose(2) == 0 {
                        write(found, offset + sector * SECTOR_BYTES, part);
                    }
                }
            }
        },
        Change::Length(length) => {
            if choose(2) == 0 {
                found.resize(length, 0);
            }
        }
    }
}

fn write(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

fn absent(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("expected a file {}", path.display()))
}

impl State {
    fn sync(&mut self) -> io::Result<()> {
        match &mut self.syncs_left {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the disk refused to sync")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn change_name(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl Disk for MemoryDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let inode = match (state.names.get(path).copied(), mode) {
            (Some(inode), OpenMode::Read | OpenMode::Write) => inode,
            (None, OpenMode::Read | OpenMode::Write) => return Err(absent(path)),
            (_, OpenMode::Create) => {
                let inode = state.next_inode;
                state.next_inode += 1;
                state.inodes.insert(inode, Inode::default());
                state.change_name(NameChange::Set(path.to_owned(), inode));
                inode
            }
        };
        Ok(Box::new(MemoryFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.names.get(from).copied().ok_or_else(|| absent(from))?;
        state.change_name(NameChange::Set(to.to_owned(), inode));
        state.change_name(NameChange::Remove(from.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(path) {
            return Err(absent(path));
        }
        state.change_name(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.sync()?;
        let (here, elsewhere) = std::mem::take(&mut state.name_changes)
            .into_iter()
            .partition(|change| change.path().parent() == Some(dir));
        let here: Vec<NameChange> = here;
        for change in here {
            change.apply(&mut state.durable_names);
        }
        state.name_changes = elsewhere;
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    inode: u64,
}

impl MemoryFile {
    fn with<T>(&self, action: impl FnOnce(&mut Inode) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        state.inodes.get_mut(&self.inode).map(action).ok_or_else(|| io::Error::other("expected an open file"))
    }
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        let length = self.with(|inode| inode.bytes.len())?;
        u64::try_from(length).map_err(io::Error::other)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.with(|inode| {
            let there = inode.bytes.get(offset..).unwrap_or_default();
            let count = there.len().min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(there) {
                *to = *from;
            }
            count
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.with(|inode| {
            write(&mut inode.bytes, offset, bytes);
            inode.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
        })
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.with(|inode| {
            inode.bytes.resize(length, 0);
            inode.pending.push(Change::Length(length));
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state().sync()?;
        self.with(|inode| {
            inode.durable.clone_from(&inode.bytes);
            inode.pending.clear();
        })
    }
}
