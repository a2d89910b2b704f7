//! One member's folder on a disk.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::super::fields::disk_size;
use super::{Disk, DiskFile, DiskSpace};

/// An fsync failed. What the kernel dropped with it is unknowable, so the process must end and recover from what
/// is on disk; nothing may be retried and nothing more is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} could not be made durable ({kind}): the process must end, nothing more is acknowledged")]
pub struct Fatal {
    /// What was being synced.
    pub path: PathBuf,
    /// What the operating system said.
    pub kind: io::ErrorKind,
}

/// Why an operation on the disk failed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// This or an earlier fsync of the volume failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The operating system refused; nothing was acknowledged.
    #[error("could not {operation} {path}")]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl DiskError {
    /// Whether the file or folder does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        let is_full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Io { source, .. } if is_full(source.kind()))
    }
}

/// A folder on a disk, its files, and whether it may still be trusted. Clones are the same volume.
#[derive(Clone)]
pub struct Volume(Arc<Shared>);

struct Shared {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    failed: OnceLock<Fatal>,
    /// Folders whose names are known to be durable. Bounded by the fan-out of the layout.
    folders: Mutex<HashSet<PathBuf>>,
}

impl Volume {
    /// The existing folder `root` of `disk`.
    pub fn new(disk: Arc<dyn Disk>, root: impl Into<PathBuf>) -> Self {
        let folders = Mutex::default();
        Self(Arc::new(Shared { disk, root: root.into(), failed: OnceLock::new(), folders }))
    }

    /// The failure after which this volume refuses everything.
    pub fn failed(&self) -> Option<&Fatal> {
        self.0.failed.get()
    }

    /// How much room its disk has; none where that is not known.
    pub fn space(&self) -> Option<DiskSpace> {
        self.0.disk.space(&self.0.root).ok()
    }

    /// Opens the file at `path`, which is relative to the volume's root.
    pub(crate) fn open(&self, path: &Path) -> Result<VolumeFile, DiskError> {
        let file = self.run("open", path, |disk, full| disk.open(full))?;
        Ok(self.file(path, file))
    }

    /// Writes a file under a temporary name, syncs it and gives it its name, which is durable afterwards.
    pub(crate) fn create(&self, path: &Path, contents: &[u8]) -> Result<VolumeFile, DiskError> {
        let file = self.prepare(path, contents)?;
        file.sync()?;
        self.rename(&temporary(path)?, path)?;
        Ok(file)
    }

