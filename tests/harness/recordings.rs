//! The recordings of `tests/data` and what is known of them.

use crate::paths::data;
use anyhow::Context;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A recording and its facts, as `facts.json` has them; `tests/data/README.md` explains each.
#[derive(Debug, Clone, Deserialize)]
pub struct Recording {
    /// Its name, without suffix.
    #[serde(skip)]
    pub name: String,
    file: PathBuf,
    /// Before compression.
    pub bytes: u64,
    /// Sizes of the screen, in order.
    pub sizes: Vec<ScreenSize>,
    /// Its `sync` instructions.
    pub syncs: u64,
    /// Keys that were pressed.
    pub key_presses: u64,
    /// Whether it has sound.
    pub sound: bool,
    /// Where its damage or its cut instruction starts.
    pub unparsable_from: Option<u64>,
}

/// A size of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ScreenSize {
    /// When it began, in milliseconds of media time.
    #[serde(rename = "t_ms")]
    pub at_ms: i64,
    /// Columns.
    pub width: u64,
    /// Rows.
    pub height: u64,
}

/// A picture that another client drew.
#[derive(Debug, Clone, Deserialize)]
pub struct ReferenceFrame {
    /// When, in milliseconds of media time.
    #[serde(rename = "t_ms")]
    pub at_ms: u64,
    /// The picture, beside `frames.json`.
    pub file: PathBuf,
    /// The pointer on it.
    pub cursor: Pointer,
}

/// What the client typed, pressed or sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Typed {
    /// When it began, in milliseconds of media time.
    #[serde(rename = "t_ms")]
    pub at_ms: i64,
    /// Characters, with a line feed for Return; or a key by its name, `<Escape>`; or a clipboard.
    pub text: String,
}

/// Where the pointer's image lies on a picture.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Pointer {
    /// Whether there is one.
    pub shown: bool,
    /// Position of the pointer.
    pub x: i64,
    /// Position of the pointer.
    pub y: i64,
    /// The point of its image that is at that position.
    #[serde(rename = "hx")]
    pub hotspot_x: i64,
    /// The point of its image that is at that position.
    #[serde(rename = "hy")]
    pub hotspot_y: i64,
    /// Size of its image.
    #[serde(rename = "w")]
    pub width: i64,
    /// Size of its image.
    #[serde(rename = "h")]
    pub height: i64,
}

impl Recording {
    /// The file, compressed.
    pub fn path(&self) -> PathBuf {
        data().join(&self.file)
    }

    /// The bytes as guacd wrote them.
    pub fn plain(&self) -> anyhow::Result<Vec<u8>> {
        decompress(&self.path())
    }

    /// What was typed, in order.
    pub fn typed(&self) -> anyhow::Result<Vec<Typed>> {
        #[derive(Deserialize)]
        struct List {
            typed: Vec<Typed>,
        }
        let list: List = read_json(&data().join(format!("{}.typed.json", self.name)))?;
        Ok(list.typed)
    }

    /// The reference pictures, if there are any.
    pub fn reference_frames(&self) -> anyhow::Result<Vec<ReferenceFrame>> {
        #[derive(Deserialize)]
        struct List {
            frames: Vec<ReferenceFrame>,
        }
        let folder = data().join("frames").join(&self.name);
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let list: List = read_json(&folder.join("frames.json"))?;
        let in_folder = |frame: ReferenceFrame| ReferenceFrame { file: folder.join(frame.file), ..frame };
        Ok(list.frames.into_iter().map(in_folder).collect())
    }
}

/// All recordings, by name.
pub fn recordings() -> anyhow::Result<Vec<Recording>> {
    let facts: BTreeMap<String, Recording> = read_json(&data().join("facts.json"))?;
    Ok(facts.into_iter().map(|(name, facts)| Recording { name, ..facts }).collect())
}

/// The recording of that name.
pub fn recording(name: &str) -> anyhow::Result<Recording> {
    recordings()?
        .into_iter()
        .find(|recording| recording.name == name)
        .with_context(|| format!("facts.json knows no {name}"))
}

/// The bytes inside a zstd file.
pub(crate) fn decompress(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut ruzstd::decoding::StreamingDecoder::new(file)?, &mut bytes)?;
    Ok(bytes)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}
