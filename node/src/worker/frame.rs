//! One picture of a recording.

use codec::limits::Limits;
use codec::picture::Picture;
use codec::replay::RestoreError;
use codec::seek::Seek;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// Nothing was on screen up to that time.
    #[error("the recording shows no picture at that time or before it")]
    NoPicture,
    /// It cannot be drawn from there.
    #[error(transparent)]
    KeyState(#[from] RestoreError),
    /// It cannot be encoded.
    #[error("the picture cannot be encoded: {0}")]
    Encode(#[from] png::EncodingError),
    /// Its sides do not fit the format.
    #[error("the picture is too large")]
    TooLarge,
}

/// Looks for the picture that was on screen at a time. A damaged recording has the last one before the damage.
pub(crate) struct FrameFinder {
    seek: Seek,
    pointer: bool,
    is_done: bool,
}

impl FrameFinder {
    /// Looks for the picture on screen at `at_ms`, with or without the pointer.
    pub(crate) fn new(at_ms: i64, pointer: bool) -> Self {
        Self { seek: Seek::new(at_ms, Limits::default()), pointer, is_done: false }
    }

    /// Starts at a key state.
    pub(crate) fn resume(&mut self, key_state: &[u8]) -> Result<(), FrameError> {
        Ok(self.seek.resume(key_state)?)
    }

    /// Adds the next bytes; gives the picture as PNG, and when it came on screen, once it is found.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<(i64, Vec<u8>)>, FrameError> {
        if self.is_done {
            return Ok(None);
        }
        match self.seek.push(bytes) {
            Ok(false) => Ok(None),
            Ok(true) | Err(_) => self.finish().map(Some),
        }
    }

    /// The recording ends here: its last picture is the one.
    pub(crate) fn finish(&mut self) -> Result<(i64, Vec<u8>), FrameError> {
        self.is_done = true;
        // Behind damage there is nothing: what came before is the picture.
        self.seek.finish().ok();
        let screen = self.seek.screen();
        if screen.size().area() == 0 {
            return Err(FrameError::NoPicture);
        }
        let picture = match self.pointer {
            true => screen.picture(),
            false => screen.picture_without_pointer(),
        };
        Ok((self.seek.shown_ms(), png_of(picture)?))
    }
}

/// A picture as PNG without an alpha channel.
pub(crate) fn png_of(picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let side = |side: usize| u32::try_from(side).map_err(|_| FrameError::TooLarge);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(picture.size.width)?, side(picture.size.height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    let pixels: Vec<u8> =
        picture.pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}
