//! Whether a decoder that is not ours shows what our encoder means.

use super::screen::ScreenEncoder;
use re_rav1d::dav1d::{Decoder, PlanarImageComponent, Settings};

/// Looks at each packet of an encoder as soon as it is written.
pub(super) trait Check: Send {
    /// Whether decoders see in `packet` what `encoder`, which has just written it, means.
    fn agrees(&mut self, packet: &[u8], encoder: &ScreenEncoder) -> bool;

    /// Another check of its kind that has seen nothing.
    fn anew(&self) -> Box<dyn Check>;
}

/// Decodes with rav1d, on this thread.
pub(super) struct Rav1dCheck(Option<Decoder>);

impl Rav1dCheck {
    /// Nothing was decoded yet.
    pub(super) fn new() -> Self {
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        // Without a decoder, no packet is agreed on.
        Self(Decoder::with_settings(&settings).ok())
    }
}

impl Check for Rav1dCheck {
    fn agrees(&mut self, packet: &[u8], encoder: &ScreenEncoder) -> bool {
        let Some(decoder) = &mut self.0 else { return false };
        if decoder.send_data(packet.to_vec(), None, None, None).is_err() {
            return false;
        }
        let Ok(picture) = decoder.get_picture() else { return false };
        let components = [PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V];
        components.into_iter().zip(encoder.shown()).all(|(component, (size, rows))| {
            let (decoded, stride) = (picture.plane(component), picture.stride(component));
            let stride = usize::try_from(stride).unwrap_or(usize::MAX).max(1);
            let mut decoded = decoded.chunks(stride);
            let mut rows = rows;
            rows.all(|row| decoded.next().and_then(|decoded| decoded.get(..size.width)) == Some(row))
        })
    }

    fn anew(&self) -> Box<dyn Check> {
        Box::new(Self::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Rect, Size};
    use crate::video::screen::{Format, ScreenFrame, Source};
    use crate::video::{Chroma, Yuv};

    #[test]
    fn a_decoder_agrees_with_what_was_written_and_with_nothing_else() {
        for (chroma, base_q_idx) in [(Chroma::Half, 80), (Chroma::Full, 0), (Chroma::Full, 120)] {
            let size = Size { width: 75, height: 53 };
            let mut picture = Yuv::black(size, chroma);
            let mut encoder = ScreenEncoder::new(Format { size, chroma }, base_q_idx, 10);
            let mut other = ScreenEncoder::new(Format { size, chroma }, base_q_idx, 10);
            let mut check = Rav1dCheck::new();
            for number in 0..4_usize {
                for (at, sample) in picture.y.iter_mut().enumerate() {
                    *sample = u8::try_from(16 + (at * 7 + at / 75 * number * 3) % 200).unwrap();
                }
                let damage = &[Rect::of_size(size)];
                let frame = ScreenFrame { source: Source::of_yuv(&picture), damage, copies: &[] };
                let packet = encoder.code(&frame);
                assert!(check.agrees(&packet, &encoder), "frame {number}");
            }
            picture.y[70] ^= 1;
            let frame = ScreenFrame { source: Source::of_yuv(&picture), damage: &[], copies: &[] };
            let packet = other.code(&frame);
            assert!(!check.agrees(&packet, &encoder), "another picture");
            assert!(!check.agrees(&packet[..packet.len() / 2], &other), "half a packet");
        }
    }
}
