//! From the bytes of a stream to stereo samples.

use super::format::{SampleCoding, SoundFormat};

/// One moment of sound: left and right.
pub(super) type StereoSample = [i16; 2];

/// The limits of a stream's format allow no more.
const CHANNELS_MAX: usize = 8;
/// A weight of 1 in the fixed-point arithmetic of the downmix.
const UNIT: i32 = 1 << 12;
/// -3 dB, what a centre or rear channel gives to a side (ITU-R BS.775).
const MINUS_3_DB: i32 = 2896;

/// Cuts the bytes of one stream into samples; a sample that two blobs share is put together again.
#[derive(Debug)]
pub(super) struct PcmReader {
    format: SoundFormat,
    /// The bytes of a sample whose rest is still to come.
    rest: Vec<u8>,
}

impl PcmReader {
    pub(super) fn new(format: SoundFormat) -> Self {
        Self { format, rest: Vec::new() }
    }

    pub(super) fn format(&self) -> SoundFormat {
        self.format
    }

    /// Bytes that never became a sample.
    pub(super) fn rest_bytes(&self) -> usize {
        self.rest.len()
    }

    /// Appends the samples of the next bytes.
    pub(super) fn read(&mut self, mut bytes: &[u8], samples: &mut Vec<StereoSample>) {
        let channels = usize::try_from(self.format.channels).expect("a channel count fits the address space");
        let step = self.format.coding.bytes() * channels;
        if !self.rest.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(step - self.rest.len()));
            self.rest.extend_from_slice(head);
            bytes = tail;
            if self.rest.len() < step {
                return;
            }
            samples.push(self.downmix(&self.rest));
            self.rest.clear();
        }
        let moments = bytes.chunks_exact(step);
        self.rest.extend_from_slice(moments.remainder());
        samples.extend(moments.map(|moment| self.downmix(moment)));
    }

    fn downmix(&self, moment: &[u8]) -> StereoSample {
        let mut channels = [0_i16; CHANNELS_MAX];
        let mut count = 0;
        for (channel, coded) in channels.iter_mut().zip(moment.chunks_exact(self.format.coding.bytes())) {
            *channel = read_sample(self.format.coding, coded);
            count += 1;
        }
        downmix(&channels[..count])
    }
}

/// Left and right of one moment. More than two channels come in the order of WAVE files, as RDP servers
/// send them, and are mixed at a level that cannot clip.
pub(super) fn downmix(channels: &[i16]) -> StereoSample {
    match channels {
        [] => [0; 2],
        [both] => [*both; 2],
        [left, right] => [*left, *right],
        many => weights(many.len()).map(|weights| weigh(many, weights)),
    }
}

fn read_sample(coding: SampleCoding, coded: &[u8]) -> i16 {
    match (coding, coded) {
        (SampleCoding::Signed8, &[byte]) => i16::from(byte.cast_signed()) << 8,
        (SampleCoding::Signed16, &[low, high]) => i16::from_le_bytes([low, high]),
        (SampleCoding::Signed8 | SampleCoding::Signed16, _) => 0,
    }
}

/// What each channel gives to the left and to the right; the low-frequency channel gives nothing.
fn weights(channels: usize) -> [[i32; CHANNELS_MAX]; 2] {
    const FULL: i32 = UNIT;
    const PART: i32 = MINUS_3_DB;
    match channels {
        3 => [[FULL, 0, PART, 0, 0, 0, 0, 0], [0, FULL, PART, 0, 0, 0, 0, 0]],
        4 => [[FULL, 0, PART, 0, 0, 0, 0, 0], [0, FULL, 0, PART, 0, 0, 0, 0]],
        5 => [[FULL, 0, PART, PART, 0, 0, 0, 0], [0, FULL, PART, 0, PART, 0, 0, 0]],
        6 => [[FULL, 0, PART, 0, PART, 0, 0, 0], [0, FULL, PART, 0, 0, PART, 0, 0]],
        7 => [[FULL, 0, PART, 0, PART, PART, 0, 0], [0, FULL, PART, 0, PART, 0, PART, 0]],
        _ => [[FULL, 0, PART, 0, PART, 0, PART, 0], [0, FULL, PART, 0, 0, PART, 0, PART]],
    }
}

fn weigh(channels: &[i16], weights: [i32; CHANNELS_MAX]) -> i16 {
    let total: i32 = weights.iter().sum();
    let sum: i64 =
        channels.iter().zip(weights).map(|(&sample, weight)| i64::from(sample) * i64::from(weight)).sum();
    i16::try_from(sum / i64::from(total)).expect("a weighted mean is no larger than its largest part")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(coding: SampleCoding, channels: u32, blobs: &[&[u8]]) -> Vec<StereoSample> {
        let mut reader = PcmReader::new(SoundFormat { coding, rate_hz: 8_000, channels });
        let mut samples = Vec::new();
        for blob in blobs {
            reader.read(blob, &mut samples);
        }
        samples
    }

    #[test]
    fn samples_are_signed_and_little_endian() {
        let bytes = [0x00, 0x80, 0xFF, 0x7F, 0x01, 0x00, 0xFF, 0xFF];
        assert_eq!(read(SampleCoding::Signed16, 2, &[&bytes]), [[i16::MIN, i16::MAX], [1, -1]]);
        assert_eq!(read(SampleCoding::Signed8, 1, &[&[0x80, 0x7F]]), [[-32_768; 2], [32_512; 2]]);
    }

    #[test]
    fn a_sample_cut_by_blobs_is_put_together() {
        let bytes: Vec<u8> = (0..24).collect();
        let whole = read(SampleCoding::Signed16, 2, &[&bytes]);
        for cut in 0..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(read(SampleCoding::Signed16, 2, &[head, tail]), whole);
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(SampleCoding::Signed16, 2, &single), whole);
    }

    #[test]
    fn many_channels_never_clip_and_keep_their_sides() {
        for channels in 3..=8_u32 {
            let loudest = vec![0x7F; usize::try_from(channels).expect("small")];
            assert_eq!(read(SampleCoding::Signed8, channels, &[&loudest]), [[32_512; 2]]);
            let mut front_left = vec![0; usize::try_from(channels).expect("small")];
            front_left[0] = 100;
            let mixed = read(SampleCoding::Signed8, channels, &[&front_left]);
            assert!(mixed[0][0] > 8_000 && mixed[0][1] == 0, "{channels} channels gave {mixed:?}");
        }
    }
}
