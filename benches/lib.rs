//! Measurements of the stages of a conversion, one `[[bench]]` each, on a recording of `tests/data`.
//!
//! They are for comparing one change of the code with another on one machine. Whole conversions beside another
//! program are measured by `tests/measure/cost.py`.

use codec::limits::Limits;
use codec::replay::{Moment, Replay};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is read, drawn and coded: a desktop of 1280x720 for half a minute.
pub const RECORDING: &str = "vnc-1.5.5";
/// Bytes handed over at once, as the product does.
pub const PIECE_BYTES: usize = 32 << 10;

/// The plain bytes of [`RECORDING`].
pub fn recording() -> Vec<u8> {
    let name = format!("../tests/data/{RECORDING}.guac.zst");
    decompress(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
}

/// Names and plain bytes of all recordings in the folder that the variable `RECORDINGS` names, or in `tests/data`.
pub fn recordings() -> Vec<(String, Vec<u8>)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data");
    let folder = std::env::var_os("RECORDINGS").map_or(data, PathBuf::from);
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut recordings: Vec<_> = paths
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".guac.zst")?.to_owned();
            Some((name, decompress(&path)))
        })
        .collect();
    recordings.sort();
    recordings
}

fn decompress(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).expect("the recording can be read");
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(file).expect("the recording is compressed");
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).expect("the recording is whole");
    bytes
}

/// Draws a recording, and hands over the replay at the end of each frame.
pub fn replay(recording: &[u8], mut at_frame: impl FnMut(&mut Replay, i64)) {
    let mut replay = Replay::new(Limits::default());
    for piece in recording.chunks(PIECE_BYTES) {
        replay.push(piece);
        while let Some(moment) = replay.step().expect("the recording is not damaged") {
            if let Moment::Frame { at_ms, .. } = moment {
                at_frame(&mut replay, at_ms);
            }
        }
    }
}
