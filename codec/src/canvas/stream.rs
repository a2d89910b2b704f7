//! Image streams that are open.

use super::error::DrawError;
use super::mask::Mask;
use crate::limits::Limits;
use base64_simd::STANDARD;
use std::collections::BTreeMap;

/// Where and how an image will be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ImageTarget {
    pub(super) layer: i32,
    pub(super) mask: Mask,
    pub(super) x: i32,
    pub(super) y: i32,
}

/// An image whose bytes are still coming.
#[derive(Debug)]
pub(super) struct ImageStream {
    pub(super) target: ImageTarget,
    pub(super) bytes: Vec<u8>,
    /// A stream of the other side of the connection has the same index, until it ends.
    pub(super) covered: bool,
}

/// The open image streams by index. Other streams share the indexes and are not kept.
#[derive(Debug, Default)]
pub(super) struct ImageStreams {
    by_index: BTreeMap<i32, ImageStream>,
    /// The bytes of all of them.
    bytes: usize,
}

impl ImageStreams {
    /// Opens a stream; one of the same index ends without being drawn.
    pub(super) fn open(
        &mut self,
        stream: i32,
        target: ImageTarget,
        limits: &Limits,
    ) -> Result<(), DrawError> {
        self.take(stream);
        if self.by_index.len() >= limits.streams {
            return Err(DrawError::Streams { stream, limit: limits.streams });
        }
        self.by_index.insert(stream, ImageStream { target, bytes: Vec::new(), covered: false });
        Ok(())
    }

    /// Another stream of that index was opened, perhaps by the other side: what follows belongs to it.
    pub(super) fn cover(&mut self, stream: i32) {
        if let Some(image) = self.by_index.get_mut(&stream) {
            image.covered = true;
        }
    }

    /// Ends what was opened last under an index. Answers the image, if that was one.
    pub(super) fn end(&mut self, stream: i32) -> Option<ImageStream> {
        let covered = self.by_index.get_mut(&stream).is_some_and(|image| std::mem::take(&mut image.covered));
        if covered { None } else { self.take(stream) }
    }

    /// Adds a piece to a stream. Pieces of streams that are not open belong to sound or were refused before.
    pub(super) fn append(&mut self, stream: i32, data: &str, limits: &Limits) -> Result<(), DrawError> {
        let Some(image) = self.by_index.get_mut(&stream).filter(|image| !image.covered) else {
            return Ok(());
        };
        let before = image.bytes.len();
        let error = if self.bytes + data.len() / 4 * 3 > limits.image_bytes {
            DrawError::ImageBytes { stream, limit_bytes: limits.image_bytes }
        } else if STANDARD.decode_append(data.as_bytes(), &mut image.bytes).is_ok() {
            self.bytes += image.bytes.len() - before;
            return Ok(());
        } else {
            DrawError::Base64 { stream }
        };
        // What was appended before an error is not counted yet.
        image.bytes.truncate(before);
        self.take(stream);
        Err(error)
    }

    /// All of them by index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&i32, &ImageStream)> {
        let Self { by_index, bytes: _ } = self;
        by_index.iter()
    }

    /// Forgets a stream, if it is an image.
    pub(super) fn take(&mut self, stream: i32) -> Option<ImageStream> {
        let image = self.by_index.remove(&stream)?;
        self.bytes -= image.bytes.len();
        Some(image)
    }
}
