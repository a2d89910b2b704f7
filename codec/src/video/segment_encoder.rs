//! The encoder that suits what a segment shows: our own for screens, rav1e for films.
//!
//! A film changes everywhere in every picture and has no few colours: there our encoder takes more time than rav1e
//! and many times its bytes, everywhere else it is the cheaper one by far. The choice is made of nothing but the segment
//! and its frames, so it is the same wherever the segment is coded.

use super::encode::Encode;
use super::frame::{Frame, Packet};
use super::plan::Segment;
use super::rav1e::{EncodeError, Encoder};
use super::screen::{Format, ScreenEncoder};
use super::settings::VideoSettings;
use crate::geometry::{Rect, Size};

/// Encodes one segment; where another encoder takes over, a key frame stands.
pub struct SegmentEncoder {
    size: Size,
    settings: VideoSettings,
    coding: Coding,
    share: Share,
    /// Whether the plan takes the segment for a film.
    is_busy: bool,
}

/// Who codes the next frame.
enum Coding {
    /// Nothing was coded yet.
    Nothing,
    Screen(Box<ScreenEncoder>),
    Film(Box<Encoder>),
}

impl SegmentEncoder {
    /// rav1e's memory follows the size of the picture: larger ones are coded by our encoder alone.
    pub const FILM_PIXELS_MAX: usize = 1920 * 1088;

    /// An encoder for pictures of `size`.
    pub fn new(size: Size, settings: &VideoSettings, segment: &Segment) -> Self {
        let share = if segment.is_busy { Share::BUSY } else { Share::default() };
        Self { size, settings: *settings, coding: Coding::Nothing, share, is_busy: segment.is_busy }
    }

    fn start_screen(&self) -> Coding {
        let format = Format { size: self.size, chroma: self.settings.chroma };
        Coding::Screen(Box::new(ScreenEncoder::new(format, self.settings.screen_quantizer)))
    }

    fn start_film(&self) -> Result<Coding, EncodeError> {
        Ok(Coding::Film(Box::new(Encoder::new(self.size, &self.settings)?)))
    }

    /// Starts the encoder that suits `frame`, if it is not the one that is at work.
    fn choose(&self, frame: &Frame<'_>) -> Result<Option<Coding>, EncodeError> {
        let film_fits = self.size.area() <= Self::FILM_PIXELS_MAX;
        Ok(match self.coding {
            Coding::Nothing if film_fits && self.is_busy && Share::is_film_like(frame) => {
                Some(self.start_film()?)
            }
            Coding::Nothing => Some(self.start_screen()),
            Coding::Screen(_) if film_fits && self.share.is_film() => Some(self.start_film()?),
            Coding::Film(_) if self.share.is_still() => Some(self.start_screen()),
            Coding::Screen(_) | Coding::Film(_) => None,
        })
    }
}

impl Encode for SegmentEncoder {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        let mut packets = Vec::new();
        if let Some(next) = self.choose(frame)? {
            packets = std::mem::replace(&mut self.coding, next).finish()?;
            self.share = match self.coding {
                Coding::Film(_) => Share::WHOLE,
                Coding::Nothing | Coding::Screen(_) => self.share,
            };
        }
        match &mut self.coding {
            Coding::Nothing => {}
            Coding::Screen(encoder) => {
                let coded = encoder.encode(frame)?;
                // The first picture of a segment is new everywhere, whatever it shows.
                if !coded.iter().any(|packet| packet.key) {
                    self.share.follow(encoder.natural_pixels(), self.size);
                }
                packets.extend(coded);
            }
            Coding::Film(encoder) => {
                let drawn = frame.damage.iter().map(Rect::area).sum();
                self.share.follow(drawn, self.size);
                packets.extend(encoder.encode(frame)?);
            }
        }
        Ok(packets)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        self.coding.finish()
    }
}

impl Coding {
    fn finish(self) -> Result<Vec<Packet>, EncodeError> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Screen(encoder) => encoder.finish(),
            Self::Film(encoder) => encoder.finish(),
        }
    }
}

/// The share of the picture that a frame costs most for, as a mean that forgets: for our encoder, what is new and has
/// many colours; for rav1e, which pays for all of every frame, what was drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Share {
    /// In parts of [`Share::WHOLE`].
    parts: usize,
}

impl Share {
    /// All of the picture, in every frame.
    const WHOLE: Self = Self { parts: 1 << 16 };
    /// Where the plan expects a film: one more picture of it will do.
    const BUSY: Self = Self { parts: (1 << 16) / 6 };
    /// Each frame counts as one in so many.
    const MEMORY: usize = 8;
    /// A film begins above one part in this many: a third is where both encoders take the same time, and rav1e's bytes
    /// are fewer long before.
    const FILM: usize = 4;
    /// A film ends below one part in this many.
    const STILL: usize = 8;
    /// Of a picture, every cell in so many columns and rows is looked at.
    const CELL_STEP: usize = 3;

    /// Takes a frame into account whose `pixels` cost most.
    fn follow(&mut self, pixels: usize, size: Size) {
        let pixels = pixels.min(size.area());
        let part = pixels * Self::WHOLE.parts / size.area().max(1);
        self.parts = (self.parts * (Self::MEMORY - 1) + part) / Self::MEMORY;
    }

    fn is_film(self) -> bool {
        self.parts > Self::WHOLE.parts / Self::FILM
    }

    fn is_still(self) -> bool {
        self.parts < Self::WHOLE.parts / Self::STILL
    }

    /// Whether most of a picture has many colours.
    fn is_film_like(frame: &Frame<'_>) -> bool {
        let (natural, seen) = ScreenEncoder::natural_cells(frame.picture, Self::CELL_STEP);
        2 * natural > seen
    }
}

#[cfg(test)]
mod tests;
