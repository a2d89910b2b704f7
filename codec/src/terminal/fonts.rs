//! The fonts in which terminals are shown.

use epaint_default_fonts::NOTO_EMOJI_REGULAR;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use swash::{CacheKey, FontRef};

/// DejaVu Sans Mono of version 2.37; its licence stands beside it.
const DEJAVU_SANS_MONO: &[u8] = include_bytes!("../../fonts/DejaVuSansMono.ttf");

/// The bundled fonts, read once.
static BUNDLED: LazyLock<Arc<Fonts>> = LazyLock::new(|| Arc::new(Fonts { faces: bundled() }));

/// Why a font cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FontError {
    /// It is no font, or has no face of this number.
    #[error("expected a TrueType or OpenType font with a face {face}")]
    Face {
        /// The number.
        face: u32,
    },
}

/// Fonts in the order in which they are asked for a character: DejaVu Sans Mono, emoji of Noto without colour, and then
/// those that the system has. The first two are part of this crate, so that most recordings look the same everywhere.
#[derive(Debug)]
pub struct Fonts {
    faces: Vec<Face>,
}

/// A face of a font.
#[derive(Debug)]
struct Face {
    data: Cow<'static, [u8]>,
    offset: u32,
    key: CacheKey,
}

impl Face {
    fn font(&self) -> FontRef<'_> {
        FontRef { data: &self.data, offset: self.offset, key: self.key }
    }

    fn new(data: Cow<'static, [u8]>, face: u32) -> Result<Self, FontError> {
        let index = usize::try_from(face).map_err(|_| FontError::Face { face })?;
        let font = FontRef::from_index(&data, index).ok_or(FontError::Face { face })?;
        let (offset, key) = (font.offset, font.key);
        Ok(Self { data, offset, key })
    }
}

fn bundled() -> Vec<Face> {
    let face = |data| Face::new(Cow::Borrowed(data), 0).expect("a bundled font can be read");
    vec![face(DEJAVU_SANS_MONO), face(NOTO_EMOJI_REGULAR)]
}

impl Fonts {
    /// The bundled fonts alone.
    pub fn bundled() -> Arc<Self> {
        Arc::clone(&BUNDLED)
    }

    /// The bundled fonts, and others for what those lack: the bytes of each and the number of its face.
    pub fn with(others: Vec<(Vec<u8>, u32)>) -> Result<Arc<Self>, FontError> {
        let mut faces = bundled();
        for (data, face) in others {
            faces.push(Face::new(Cow::Owned(data), face)?);
        }
        Ok(Arc::new(Self { faces }))
    }

    /// Whether one of them has a character.
    pub fn has(&self, character: char) -> bool {
        self.find(character, 1).is_some()
    }

    /// The first font that has a character, and its glyph there. What is two cells wide is looked for among the emoji first.
    pub(super) fn find(&self, character: char, width: u8) -> Option<(FontRef<'_>, u16)> {
        let emoji = self.faces.get(1).filter(|_| width == 2);
        emoji.into_iter().chain(&self.faces).find_map(|face| {
            let font = face.font();
            let glyph = font.charmap().map(character);
            (glyph != 0).then_some((font, glyph))
        })
    }

    /// The font of text, for its measures.
    pub(super) fn main(&self) -> Option<FontRef<'_>> {
        self.faces.first().map(Face::font)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_emoji_are_bundled_and_others_are_asked_last() {
        let fonts = Fonts::bundled();
        for character in "aZ09~äßÆŁЖπ→✓😀🚀🎉✅".chars() {
            assert!(fonts.has(character), "{character}");
        }
        assert!(!fonts.has('漢'));
        assert_ne!(fonts.find('⚠', 2).unwrap().0.key, fonts.find('⚠', 1).unwrap().0.key);
        let more = Fonts::with(vec![(DEJAVU_SANS_MONO.to_vec(), 0)]).unwrap();
        assert_eq!(more.find('a', 1).unwrap().0.key, more.main().unwrap().key);
        assert_eq!(Fonts::with(vec![(b"no font".to_vec(), 0)]).unwrap_err(), FontError::Face { face: 0 });
        assert_eq!(
            Fonts::with(vec![(DEJAVU_SANS_MONO.to_vec(), 7)]).unwrap_err(),
            FontError::Face { face: 7 }
        );
    }
}
