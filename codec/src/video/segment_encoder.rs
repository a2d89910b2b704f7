//! The encoder that suits what a segment shows: our own for screens, rav1e for films.
//!
//! A film changes everywhere in every picture and has no few colours: there our encoder takes more time than rav1e
//! and many times its bytes, everywhere else it is the cheaper one by far. The choice is made of nothing but the frames
//! of the segment, so it is the same wherever the segment is coded.
//!
//! Where our encoder is checked and a decoder sees something else than it means, the packet is thrown away and rav1e codes
//! the rest of the segment. Where rav1e does not fit, an encoder of ours that knows nothing of the frames before begins
//! anew; what it writes first must be right, or the segment cannot be coded.

use super::check::{Check, Rav1dCheck};
use super::encode::{Encode, Start};
use super::frame::{Frame, Packet};
use super::rav1e::{EncodeError, Encoder};
use super::screen::{Format, ScreenEncoder};
use super::settings::VideoSettings;
use super::yuv::Yuv;
use crate::geometry::{Rect, Size};

/// Encodes one segment; where another encoder takes over, a key frame stands.
pub struct SegmentEncoder {
    size: Size,
    settings: VideoSettings,
    coding: Coding,
    share: Share,
    /// What our encoder writes is checked.
    check: Option<Box<dyn Check>>,
    mismatches: u64,
    /// Nothing of the encoder that codes has been checked since one of ours was wrong.
    is_anew: bool,
}

/// Who codes the next frame.
enum Coding {
    /// Nothing came yet.
    Nothing,
    /// A first picture that may belong to a film: the next one will tell.
    Waiting(Box<First>),
    Screen(Box<ScreenEncoder>),
    Film(Box<Encoder>),
}

/// The first picture of a segment.
struct First {
    at_ms: i64,
    picture: Yuv,
}

impl SegmentEncoder {
    /// rav1e's memory follows the size of the picture: larger ones are coded by our encoder alone.
    pub const FILM_PIXELS_MAX: usize = 1920 * 1088;

    /// An encoder that has coded nothing yet.
    pub fn new(start: &Start) -> Self {
        let Start { size, settings, is_checked } = *start;
        let mut encoder = Self {
            size,
            settings,
            coding: Coding::Nothing,
            share: Share::default(),
            check: None,
            mismatches: 0,
            is_anew: false,
        };
        if is_checked {
            encoder.check = Some(Box::new(Rav1dCheck::new()));
        }
        encoder
    }

    /// The sequence header units that the key frames of such a video may have, our encoder's first: known before anything is
    /// coded, so that a file can announce them.
    pub fn sequence_headers(size: Size, settings: &VideoSettings) -> Vec<Vec<u8>> {
        let ours = ScreenEncoder::sequence_header(Format { size, chroma: settings.chroma });
        let films = Self::film_fits(size).then(|| Encoder::sequence_header(size, settings));
        [Some(ours), films].into_iter().flatten().collect()
    }

    fn film_fits(size: Size) -> bool {
        size.area() <= Self::FILM_PIXELS_MAX
    }

    fn screen(&self) -> Coding {
        let format = Format { size: self.size, chroma: self.settings.chroma };
        Coding::Screen(Box::new(ScreenEncoder::new(
            format,
            self.settings.screen_quantizer,
            self.settings.still_quantizer,
        )))
    }

    fn film(&self) -> Result<Coding, EncodeError> {
        Ok(Coding::Film(Box::new(Encoder::new(self.size, &self.settings)?)))
    }

    /// Lets go of the encoder that does not suit `frame`; returns its last packets.
    fn choose(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        let film_fits = Self::film_fits(self.size);
        let next = match &self.coding {
            Coding::Nothing if film_fits && Share::new_in(frame, None).is_most() => {
                Coding::Waiting(Box::new(First { at_ms: frame.at_ms, picture: frame.picture.clone() }))
            }
            Coding::Nothing => self.screen(),
            Coding::Waiting(first) if Share::new_in(frame, Some(&first.picture)).is_film() => self.film()?,
            Coding::Waiting(_) => self.screen(),
            Coding::Screen(_) if film_fits && self.share.is_film() => self.film()?,
            Coding::Film(_) if self.share.is_still() && self.mismatches == 0 => self.screen(),
            Coding::Screen(_) | Coding::Film(_) => return Ok(Vec::new()),
        };
        let before = std::mem::replace(&mut self.coding, next);
        self.share = if matches!(self.coding, Coding::Film(_)) { Share::WHOLE } else { Share::default() };
        match before {
            Coding::Waiting(first) => self.code_first(&first),
            Coding::Nothing | Coding::Screen(_) | Coding::Film(_) => before.finish(),
        }
    }

