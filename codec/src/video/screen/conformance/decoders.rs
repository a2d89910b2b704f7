//! Decoders that are not ours: rav1d, and others as processes.

use super::super::format::Format;
use crate::video::settings::Chroma;
use re_rav1d::dav1d::{PixelLayout, PlanarImageComponent, Settings};
use std::io::Write;
use std::process::{Command, Stdio};

/// A decoder of AV1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoder {
    Rav1d,
    Ffmpeg,
    Dav1d,
    Aomdec,
}

impl Decoder {
    /// rav1d, ffmpeg, which tests need anyway, and the others where they are installed.
    pub(super) fn installed() -> Vec<Self> {
        let mut decoders = vec![Self::Rav1d, Self::Ffmpeg];
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
            Self::Rav1d | Self::Ffmpeg => "ffmpeg",
            Self::Dav1d => "dav1d",
            Self::Aomdec => "aomdec",
        }
    }

    /// What stands before the name of the stream.
    fn arguments(self) -> std::str::Split<'static, char> {
        match self {
            Self::Rav1d | Self::Ffmpeg => "-v error -c:v libdav1d -f ivf -i",
            Self::Dav1d => "--quiet --threads 1 --demuxer ivf --muxer yuv -o - -i",
            Self::Aomdec => "--rawvideo -o -",
        }
        .split(' ')
    }

    /// Whether it shows each stream of several in its own size.
    pub(super) fn takes_other_sizes(self) -> bool {
        self != Self::Ffmpeg
    }

    /// All planes of all frames of the packets.
    pub(super) fn decode(self, format: Format, packets: &[Vec<u8>]) -> Vec<u8> {
        if self == Self::Rav1d {
            return decode_with_rav1d(packets);
        }
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

fn decode_with_rav1d(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    let mut decoder = re_rav1d::dav1d::Decoder::with_settings(&settings).unwrap();
    let mut samples = Vec::new();
    for packet in packets {
        decoder.send_data(packet.clone(), None, None, None).unwrap();
        let picture = decoder.get_picture().unwrap();
        let (width, height) = (picture.width(), picture.height());
        let (chroma_width, chroma_height) = match picture.pixel_layout() {
            PixelLayout::I444 => (width, height),
            PixelLayout::I400 | PixelLayout::I420 | PixelLayout::I422 => {
                (width.div_ceil(2), height.div_ceil(2))
            }
        };
        for (component, width, height) in [
            (PlanarImageComponent::Y, width, height),
            (PlanarImageComponent::U, chroma_width, chroma_height),
            (PlanarImageComponent::V, chroma_width, chroma_height),
        ] {
            let (width, height) = (usize::try_from(width).unwrap(), usize::try_from(height).unwrap());
            let stride = usize::try_from(picture.stride(component)).unwrap();
            let plane = picture.plane(component);
            plane.chunks(stride).take(height).for_each(|row| samples.extend_from_slice(&row[..width]));
        }
    }
    samples
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
