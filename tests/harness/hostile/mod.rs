//! Bad input, generated: what is tried, what must become of it, and what it may take.
//!
//! Each case of the table is a few recordings, or files of sound beside one; each is met by `inspect`, `convert` and `frame` as a
//! user would meet it.

mod cast;
mod guacamole;
mod jpeg;
mod outcome;
mod png;
mod recording;
mod sound;
mod sound_boxes;
mod sound_file;
mod sound_switch;
mod trial;
mod webp;

pub use outcome::{Expected, Outcome};
pub(crate) use recording::instruction;
pub use trial::{Measured, Trials};

use std::io::{self, Write};

/// One line of the table.
pub struct Case {
    /// The section of the table: A (PNG), B (JPEG), C (WebP), D (sound), E (Guacamole), F (terminals).
    pub section: char,
    /// What is tried.
    pub name: &'static str,
    /// The recordings, or files of sound.
    pub variants: Vec<Variant>,
}

/// A recording, or a file of sound.
pub struct Variant {
    /// What tells it from its siblings.
    pub name: String,
    /// What must become of it.
    pub expected: Expected,
    /// It takes many seconds or hundreds of megabytes: not in the quick share.
    pub is_large: bool,
    /// It is a file of sound, heard beside a recording in which nothing is wrong.
    is_sound: bool,
    write: Make,
}

/// Writes it to a file.
type Make = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + Send>;

impl Variant {
    /// A small recording.
    fn of(name: impl Into<String>, expected: Expected, bytes: Vec<u8>) -> Self {
        let write = Box::new(move |file: &mut dyn Write| file.write_all(&bytes));
        Self { name: name.into(), expected, is_large: false, is_sound: false, write }
    }

    /// A large one, written piece by piece.
    fn large(
        name: impl Into<String>,
        expected: Expected,
        write: impl Fn(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), expected, is_large: true, is_sound: false, write: Box::new(write) }
    }

    /// The same as a file of sound.
    fn heard(self) -> Self {
        Self { is_sound: true, ..self }
    }

    /// Writes it.
    pub fn write(&self, file: &mut dyn Write) -> io::Result<()> {
        (self.write)(file)
    }
}

/// The whole table.
pub fn cases() -> Vec<Case> {
    let mut cases = png::cases();
    cases.extend(jpeg::cases());
    cases.extend(webp::cases());
    cases.extend(sound::cases());
    cases.extend(sound_file::cases());
    cases.extend(guacamole::cases());
    cases.extend(cast::cases());
    cases
}
