//! What a worker process may use.

use codec::canvas::Decoders;
use codec::geometry::Size;
use codec::limits::Limits;
use codec::video::{Chroma, Plan, SegmentEncoder};
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::num::NonZero;
use std::sync::Arc;

/// Memory that no worker exceeds, whatever the recording, but for [`memory_bytes`]: its whole address space is held to it.
pub(crate) const MEMORY_BYTES: u64 = 512 << 20;
/// What drawing has at least where no film is coded: all that the largest screen takes, and some more.
const DRAWING_BYTES_MIN: u64 = 192 << 20;
/// Memory of a worker beside pictures: program, stack, buffers, and what lies between blocks.
const BASE_BYTES: u64 = 48 << 20;
/// Memory of images that are decoded before they are drawn, beside what drawing may take.
const AHEAD_BYTES: u64 = 32 << 20;
/// The same where one picture is looked for: nothing else is wanted, and much is drawn for it.
const AHEAD_OF_PICTURE_BYTES: u64 = 64 << 20;
/// Threads that decode images for one picture, if the machine has as many cores beside.
const THREADS_FOR_PICTURE_MAX: usize = 3;
/// Memory of our encoder, and of the pictures before it, for each pixel of the video.
const SCREEN_BYTES_PER_PIXEL: u64 = 18;
/// What the decoder that checks our encoder takes besides. Where rav1e may be used this is in rav1e's share, since the
/// decoder goes before rav1e comes.
const CHECK_BYTES_PER_PIXEL: u64 = 8;
/// What rav1e takes besides, where it may be used.
const FILM_BYTES_PER_PIXEL: u64 = 100;
/// What all of them take besides with a sample of colour for each pixel, which they keep in each of their pictures.
const SCREEN_FULL_COLOUR_BYTES_PER_PIXEL: u64 = 6;
const CHECK_FULL_COLOUR_BYTES_PER_PIXEL: u64 = 5;
const FILM_FULL_COLOUR_BYTES_PER_PIXEL: u64 = 40;
/// Memory that a usual recording takes beside the encoder: by this workers share a machine.
const USUAL_BYTES: u64 = 112 << 20;
/// The same for each pixel of the screen.
const USUAL_BYTES_PER_SCREEN_PIXEL: u64 = 16;
/// Memory of a worker that codes sound.
pub(crate) const SOUND_MEMORY_BYTES: u64 = 256 << 20;
/// Time that a worker may compute on one part of a request, in seconds: far above what any input may cost. What takes
/// longer is a loop without an end.
const PART_CPU_S: u64 = 120;
/// What is added to the nice value of a process that makes a video: beside one of the usual value it gets a quarter of a core.
const NICE: i32 = 5;
/// Descriptors of a worker: its three pipes and some to spare for the runtime.
const DESCRIPTORS: u64 = 16;

/// Memory of a worker that codes a video: only the largest ones with full colour need more than the others.
pub(crate) fn memory_bytes(plan: &Plan) -> u64 {
    match plan.size().area() <= SegmentEncoder::FILM_PIXELS_MAX {
        true => MEMORY_BYTES,
        false => MEMORY_BYTES.max(BASE_BYTES + AHEAD_BYTES + DRAWING_BYTES_MIN + encoder_bytes(plan)),
    }
}

/// The limits of a recording that is drawn beside an encoder.
pub(crate) fn video_limits(plan: &Plan) -> Limits {
    let limits = Limits::default();
    let free_bytes = memory_bytes(plan).saturating_sub(BASE_BYTES + AHEAD_BYTES + encoder_bytes(plan));
    let memory_bytes = usize::try_from(free_bytes).unwrap_or(usize::MAX).min(limits.memory_bytes);
    Limits { memory_bytes, ..limits }
}

fn encoder_bytes(plan: &Plan) -> u64 {
    let (beside, beside_in_full_colour) = if plan.size().area() <= SegmentEncoder::FILM_PIXELS_MAX {
        (FILM_BYTES_PER_PIXEL, FILM_FULL_COLOUR_BYTES_PER_PIXEL)
    } else {
        (CHECK_BYTES_PER_PIXEL, CHECK_FULL_COLOUR_BYTES_PER_PIXEL)
    };
    let each = match plan.settings.chroma {
        Chroma::Half => SCREEN_BYTES_PER_PIXEL + beside,
        Chroma::Full => {
            SCREEN_BYTES_PER_PIXEL + beside + SCREEN_FULL_COLOUR_BYTES_PER_PIXEL + beside_in_full_colour
        }
    };
    pixels(plan.size()).saturating_mul(each)
}

