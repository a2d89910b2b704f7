//! A file that only takes room: a member that finds its disk full gives it free, and can start.

use cluster::chunk::key::Random;
use cluster::chunk::{DiskLevel, DiskSpace};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Its name in the folder for data.
const NAME: &str = "ballast";
/// Bytes by which it grows at once, so that nobody who waits for the disk feels it.
const STEP_BYTES: u64 = 4 << 20;
/// It takes no more than one part in so many of the disk.
const PARTS: u64 = 100;

/// The file, and how long it is to be.
#[derive(Debug, Clone)]
pub(super) struct Ballast {
    dir: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// In the folder for data; of 0 MiB there is none.
    pub(super) fn new(dir: &Path, mib: u64) -> Self {
        Self { dir: dir.to_owned(), bytes: mib.saturating_mul(1 << 20) }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(NAME)
    }

    fn held_bytes(&self) -> io::Result<u64> {
        match fs::metadata(self.path()) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Removes it where less is free than it takes, or where none is wanted; says how many bytes that gave free. To be
    /// called before anything else of the member is written.
    pub(super) fn release_if_full(&self, space: DiskSpace) -> io::Result<Option<u64>> {
        let held_bytes = self.held_bytes()?;
        let is_wanted = self.bytes > 0 && space.free_bytes >= held_bytes;
        if held_bytes == 0 || is_wanted {
            return Ok(None);
        }
        fs::remove_file(self.path())?;
        fs::File::open(&self.dir)?.sync_all()?;
        Ok(Some(held_bytes))
    }

    /// Makes it a little longer, if it is too short and the disk has room. Real bytes: neither holes nor compression
    /// make it smaller.
    pub(super) fn grow(&self, space: DiskSpace, random: &dyn Random) -> io::Result<()> {
        let step_bytes = step_bytes(space, self.bytes, self.held_bytes()?);
        if step_bytes == 0 {
            return Ok(());
        }
        let mut bytes = vec![0; usize::try_from(step_bytes).map_err(io::Error::other)?];
        random.fill(&mut bytes).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.path())?;
        file.write_all(&bytes)?;
        file.sync_data()
    }
}

/// By how much it is to grow: not at all where the disk would be short of room with all of it.
fn step_bytes(space: DiskSpace, wanted_bytes: u64, held_bytes: u64) -> u64 {
    let lacks_bytes = wanted_bytes.min(space.total_bytes / PARTS).saturating_sub(held_bytes);
    let left = DiskSpace { free_bytes: space.free_bytes.saturating_sub(lacks_bytes), ..space };
    match left.level() {
        DiskLevel::Ample => lacks_bytes.min(STEP_BYTES),
        DiskLevel::Low | DiskLevel::Filling | DiskLevel::Scarce => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    const MIB: u64 = 1 << 20;

    #[test]
    fn it_grows_in_steps_to_a_hundredth_of_a_disk_with_room() {
        let disk = |free_mib: u64| DiskSpace { free_bytes: free_mib * MIB, total_bytes: 1000 * MIB };
        let steps = [
            (disk(900), 256, 0, 4),
            (disk(900), 256, 8, 2),
            (disk(900), 256, 10, 0),
            (disk(900), 256, 300, 0),
            (disk(900), 6, 4, 2),
            (disk(900), 0, 0, 0),
            (disk(160), 256, 0, 4),
            (disk(159), 256, 0, 0),
            (disk(152), 256, 8, 2),
            (disk(0), 256, 0, 0),
        ];
        for (space, wanted_mib, held_mib, step_mib) in steps {
            let step = step_bytes(space, wanted_mib * MIB, held_mib * MIB);
            assert_eq!(step, step_mib * MIB, "{space:?} {wanted_mib} {held_mib}");
        }
    }

    #[test]
    fn it_holds_real_bytes_until_the_disk_is_full_or_none_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let space = |free_mib: u64| DiskSpace { free_bytes: free_mib * MIB, total_bytes: 1000 * MIB };
        let (ballast, random) = (Ballast::new(dir.path(), 5), SystemRandom::new());
        for held_mib in [4, 5, 5] {
            ballast.grow(space(900), &random).unwrap();
            assert_eq!(ballast.held_bytes().unwrap(), held_mib * MIB);
        }
        let metadata = fs::metadata(ballast.path()).unwrap();
        assert!(metadata.blocks() * 512 >= 5 * MIB);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

        assert_eq!(ballast.release_if_full(space(5)).unwrap(), None);
        assert_eq!(ballast.release_if_full(space(4)).unwrap(), Some(5 * MIB));
        assert_eq!((ballast.held_bytes().unwrap(), ballast.release_if_full(space(0)).unwrap()), (0, None));
        ballast.grow(space(9), &random).unwrap();
        assert!(!ballast.path().exists());

        ballast.grow(space(900), &random).unwrap();
        assert_eq!(Ballast::new(dir.path(), 0).release_if_full(space(900)).unwrap(), Some(4 * MIB));
    }
}
