//! One picture of a recording.

use super::message::Fault;
use codec::canvas::Decoders;
use codec::limits::Limits;
use codec::picture::Picture;
use codec::refusal::{Refusal, RefusalCode};
use codec::replay::RestoreError;
use codec::seek::Seek;
use codec::terminal::Fonts;
use std::io::Write;
use std::sync::Arc;

/// A longer picture does not fit a message.
const PNG_BYTES_MAX: usize = 60 << 20;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// Nothing was on screen up to that time.
    #[error("the recording shows no picture at that time or before it")]
    NoPicture,
    /// Nothing was on screen before the damage.
    #[error("the recording shows no picture before it is damaged: {0}")]
    Damaged(Refusal),
    /// It cannot be drawn from that key state.
    #[error(transparent)]
    KeyState(#[from] RestoreError),
    /// It cannot be encoded.
    #[error("the picture cannot be encoded: {0}")]
    Encode(#[from] png::EncodingError),
    /// It is larger than a message.
    #[error("the picture is too large: {0}")]
    TooLarge(String),
}

impl From<FrameError> for Refusal {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Damaged(refusal) => refusal,
            FrameError::NoPicture => Self::new(RefusalCode::Unsupported, &error),
            FrameError::TooLarge(_) => Self::new(RefusalCode::Limit, &error),
            FrameError::KeyState(_) | FrameError::Encode(_) => Self::new(RefusalCode::Crashed, &error),
        }
    }
}

/// A picture that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// When it came on screen.
    pub(crate) at_ms: i64,
    /// What is missing in it, or behind it.
    pub(crate) loss: Option<Refusal>,
    /// The picture.
    pub(crate) png: Vec<u8>,
}

/// Plays a recording up to a time. A damaged recording has the last picture before the damage.
pub(crate) struct FrameFinder {
    /// Until the picture is found.
    seek: Option<Seek>,
    at_ms: i64,
    pointer: bool,
}

impl FrameFinder {
    /// Looks for the picture on screen at `at_ms`, with or without the pointer.
    pub(crate) fn new(at_ms: i64, pointer: bool, limits: Limits, decoders: &Arc<Decoders>) -> Self {
        let mut seek = Seek::new(at_ms, limits);
        seek.decode_ahead(decoders);
        Self { seek: Some(seek), at_ms, pointer }
    }

    /// The fonts of a terminal; to be said before the first byte.
    pub(crate) fn set_fonts(&mut self, fonts: Arc<Fonts>) {
        if let Some(seek) = &mut self.seek {
            seek.set_fonts(fonts);
        }
    }

    /// Starts at a key state.
    pub(crate) fn resume(&mut self, key_state: &[u8]) -> Result<(), FrameError> {
        self.seek.as_mut().map_or(Ok(()), |seek| seek.resume(key_state)).map_err(FrameError::from)
    }

    /// Adds the next bytes; gives the picture once it is found.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Found>, FrameError> {
        let Some(seek) = &mut self.seek else { return Ok(None) };
        match seek.push(bytes) {
            Ok(false) => Ok(None),
            Ok(true) => self.found(None).map(Some),
            // A frame that was drawn and not shown is found when the recording is cut before what costs too much.
            Err(error) if error.code() == RefusalCode::TimeBudget && seek.is_behind() => {
                Err(FrameError::Damaged(Refusal::from(&error)))
            }
            Err(error) => self.found(Some(Refusal::from(&error))).map(Some),
        }
    }

    /// The recording ends here: its last picture is the one.
    pub(crate) fn finish(&mut self) -> Result<Option<Found>, FrameError> {
        let Some(seek) = &mut self.seek else { return Ok(None) };
        match seek.finish() {
            Ok(()) => self.found(None).map(Some),
            Err(error) if error.code() == RefusalCode::TimeBudget && seek.is_behind() => {
                Err(FrameError::Damaged(Refusal::from(&error)))
            }
            Err(error) => self.found(Some(Refusal::from(&error))).map(Some),
        }
    }

    fn found(&mut self, damage: Option<Refusal>) -> Result<Found, FrameError> {
        let Some(seek) = self.seek.take() else { return Err(FrameError::NoPicture) };
        let fault = seek.faults().first.as_ref().map(Fault::from);
        let fault = fault.filter(|fault| fault.at_ms <= self.at_ms).map(|fault| fault.refusal);
        let (skipped, shown_ms) = (seek.skipped_bytes(), seek.shown_ms());
        let fault = fault.or_else(|| {
            let what = format!("{skipped} bytes cannot be read: the picture lacks what they drew");
            (skipped > 0).then(|| Refusal::new(RefusalCode::Malformed, &what))
        });
        // The canvas is not needed any more: its memory is free for the PNG.
        let screen = seek.into_screen();
        if screen.size().area() == 0 {
            return Err(damage.or(fault).map_or(FrameError::NoPicture, FrameError::Damaged));
        }
        let picture = match self.pointer {
            true => screen.picture(),
            false => screen.picture_without_pointer(),
        };
        let png = png_of(picture)?;
        Ok(Found { at_ms: shown_ms, loss: damage.or(fault), png })
    }
}

/// A picture as PNG without an alpha channel.
fn png_of(picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let side = |side: usize| u32::try_from(side).map_err(|error| FrameError::TooLarge(error.to_string()));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(picture.size.width)?, side(picture.size.height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer()?;
    let mut row = Vec::with_capacity(3 * picture.size.width);
    for pixels in picture.pixels.chunks(picture.size.width.max(1)) {
        row.clear();
        row.extend(pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]));
        rows.write_all(&row).map_err(png::EncodingError::from)?;
    }
    rows.finish()?;
    writer.finish()?;
    if bytes.len() > PNG_BYTES_MAX {
        let limit = PNG_BYTES_MAX;
        return Err(FrameError::TooLarge(format!("{} bytes, the limit is {limit}", bytes.len())));
    }
    Ok(bytes)
}