    /// Writes a file under a temporary name. Once it is synced, [`Volume::place`] gives it its name.
    pub(crate) fn prepare(&self, path: &Path, contents: &[u8]) -> Result<VolumeFile, DiskError> {
        let temporary = temporary(path)?;
        self.folder(Path::new(TEMPORARY))?;
        let created = self.run("create", &temporary, |disk, full| match disk.create(full) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove(full)?;
                disk.create(full)
            }
            other => other,
        })?;
        let file = self.file(path, created);
        file.write_at(0, contents)?;
        Ok(file)
    }

    /// Gives a prepared file its name, which is durable once its folder is synced.
    pub(crate) fn place(&self, path: &Path) -> Result<(), DiskError> {
        let temporary = temporary(path)?;
        self.run("rename", &temporary, |disk, full| disk.rename(full, &self.0.root.join(path)))
    }

    /// Makes the names in a folder durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), Fatal> {
        self.sync(folder, |disk| disk.sync_folder(&self.0.root.join(folder)))
    }

    /// Renames durably: the new name's folder is synced before the old one's.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        if let Some(folder) = to.parent() {
            self.folder(folder)?;
        }
        self.run("rename", from, |disk, full| disk.rename(full, &self.0.root.join(to)))?;
        self.sync_parent(to)?;
        if from.parent() != Some(Path::new(TEMPORARY)) {
            self.sync_parent(from)?;
        }
        Ok(())
    }

    /// Removes a file durably; a missing one is already removed.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), DiskError> {
        match self.run("remove", path, |disk, full| disk.remove(full)) {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Ok(self.sync_parent(path)?),
        }
    }

    /// Removes what a crash left under temporary names.
    pub(crate) fn remove_temporaries(&self) -> Result<(), DiskError> {
        for name in self.list(Path::new(TEMPORARY))? {
            self.run("remove", &Path::new(TEMPORARY).join(name), |disk, full| disk.remove(full))?;
        }
        Ok(())
    }

    /// The names in a folder, in order; none when the folder does not exist.
    pub(crate) fn list(&self, folder: &Path) -> Result<Vec<String>, DiskError> {
        match self.run("list", folder, |disk, full| disk.list(full)) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(mut names) => {
                names.sort_unstable();
                Ok(names)
            }
        }
    }

    /// Makes sure that a folder exists durably, its parents included.
    pub(crate) fn folder(&self, path: &Path) -> Result<(), DiskError> {
        let mut known = self.0.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing: Vec<&Path> = path.ancestors().take_while(|step| !known.contains(*step)).collect();
        missing.retain(|step| !step.as_os_str().is_empty());
        while let Some(step) = missing.pop() {
            self.run("create", step, |disk, full| match disk.create_folder(full) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                other => other,
            })?;
            self.sync_parent(step)?;
            known.insert(step.to_path_buf());
        }
        Ok(())
    }

    fn file(&self, path: &Path, file: Arc<dyn DiskFile>) -> VolumeFile {
        VolumeFile { volume: self.clone(), path: path.into(), file }
    }

    fn sync_parent(&self, path: &Path) -> Result<(), Fatal> {
        self.sync_folder(path.parent().unwrap_or(Path::new("")))
    }

    fn sync(&self, path: &Path, sync: impl FnOnce(&dyn Disk) -> io::Result<()>) -> Result<(), Fatal> {
        if let Some(fatal) = self.failed() {
            return Err(fatal.clone());
        }
        sync(&*self.0.disk).map_err(|error| {
            let fatal = Fatal { path: path.into(), kind: error.kind() };
            self.0.failed.get_or_init(|| fatal).clone()
        })
    }

    fn run<T>(
        &self,
        operation: &'static str,
        path: &Path,
        run: impl FnOnce(&dyn Disk, &Path) -> io::Result<T>,
    ) -> Result<T, DiskError> {
        if let Some(fatal) = self.failed() {
            return Err(fatal.clone().into());
        }
        run(&*self.0.disk, &self.0.root.join(path)).map_err(|source| DiskError::Io {
            operation,
            path: path.into(),
            source,
        })
    }
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume").field("root", &self.0.root).field("failed", &self.failed()).finish()
    }
}

const TEMPORARY: &str = "temporary";

/// Where a file is made before it gets its name.
fn temporary(path: &Path) -> Result<PathBuf, DiskError> {
    let name = path.file_name().ok_or_else(|| DiskError::Io {
        operation: "name",
        path: path.into(),
        source: io::ErrorKind::InvalidInput.into(),
    })?;
    Ok(Path::new(TEMPORARY).join(name))
}

/// An open file of a volume. Clones are the same file.
#[derive(Clone)]
pub struct VolumeFile {
    volume: Volume,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl VolumeFile {
    /// Reads until `into` is full or the file ends; the number of bytes read.
    pub(crate) fn read_at(&self, position: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let mut filled = 0;
        self.run("read", || {
            while filled < into.len() {
                let at = position.saturating_add(disk_size(filled));
                match self.file.read_at(at, &mut into[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(filled)
        })
    }

    /// Writes all of `bytes` at `position`.
    pub(crate) fn write_at(&self, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.run("write", || self.file.write_at(position, bytes))
    }

    /// Cuts or lengthens the file.
    pub(crate) fn set_length(&self, length_bytes: u64) -> Result<(), DiskError> {
        self.run("set the length of", || self.file.set_length(length_bytes))
    }

    /// The file's length in bytes.
    pub(crate) fn length(&self) -> Result<u64, DiskError> {
        self.run("measure", || self.file.length())
    }

    /// When it was written last, in milliseconds since 1970.
    pub(crate) fn modified_ms(&self) -> Result<u64, DiskError> {
        self.run("look at", || self.file.modified_ms())
    }

    /// Sets that time; see [`DiskFile::set_modified_ms`].
    pub(crate) fn set_modified_ms(&self, modified_ms: u64) -> Result<(), DiskError> {
        self.run("set the time of", || self.file.set_modified_ms(modified_ms))
    }

    /// Makes contents and length durable; a failure ends the volume.
    pub(crate) fn sync(&self) -> Result<(), Fatal> {
        self.volume.sync(&self.path, |_| self.file.sync())
    }

    fn run<T>(&self, operation: &'static str, run: impl FnOnce() -> io::Result<T>) -> Result<T, DiskError> {
        self.volume.run(operation, &self.path, |_, _| run())
    }
}

impl fmt::Debug for VolumeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolumeFile").field("path", &self.path).finish()
    }
}
