//! A file system of its own, in an image file behind a loop device.

use crate::measure::PYTHON;
use crate::paths::repository;
use crate::processes::wait_until;
use anyhow::{Context, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Sparse: it takes what is written.
const IMAGE_BYTES: u64 = 512 << 20;
/// The file that fills the rest of a disk.
const BALLAST: &str = "room-taken";
/// What no file can be given counts as nothing.
const ROOM_BYTES_MIN: u64 = 4096;
/// For requests under way to reach a busy disk.
const SOON: Duration = Duration::from_secs(60);
/// Where Debian keeps the programs for disks, which not every path has.
const PROGRAMS: &str = "/usr/sbin:/sbin:/usr/bin:/bin";

/// An ext4 file system, mounted. Dropped, it is unmounted, and its image removed.
#[derive(Debug)]
pub struct LoopDisk {
    image: PathBuf,
    /// `loop0`, say.
    device: String,
    mount_point: PathBuf,
}

impl LoopDisk {
    /// An empty one; its image and mount point lie in `folder` under `name`.
    pub fn new(folder: &Path, name: &str) -> anyhow::Result<Self> {
        Self::of_bytes(IMAGE_BYTES, folder, name)
    }

    /// The same of another size.
    pub fn of_bytes(bytes: u64, folder: &Path, name: &str) -> anyhow::Result<Self> {
        let image = folder.join(format!("{name}.image"));
        File::create_new(&image)?.set_len(bytes)?;
        run("mkfs.ext4", [OsStr::new("-q"), OsStr::new("-F"), image.as_os_str()])?;
        Self::mount(image, folder.join(name))
    }

    /// Mounts an image. The device goes past the page cache, so that the image holds what the file system has really
    /// written; and ext4 is told not to write by itself what programs forgot to sync before a rename.
    fn mount(image: PathBuf, mount_point: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir(&mount_point)?;
        let image_text = image.as_os_str();
        let attached = run(
            "losetup",
            ["--find", "--show", "--direct-io=on"].map(OsStr::new).into_iter().chain([image_text]),
        )
        .context("a power cut needs root, who may attach and mount a loop device")?;
        let device = attached.trim().strip_prefix("/dev/").context("losetup names a device")?.to_owned();
        let node = format!("/dev/{device}");
        let mounted = ensure_direct(&device).and_then(|()| {
            let options = ["-t", "ext4", "-o", "noauto_da_alloc", &node].map(OsStr::new);
            run("mount", options.into_iter().chain([mount_point.as_os_str()]))
                .context("a power cut needs root, who may attach and mount a loop device")
        });
        // From here on the device goes with its last user.
        run("losetup", [OsStr::new("--detach"), OsStr::new(&node)])?;
        mounted?;
        Ok(Self { image, device, mount_point })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mount_point
    }

    /// Takes all room that is left, until [`LoopDisk::give_room`].
    pub fn take_room(&self) -> anyhow::Result<()> {
        let ballast = File::create(self.mount_point.join(BALLAST))?;
        let (mut taken, mut piece) = (0, IMAGE_BYTES);
        while piece >= ROOM_BYTES_MIN {
            let (from, length) = (i64::try_from(taken)?, i64::try_from(piece)?);
            match fallocate(&ballast, FallocateFlags::empty(), from, length) {
                Ok(()) => taken += piece,
                Err(Errno::ENOSPC) => piece /= 2,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error).context("taking the room of a disk"),
            }
        }
        Ok(())
    }

    /// Gives it back.
    pub fn give_room(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.mount_point.join(BALLAST))?)
    }

    /// Lets nothing be written or synced until the answer is dropped: whoever tries waits.
    pub fn freeze(&self) -> anyhow::Result<Frozen<'_>> {
        run("fsfreeze", [OsStr::new("--freeze"), self.mount_point.as_os_str()])?;
        Ok(Frozen(self))
    }

    /// How often the device was asked to make durable what it has taken (field `flush I/Os`).
    pub fn flushes(&self) -> anyhow::Result<u64> {
        self.statistic(15)
    }

    /// Somebody who can cut its power at once.
    pub fn switch(&self) -> anyhow::Result<PowerSwitch> {
        let mut command = Command::new(PYTHON);
        command.arg(repository().join("tests/harness/power_switch.py")).arg(&self.mount_point);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start Python")?;
        let output = child.stdout.take().context("its standard output is a pipe")?;
        let mut switch = PowerSwitch { child, output: BufReader::new(output) };
        switch.expect("ready")?;
        Ok(switch)
    }

    /// What a machine would find after the cut: a copy of the image, taken while the device is still attached, and
    /// mounted beside it under `name`.
    pub fn after_cut(&self, name: &str) -> anyhow::Result<Self> {
        // What the device had been given before the cut ends on its own.
        wait_until("the end of what is under way", SOON, || Ok(self.under_way()? == 0))?;
        let written = self.written()?;
        let image = self.image.with_file_name(format!("{name}.image"));
        run("cp", [OsStr::new("--sparse=always"), self.image.as_os_str(), image.as_os_str()])?;
        ensure!(self.written()? == written, "the file system has written after its power was cut");
        Self::mount(image, self.mount_point.with_file_name(name))
    }

    /// Requests to the device under way.
    fn under_way(&self) -> anyhow::Result<u64> {
        self.statistic(8)
    }

    /// Sectors written to the device so far.
    fn written(&self) -> anyhow::Result<u64> {
        self.statistic(6)
    }

    /// A field of Documentation/block/stat.rst.
    fn statistic(&self, field: usize) -> anyhow::Result<u64> {
        let text = fs::read_to_string(format!("/sys/block/{}/stat", self.device))?;
        Ok(text.split_whitespace().nth(field).context("a block device has statistics")?.parse()?)
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        // Errors have nowhere to go; the folder that holds image and mount point is removed by its owner.
        run("umount", [self.mount_point.as_os_str()]).ok();
        fs::remove_dir(&self.mount_point).ok();
        fs::remove_file(&self.image).ok();
    }
}

/// A disk on which nothing moves.
#[derive(Debug)]
pub struct Frozen<'a>(&'a LoopDisk);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        // An error shows itself: nothing on the disk ends.
        run("fsfreeze", [OsStr::new("--unfreeze"), self.0.mount_point.as_os_str()]).ok();
    }
}

/// Kills a process and cuts off its file system at the same instant.
#[derive(Debug)]
pub struct PowerSwitch {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl PowerSwitch {
    /// Does it.
    pub fn cut(mut self, process: u32) -> anyhow::Result<()> {
        let mut input = self.child.stdin.take().context("its standard input is a pipe")?;
        writeln!(input, "{process}")?;
        self.expect("cut")
    }

    fn expect(&mut self, expected: &str) -> anyhow::Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line.trim_end() == expected, "expected {expected} from the power switch, found {line:?}");
        Ok(())
    }
}

impl Drop for PowerSwitch {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn ensure_direct(device: &str) -> anyhow::Result<()> {
    let direct = fs::read_to_string(format!("/sys/block/{device}/loop/dio"))?;
    ensure!(direct.trim() == "1", "the disk under the image refuses direct input and output");
    Ok(())
}

/// Runs a program and returns what it printed; its error is one sentence.
fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).env("PATH", PROGRAMS).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "));
    }
    Ok(String::from_utf8(output.stdout)?)
}
