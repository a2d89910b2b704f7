//! The limits that answer hostile input. One place, so that a refusal can always name its limit.

use crate::cost::Cost;
use crate::source::guac::OnDamage;

/// Bounds on what a recording may ask for. [`Limits::default`] holds the values of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether reading ends at damage. It stands here because all readers of a recording must agree on it.
    pub on_damage: OnDamage,
    /// Longest element of an instruction, in Unicode code points.
    pub element_chars: usize,
    /// Longest element of an inline image of an old dump, in Unicode code points.
    pub inline_image_chars: usize,
    /// Most elements of one instruction, its opcode included.
    pub elements: usize,
    /// Longest instruction that is not an inline image, in bytes.
    pub instruction_bytes: usize,
    /// Most digits of an element's length; inline images may need more.
    pub length_digits: usize,
    /// Most digits of the length of an inline image.
    pub inline_length_digits: usize,
    /// Longest line of an asciicast, in bytes.
    pub line_bytes: usize,
    /// Most columns, and most rows, of a terminal.
    pub terminal_side: usize,
    /// Longest timing of a typescript, in bytes.
    pub timing_bytes: usize,
    /// Most visible layers that exist at one time.
    pub layers: usize,
    /// Most off-screen buffers that exist at one time.
    pub buffers: usize,
    /// Most streams (images, sound, clipboard) that are open at one time.
    pub streams: usize,
    /// Most pixels of all layers and buffers together.
    pub canvas_pixels: usize,
    /// Longest side of a layer or buffer, in pixels.
    pub side_pixels: usize,
    /// Most segments of a layer's path and of its clips together.
    pub path_segments: usize,
    /// Most segments and saved states of all layers together.
    pub all_segments: usize,
    /// Most clips of one layer.
    pub clips: usize,
    /// Most states that one layer saves.
    pub saved_states: usize,
    /// Largest layer that may be drawn with on itself, in pixels.
    pub pattern_pixels: usize,
    /// Longest side of the mouse pointer's image, in pixels.
    pub cursor_side_pixels: usize,
    /// Longest coded image, and all images whose bytes are still coming, in bytes.
    pub image_bytes: usize,
    /// Largest decoded image, in pixels.
    pub image_pixels: usize,
    /// Most memory for layers, shown pictures and the decoding of an image together, in bytes.
    pub memory_bytes: usize,
    /// Work that reading and drawing may take beside [`Limits::time_factor`], in milliseconds of [`crate::cost`].
    pub time_ms: u64,
    /// Work that reading and drawing may take for each millisecond of media time, in the same unit.
    pub time_factor: u64,
    /// A longer silence between two timestamps becomes a marked gap, in milliseconds.
    pub gap_ms: i64,
    /// Most sound channels.
    pub audio_channels: u32,
    /// Lowest and highest sampling rate of sound, in hertz.
    pub audio_rate_hz: (u32, u32),
    /// Most streams that sound at one time.
    pub audio_streams: usize,
    /// Most sound that waits for its place on the timeline, in bytes of 16-bit stereo.
    pub audio_held_bytes: usize,
    /// How far sound may run ahead of the timestamps, in milliseconds; what is beyond is left out.
    pub audio_ahead_ms: i64,
    /// How long sound from a file beside the recording may be, and how far from its beginning it may begin, in
    /// milliseconds; what is beyond is left out.
    pub side_car_ms: i64,
    /// Most ends of frames that a timeline keeps; of more, every second one goes.
    pub timeline_syncs: usize,
    /// Most points in time that a timeline keeps to count frames or keys; more share coarser ones.
    pub timeline_counts: usize,
    /// Most spans without activity that a timeline keeps; of more, the shortest go.
    pub timeline_spans: usize,
    /// Most markers of each kind that a timeline keeps.
    pub timeline_markers: usize,
    /// Longest text of a marker, in characters.
    pub marker_chars: usize,
    /// Most batches of keystrokes.
    pub key_batches: usize,
    /// Longest text of all batches of keystrokes together, in bytes.
    pub key_text_bytes: usize,
    /// Longest text of one clipboard, in bytes.
    pub clipboard_bytes: usize,
    /// Most statements of a database session that a timeline keeps.
    pub statements: usize,
    /// Longest text of one of them, in characters; the recording holds the rest.
    pub statement_chars: usize,
    /// All that a timeline keeps of statements, as JSON, in bytes.
    pub statement_bytes: usize,
}

impl Limits {
    /// The most that reading and drawing may cost up to a media time.
    pub fn cost_max(&self, media_ms: i64) -> Cost {
        let media_ms = u64::try_from(media_ms).unwrap_or(0);
        Cost::of_ms(self.time_ms.saturating_add(media_ms.saturating_mul(self.time_factor)))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            on_damage: OnDamage::Stop,
            element_chars: 8192,
            inline_image_chars: 16 << 20,
            elements: 128,
            instruction_bytes: 32 << 10,
            length_digits: 5,
            inline_length_digits: 8,
            line_bytes: 1 << 20,
            terminal_side: 1_000,
            timing_bytes: 64 << 20,
            layers: 64,
            buffers: 4096,
            streams: 64,
            canvas_pixels: 64 << 20,
            side_pixels: 8192,
            path_segments: 512,
            all_segments: 16_384,
            clips: 8,
            saved_states: 64,
            pattern_pixels: 16 << 20,
            cursor_side_pixels: 512,
            image_bytes: 16 << 20,
            image_pixels: 16 << 20,
            memory_bytes: 384 << 20,
            time_ms: 2_000,
            time_factor: 4,
            gap_ms: 24 * 60 * 60 * 1000,
            audio_channels: 8,
            audio_rate_hz: (8_000, 192_000),
            audio_streams: 8,
            audio_held_bytes: 16 << 20,
            audio_ahead_ms: 60 * 60 * 1000,
            side_car_ms: 24 * 60 * 60 * 1000,
            timeline_syncs: 2 << 20,
            timeline_counts: 1 << 19,
            timeline_spans: 1 << 16,
            timeline_markers: 1_000,
            marker_chars: 256,
            key_batches: 1 << 16,
            key_text_bytes: 16 << 20,
            clipboard_bytes: 1 << 20,
            statements: 1 << 17,
            statement_chars: 8 << 10,
            statement_bytes: 24 << 20,
        }
    }
}