fn usual_bytes(plan: &Plan) -> u64 {
    let video = encoder_bytes(plan);
    let screen = pixels(plan.largest()).saturating_mul(USUAL_BYTES_PER_SCREEN_PIXEL);
    USUAL_BYTES.saturating_add(video).saturating_add(screen)
}

fn pixels(size: Size) -> u64 {
    u64::try_from(size.area()).unwrap_or(u64::MAX)
}

/// How many workers of a plan fit into three quarters of the memory that is free.
pub(crate) fn workers_max(plan: &Plan) -> usize {
    let free_bytes = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| available_bytes(&text));
    let share = free_bytes.map_or(u64::MAX, |bytes| bytes / 4 * 3);
    usize::try_from(share / usual_bytes(plan)).unwrap_or(usize::MAX).max(1)
}

/// `MemAvailable` of proc(5)'s meminfo.
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// A thread that decodes images for one that draws and codes. Threads must be started before [`confine`].
pub(crate) fn decoders() -> Arc<Decoders> {
    Arc::new(Decoders::start(1, usize::try_from(AHEAD_BYTES).unwrap_or(0)))
}

/// Threads that decode images while a picture is looked for.
pub(crate) fn decoders_for_picture() -> Arc<Decoders> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = (cores - 1).min(THREADS_FOR_PICTURE_MAX);
    Arc::new(Decoders::start(threads, usize::try_from(AHEAD_OF_PICTURE_BYTES).unwrap_or(0)))
}

/// Lets whoever else wants a core have it: recorders and viewers come before videos.
pub(crate) fn yield_to_others() -> io::Result<()> {
    nice(NICE).map(|_| ())?;
    Ok(())
}

/// Takes from this process what a worker never needs: core dumps, processes, memory above `memory_bytes`.
pub(crate) fn confine(memory_bytes: u64) -> io::Result<()> {
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // Whoever started us may have set a stricter limit.
    let memory_bytes = memory_bytes.min(getrlimit(Resource::As).maximum.unwrap_or(u64::MAX));
    setrlimit(Resource::As, limit(memory_bytes))?;
    setrlimit(Resource::Core, limit(0))?;
    setrlimit(Resource::Nofile, limit(DESCRIPTORS))?;
    setrlimit(Resource::Nproc, limit(0))?;
    Ok(())
}

/// Lets this process compute for [`PART_CPU_S`] more; a signal that cannot be overlooked ends it then.
pub(crate) fn allow_part() -> io::Result<()> {
    let used_s = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = Some(maximum.unwrap_or(u64::MAX).min(used_s + PART_CPU_S));
    Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::cut::Cut;
    use codec::video::{Profile, VideoSettings};

    fn plan(width: usize, height: usize) -> Plan {
        let settings = VideoSettings::default();
        let (largest_width, largest_height) = (width, height);
        Plan {
            width,
            height,
            largest_width,
            largest_height,
            settings,
            cut: Cut::whole(0),
            segments: Vec::new(),
        }
    }

    #[test]
    fn drawing_gets_what_the_encoder_leaves() {
        for (plan, drawing) in [
            (plan(1280, 720), (432 << 20) - 1280 * 720 * 118),
            (plan(1920, 1080), (432 << 20) - 1920 * 1080 * 118),
            (plan(4096, 2304), (432 << 20) - 4096 * 2304 * 26),
        ] {
            assert_eq!(memory_bytes(&plan), MEMORY_BYTES);
            assert_eq!(video_limits(&plan).memory_bytes, (384 << 20).min(drawing));
        }
    }

    #[test]
    fn the_largest_screen_is_drawn_beside_an_encoder_with_full_colour_and_its_check() {
        let mut largest = plan(4096, 2304);
        largest.settings = VideoSettings::of(Profile::Legible);
        assert_eq!(video_limits(&largest).memory_bytes, 192 << 20);
        assert_eq!(memory_bytes(&largest), (272 << 20) + 4096 * 2304 * 37);
        let mut usual = plan(1920, 1080);
        usual.settings = largest.settings;
        assert_eq!(memory_bytes(&usual), MEMORY_BYTES);
    }

    #[test]
    fn the_free_memory_is_read_from_meminfo() {
        let meminfo = "MemTotal:       24645536 kB\nMemAvailable:   23000000 kB\nBuffers: 1 kB\n";
        assert_eq!(available_bytes(meminfo), Some(23_000_000 << 10));
        assert_eq!(available_bytes("MemTotal: 3 kB\n"), None);
    }
}