    fn code_first(&mut self, first: &First) -> Result<Vec<Packet>, EncodeError> {
        self.code(&Frame { at_ms: first.at_ms, picture: &first.picture, damage: &[], copies: &[] })
    }

    /// Codes a frame with the encoder that was chosen.
    fn code(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        match &mut self.coding {
            Coding::Nothing | Coding::Waiting(_) => Ok(Vec::new()),
            Coding::Screen(encoder) => {
                let packets = encoder.encode(frame)?;
                let natural_pixels = encoder.natural_pixels();
                if !agree(&mut self.check, &packets, encoder) {
                    return self.code_anew(frame);
                }
                self.is_anew = false;
                // The first picture is new everywhere, whatever it shows.
                if !packets.iter().any(|packet| packet.key) {
                    self.share.follow(natural_pixels, self.size);
                }
                Ok(packets)
            }
            Coding::Film(encoder) => {
                let drawn = frame.damage.iter().map(Rect::area).sum();
                self.share.follow(drawn, self.size);
                encoder.encode(frame)
            }
        }
    }
}

impl SegmentEncoder {
    /// Codes a frame that our encoder got wrong.
    fn code_anew(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        if self.is_anew {
            return Err(EncodeError::Mismatch { at_ms: frame.at_ms });
        }
        self.begin_anew()?;
        self.code(frame)
    }

    /// Leaves the rest of the segment to an encoder that knows nothing of what was coded.
    fn begin_anew(&mut self) -> Result<(), EncodeError> {
        self.mismatches += 1;
        (self.coding, self.check) = if Self::film_fits(self.size) {
            (self.film()?, None)
        } else {
            // A decoder that saw a wrong packet is as little to be trusted as the encoder that wrote it.
            (self.screen(), self.check.as_ref().map(|check| check.anew()))
        };
        self.is_anew = true;
        Ok(())
    }
}

impl Encode for SegmentEncoder {
    fn encode(&mut self, frame: &Frame<'_>) -> Result<Vec<Packet>, EncodeError> {
        let mut packets = self.choose(frame)?;
        packets.extend(self.code(frame)?);
        Ok(packets)
    }

    fn refine(&mut self, end_ms: i64) -> Result<Vec<Packet>, EncodeError> {
        let Coding::Screen(encoder) = &mut self.coding else { return Ok(Vec::new()) };
        let packets = Encode::refine(encoder.as_mut(), end_ms)?;
        if agree(&mut self.check, &packets, encoder) {
            return Ok(packets);
        }
        // What is shown stays as it is until the next frame is coded.
        self.begin_anew()?;
        Ok(Vec::new())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Packet>, EncodeError> {
        let screen = self.screen();
        match std::mem::replace(&mut self.coding, screen) {
            Coding::Waiting(first) => self.code_first(&first),
            coding @ (Coding::Nothing | Coding::Screen(_) | Coding::Film(_)) => coding.finish(),
        }
    }

    fn mismatches(&self) -> u64 {
        self.mismatches
    }
}

/// Whether a check, if there is one, agrees with all packets.
fn agree(check: &mut Option<Box<dyn Check>>, packets: &[Packet], encoder: &ScreenEncoder) -> bool {
    check.as_mut().is_none_or(|check| packets.iter().all(|packet| check.agrees(&packet.data, encoder)))
}

impl Coding {
    fn finish(self) -> Result<Vec<Packet>, EncodeError> {
        match self {
            Self::Nothing | Self::Waiting(_) => Ok(Vec::new()),
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
    /// Each frame counts as one in so many.
    const MEMORY: usize = 8;
    /// A film begins above one part in this many: a third is where both encoders take the same time, and rav1e's bytes
    /// are fewer long before.
    const FILM: usize = 4;
    /// A film ends below one part in this many.
    const STILL: usize = 8;
    /// Where pictures are judged without being coded, every cell in so many columns and rows is looked at.
    const CELL_STEP: usize = 3;

    /// Of a picture, what is new and has many colours.
    fn new_in(frame: &Frame<'_>, before: Option<&Yuv>) -> Self {
        let (natural, seen) = ScreenEncoder::natural_cells(frame, before, Self::CELL_STEP);
        Self { parts: natural * Self::WHOLE.parts / seen.max(1) }
    }

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

    fn is_most(self) -> bool {
        self.parts > Self::WHOLE.parts / 2
    }
}

#[cfg(test)]
mod tests;
