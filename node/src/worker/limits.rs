//! What a worker process may use.

use codec::video::{Chroma, Plan};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io;

/// Memory of a worker beside what it needs for each pixel: program, recorded images, buffers.
const BASE_BYTES: u64 = 112 << 20;
/// Memory for each pixel of the video: canvas and encoder take about 100 bytes of it. At 1280x720 a worker gets
/// 253 MiB, at 1920x1080 428 MiB.
const BYTES_PER_PIXEL: u64 = 160;
/// The same with a sample of colour for each pixel, which the encoder keeps in each of its pictures.
const BYTES_PER_PIXEL_FULL: u64 = 200;
/// Memory of a worker that codes sound.
pub(crate) const SOUND_MEMORY_BYTES: u64 = 256 << 20;
/// Memory of a worker that draws one picture: a recording's canvas and images up to their limits fit.
pub(crate) const FRAME_MEMORY_BYTES: u64 = 1 << 30;
/// Descriptors of a worker: its three pipes and some to spare for the runtime.
const DESCRIPTORS: u64 = 16;

/// The memory that a worker gets for a plan, in bytes: its whole address space is held to it.
pub(crate) fn memory_bytes(plan: &Plan) -> u64 {
    let pixels = u64::try_from(plan.size().area().max(plan.largest().area())).unwrap_or(u64::MAX);
    let each = match plan.settings.chroma {
        Chroma::Half => BYTES_PER_PIXEL,
        Chroma::Full => BYTES_PER_PIXEL_FULL,
    };
    BASE_BYTES.saturating_add(pixels.saturating_mul(each))
}

/// How many workers of a plan fit into three quarters of the memory that is free.
pub(crate) fn workers_max(plan: &Plan) -> usize {
    let free_bytes = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| available_bytes(&text));
    let share = free_bytes.map_or(u64::MAX, |bytes| bytes / 4 * 3);
    usize::try_from(share / memory_bytes(plan)).unwrap_or(usize::MAX).max(1)
}

/// `MemAvailable` of proc(5)'s meminfo.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Takes from this process what a worker never needs: core dumps, processes, memory above `memory_bytes`.
pub(crate) fn confine(memory_bytes: u64) -> io::Result<()> {
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::As, limit(memory_bytes))?;
    setrlimit(Resource::Core, limit(0))?;
    setrlimit(Resource::Nofile, limit(DESCRIPTORS))?;
    setrlimit(Resource::Nproc, limit(0))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_memory_is_read_from_meminfo() {
        let meminfo = "MemTotal:       24645536 kB\nMemAvailable:   23000000 kB\nBuffers: 1 kB\n";
        assert_eq!(available_bytes(meminfo), Some(23_000_000 << 10));
        assert_eq!(available_bytes("MemTotal: 3 kB\n"), None);
    }
}
