//! Fonts of this machine for characters that the bundled ones lack. Workers open no files: they are handed the bytes.

use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use codec::terminal::Fonts;
use fontdb::{Database, FaceInfo, Style, Weight};
use std::sync::{Arc, LazyLock};

/// Characters of writings that the bundled fonts lack. A font that adds none of them is not used.
const WANTED: [char; 8] = ['漢', 'あ', '한', 'ع', 'א', 'ก', 'अ', 'ა'];
/// Families in the order in which they are asked, by the beginning of their names.
const FAMILIES: [&str; 14] = [
    "Noto Sans Mono CJK",
    "Noto Sans CJK",
    "Source Han Mono",
    "Source Han Sans",
    "Sarasa Mono",
    "WenQuanYi",
    "Droid Sans Fallback",
    "IPAGothic",
    "NanumGothic",
    "Noto Sans",
    "DejaVu Sans",
    "FreeMono",
    "Unifont",
    "Noto Emoji",
];
/// Most fonts, and most bytes of all of them: a worker has little memory.
const FONTS_MAX: usize = 8;
const BYTES_MAX: usize = 48 << 20;

/// A face of a font.
#[derive(Debug)]
pub(crate) struct FallbackFont {
    bytes: Arc<[u8]>,
    face: u32,
}

/// Looked for once, when the first terminal is drawn.
static FALLBACK: LazyLock<Vec<FallbackFont>> = LazyLock::new(|| {
    let mut database = Database::new();
    database.load_system_fonts();
    chosen(&database)
});

/// Hands a worker that is to draw a terminal the fonts of this machine; to be done before its job.
pub(crate) fn send<E: From<ProcessError>>(
    worker: &mut WorkerProcess,
    mut receive: impl FnMut(Reply) -> Result<(), E>,
) -> Result<(), E> {
    FALLBACK.iter().try_for_each(|FallbackFont { bytes, face }| {
        let font = Request::Font { face: *face, bytes: bytes.to_vec() };
        worker.request(&font, &mut receive)
    })
}

/// The first face of each family that adds a writing to those before it.
fn chosen(database: &Database) -> Vec<FallbackFont> {
    let mut faces: Vec<_> = database.faces().filter_map(|face| Some((rank(face)?, face))).collect();
    // The order of files on a disk must not matter.
    faces.sort_by_key(|(rank, face)| (*rank, !face.monospaced, face.post_script_name.clone(), face.index));
    let bundled = Fonts::bundled();
    let mut missing: Vec<char> = WANTED.into_iter().filter(|&character| !bundled.has(character)).collect();
    let (mut chosen, mut free_bytes) = (Vec::new(), BYTES_MAX);
    for (_, face) in faces {
        if chosen.len() == FONTS_MAX || missing.is_empty() {
            break;
        }
        let font = database.with_face_data(face.id, |bytes, index| {
            let fits = bytes.len() <= free_bytes;
            let font = Fonts::with(vec![(bytes.to_vec(), index)]).ok().filter(|_| fits)?;
            let adds = missing.iter().any(|&character| font.has(character));
            adds.then(|| (font, FallbackFont { bytes: bytes.into(), face: index }))
        });
        if let Some((font, fallback)) = font.flatten() {
            missing.retain(|&character| !font.has(character));
            free_bytes -= fallback.bytes.len();
            chosen.push(fallback);
        }
    }
    chosen
}

/// The place of a face's family; none for one that is not asked.
fn rank(face: &FaceInfo) -> Option<usize> {
    if face.style != Style::Normal || face.weight != Weight::NORMAL {
        return None;
    }
    let (name, _) = face.families.first()?;
    FAMILIES.iter().position(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_is_used_only_for_what_the_bundled_ones_lack() {
        let font = include_bytes!("../../codec/fonts/DejaVuSansMono.ttf");
        let mut database = Database::new();
        database.load_font_data(font.to_vec());
        assert_eq!(database.len(), 1);
        assert_eq!(chosen(&database).len(), 0);
    }
}
