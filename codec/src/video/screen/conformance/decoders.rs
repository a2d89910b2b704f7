//! Decoders that are not ours, as processes.

use super::super::format::Format;
use crate::video::settings::Chroma;
use std::io::Write;
use std::process::{Command, Stdio};

/// A decoder of AV1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoder {
    Ffmpeg,
    Dav1d,
    Aomdec,
}

impl Decoder {
    /// ffmpeg, which tests need anyway, and the others where they are installed.
    pub(super) fn installed() -> Vec<Self> {
        let mut decoders = vec![Self::Ffmpeg];
        for decoder in [Self::Dav1d, Self::Aomdec] {
            let mut process = Command::new(decoder.program());
            if process.arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
                decoders.push(decoder);
            }
        }
        decoders
    }

    fn program(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Dav1d => "dav1d",
            Self::Aomdec => "aomdec",
        }
    }

    /// What stands before the name of the stream.
    fn arguments(self) -> std::str::Split<'static, char> {
        match self {
            Self::Ffmpeg => "-v error -c:v libdav1d -f ivf -i",
            Self::Dav1d => "--quiet --threads 1 --demuxer ivf --muxer yuv -o - -i",
            Self::Aomdec => "--rawvideo -o -",
        }
        .split(' ')
    }

    /// All planes of all frames of the packets.
    pub(super) fn decode(self, format: Format, packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&ivf(format, packets)).unwrap();
        let mut process = Command::new(self.program());
        process.args(self.arguments()).arg(file.path());
        if self == Self::Ffmpeg {
            process.args([
                "-fps_mode",
                "passthrough",
                "-f",
                "rawvideo",
                "-pix_fmt",
                pixels(format),
                "pipe:1",
            ]);
        }
        process.stdin(Stdio::null()).stderr(Stdio::inherit()).output().expect("the decoder starts").stdout
    }
}

fn pixels(format: Format) -> &'static str {
    match format.chroma {
        Chroma::Half => "yuv420p",
        Chroma::Full => "yuv444p",
    }
}

/// The simplest container: a head of 32 bytes, then each packet behind 12.
fn ivf(format: Format, packets: &[Vec<u8>]) -> Vec<u8> {
    let word = |value: usize| u16::try_from(value).unwrap().to_le_bytes();
    let long = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let mut file = b"DKIF\0\0\x20\0AV01".to_vec();
    file.extend(word(format.size.width));
    file.extend(word(format.size.height));
    for value in [30, 1, packets.len(), 0] {
        file.extend(long(value));
    }
    for (index, packet) in packets.iter().enumerate() {
        file.extend(long(packet.len()));
        file.extend(u64::try_from(index).unwrap().to_le_bytes());
        file.extend(packet);
    }
    file
}
