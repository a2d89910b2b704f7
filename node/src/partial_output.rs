//! Files that can be read while they grow.

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What stands behind the name of a file that is not complete.
const ENDING: &str = ".part";

/// A file that grows as `NAME.part` and is called `NAME` when it is complete. Dropped before [`PartialOutput::publish`], it is
/// removed; what a killed process has left is written over.
pub(crate) struct PartialOutput {
    path: PathBuf,
    /// Its name while it grows, until it has the other one.
    partial: Option<PathBuf>,
    file: BufWriter<File>,
}

impl PartialOutput {
    /// Begins a file that will stand at `path`. Two at one time are refused.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut name = OsString::from(path);
        name.push(ENDING);
        let partial = PathBuf::from(name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(&partial, flags, Mode::from_raw_mode(0o666))?);
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(written_by_another(&partial)),
            locked => locked?,
        }
        // Who held the lock may have renamed or removed the file meanwhile: it is not ours to write over.
        let (ours, named) = (file.metadata()?, fs::metadata(&partial));
        if !named.is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Err(written_by_another(&partial));
        }
        file.set_len(0)?;
        Ok(Self { path: path.to_owned(), partial: Some(partial), file: BufWriter::new(file) })
    }

    /// Gives the complete file its name; returns its size in bytes.
    pub(crate) fn publish(mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let bytes = self.file.get_ref().metadata()?.len();
        if let Some(partial) = &self.partial {
            fs::rename(partial, &self.path)?;
            self.partial = None;
        }
        Ok(bytes)
    }
}

fn written_by_another(partial: &Path) -> io::Error {
    let reason = format!("{} is being written by another conversion", partial.display());
    io::Error::new(io::ErrorKind::ResourceBusy, reason)
}

impl Write for PartialOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartialOutput {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // What cannot be removed is written over by the next one.
            fs::remove_file(partial).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_under_a_name_of_its_own_and_is_never_two() {
        let folder = tempfile::tempdir().unwrap();
        let (path, partial) = (folder.path().join("a.mp4"), folder.path().join("a.mp4.part"));
        fs::write(&path, "an older one").unwrap();
        fs::write(&partial, "what a killed process has left").unwrap();
        let mut output = PartialOutput::create(&path).unwrap();
        output.write_all(b"new").unwrap();
        output.flush().unwrap();
        assert_eq!(
            (fs::read(&partial).unwrap(), fs::read(&path).unwrap()),
            (b"new".to_vec(), b"an older one".to_vec())
        );
        let refused = PartialOutput::create(&path).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("another conversion"), "{refused}");
        assert_eq!(output.publish().unwrap(), 3);
        assert_eq!((fs::read(&path).unwrap(), partial.exists()), (b"new".to_vec(), false));
        drop(PartialOutput::create(&path).unwrap());
        assert_eq!((fs::read(&path).unwrap(), partial.exists()), (b"new".to_vec(), false));
    }
}
