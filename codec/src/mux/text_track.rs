//! Texts beside the pictures.

/// A text and when it is shown, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// From then on.
    pub start_ms: u64,
    /// Until then.
    pub end_ms: u64,
    /// The text; what is longer than [`TextTrack::MAX_TEXT_BYTES`] is cut.
    pub text: String,
}

/// What can be read in a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// Shown over the pictures by players that are asked to.
    pub subtitles: TextTrack,
    /// Shown in a menu.
    pub chapters: TextTrack,
}

/// Texts that start with the first picture and follow one another without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTrack {
    pub(super) samples: Vec<TextSample>,
}

/// One text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextSample {
    pub(super) duration_ms: u32,
    /// Not longer than [`TextTrack::MAX_TEXT_BYTES`]; empty where nothing is shown.
    pub(super) text: String,
    /// What stands behind it in MP4.
    behind: &'static [u8],
}

impl TextSample {
    /// The text as MP4 keeps it: with its length before it.
    pub(super) fn data(&self) -> Vec<u8> {
        let length = u16::try_from(self.text.len()).expect("a text's longest length fits 16 bits");
        [&length.to_be_bytes(), self.text.as_bytes(), self.behind].concat()
    }

    /// The length of [`TextSample::data`], in bytes.
    pub(super) fn data_bytes(&self) -> u32 {
        let bytes = size_of::<u16>() + self.text.len() + self.behind.len();
        u32::try_from(bytes).expect("a text's longest length fits 16 bits")
    }
}

impl TextTrack {
    /// Longest text, in bytes of UTF-8.
    pub const MAX_TEXT_BYTES: usize = 8 << 10;

    /// Tells readers of QuickTime texts that they are UTF-8: a box `encd` (QuickTime File Format, text sample data).
    const UTF_8: &'static [u8] = b"\0\0\0\x0cencd\0\0\x01\0";

    /// Subtitles (3GPP TS 26.245): cues in order, none before the end of the one before; between them, nothing is
    /// shown.
    pub fn subtitles(cues: &[Cue]) -> Self {
        Self::new(cues, &[])
    }

    /// Chapters (QuickTime File Format, chapter lists): cues in order, the first of which starts with the first
    /// picture.
    pub fn chapters(cues: &[Cue]) -> Self {
        Self::new(cues, Self::UTF_8)
    }

    fn new(cues: &[Cue], behind: &'static [u8]) -> Self {
        let mut samples = Vec::new();
        let mut at_ms = 0;
        for cue in cues {
            push(&mut samples, cue.start_ms.saturating_sub(at_ms), "", behind);
            push(&mut samples, cue.end_ms.saturating_sub(cue.start_ms.max(at_ms)), &cue.text, behind);
            at_ms = at_ms.max(cue.end_ms);
        }
        Self { samples }
    }

    /// When the last text ends, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration_ms)).sum()
    }
}

/// Adds a text, unless it is shown for no time. The time that one sample can last is 49 days.
fn push(samples: &mut Vec<TextSample>, mut duration_ms: u64, text: &str, behind: &'static [u8]) {
    let (text, _) = text.split_at(text.floor_char_boundary(TextTrack::MAX_TEXT_BYTES));
    while duration_ms > 0 {
        let part_ms = u32::try_from(duration_ms).unwrap_or(u32::MAX);
        samples.push(TextSample { duration_ms: part_ms, text: text.to_owned(), behind });
        duration_ms -= u64::from(part_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_ms: u64, end_ms: u64, text: &str) -> Cue {
        Cue { start_ms, end_ms, text: text.to_owned() }
    }

    fn samples(track: &TextTrack) -> Vec<(u32, Vec<u8>)> {
        let lengths = track.samples.iter().map(TextSample::data_bytes);
        assert!(lengths.eq(track.samples.iter().map(|sample| u32::try_from(sample.data().len()).unwrap())));
        track.samples.iter().map(|sample| (sample.duration_ms, sample.data())).collect()
    }

    #[test]
    fn cues_follow_one_another_and_gaps_are_empty_texts() {
        let track = TextTrack::subtitles(&[cue(500, 900, "lé"), cue(900, 1_000, "x"), cue(3_000, 3_001, "")]);
        let expected: [(u32, &[u8]); 5] =
            [(500, b"\0\0"), (400, b"\0\x03l\xc3\xa9"), (100, b"\0\x01x"), (2_000, b"\0\0"), (1, b"\0\0")];
        let expected = expected.map(|(duration_ms, data)| (duration_ms, data.to_vec()));
        assert_eq!((samples(&track), track.duration_ms()), (expected.to_vec(), 3_001));
        let chapters = TextTrack::chapters(&[cue(0, 7, "a")]);
        assert_eq!(samples(&chapters), [(7, b"\0\x01a\0\0\0\x0cencd\0\0\x01\0".to_vec())]);
    }

    #[test]
    fn a_text_is_cut_between_characters_and_a_long_time_is_several_samples() {
        let long = "€".repeat(TextTrack::MAX_TEXT_BYTES);
        let track = TextTrack::subtitles(&[cue(0, 1, &long), cue(1, 2 + u64::from(u32::MAX), "x")]);
        let lengths: Vec<_> =
            track.samples.iter().map(|sample| (sample.duration_ms, sample.data().len())).collect();
        assert_eq!(lengths, [(1, 2 + 8_190), (u32::MAX, 3), (1, 3)]);
    }
}
