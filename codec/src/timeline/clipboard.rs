//! Clipboards that are sent through a recording.

use crate::limits::Limits;
use crate::source::guac::{Instruction, StreamStep};
use base64_simd::STANDARD;
use std::collections::BTreeMap;

/// A clipboard that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clipboard {
    /// When it began, as it was told to [`Clipboards::apply`].
    pub(super) began: Began,
    pub(super) mimetype: String,
    /// All its bytes.
    pub(super) bytes: u64,
    /// The first of them.
    pub(super) content: Vec<u8>,
}

/// When a clipboard began. It has no timestamp of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Began {
    /// In media time, in milliseconds.
    pub(super) at_ms: i64,
    /// The time of the last `sync` or key, in milliseconds.
    pub(super) event_ms: i64,
}

/// The clipboards that are open, by the index of their stream.
///
/// Users and server count their streams apart, so that a clipboard may share its index with an image or a sound. What
/// was opened last has the blobs up to its `end`; then the clipboard goes on.
#[derive(Debug, Default)]
pub(super) struct Clipboards {
    open: BTreeMap<i32, Open>,
    left_out: u64,
}

#[derive(Debug)]
struct Open {
    clipboard: Clipboard,
    /// Another stream of the same index is open.
    is_covered: bool,
}

impl Clipboards {
    /// Follows an instruction; gives the clipboard that it completes.
    pub(super) fn apply(
        &mut self,
        instruction: &Instruction<'_>,
        began: Began,
        limits: &Limits,
    ) -> Option<Clipboard> {
        let (stream, step) = instruction.stream_step()?;
        match step {
            StreamStep::OpensClipboard(mimetype) => {
                let older = self.open.remove(&stream).map(|open| open.clipboard);
                if self.open.len() >= limits.streams {
                    self.left_out += 1;
                    return older;
                }
                let mimetype = mimetype.chars().take(limits.marker_chars).collect();
                let clipboard = Clipboard { began, mimetype, bytes: 0, content: Vec::new() };
                self.open.insert(stream, Open { clipboard, is_covered: false });
                older
            }
            StreamStep::OpensImage | StreamStep::OpensSound(_) | StreamStep::OpensOther => {
                if let Some(open) = self.open.get_mut(&stream) {
                    open.is_covered = true;
                }
                None
            }
            StreamStep::Fills(data) => {
                if let Some(open) = self.open.get_mut(&stream).filter(|open| !open.is_covered) {
                    open.clipboard.append(data, limits.clipboard_bytes);
                }
                None
            }
            StreamStep::Ends => match self.open.get_mut(&stream) {
                Some(open) if open.is_covered => {
                    open.is_covered = false;
                    None
                }
                Some(_) => self.open.remove(&stream).map(|open| open.clipboard),
                None => None,
            },
        }
    }

    /// Time begins here: what was open before began at zero.
    pub(super) fn begin(&mut self) {
        for open in self.open.values_mut() {
            open.clipboard.began = Began { at_ms: 0, event_ms: 0 };
        }
    }

    /// Those that never ended, as far as they came.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Clipboard> {
        self.open.values().map(|open| &open.clipboard)
    }

    /// How many were refused because too many were open.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Clipboard {
    /// Whether its content is not all of it.
    pub(super) fn is_cut(&self) -> bool {
        u64::try_from(self.content.len()) != Ok(self.bytes)
    }

    /// Adds a piece. One that is no base64 adds nothing.
    fn append(&mut self, data: &str, bytes_max: usize) {
        let Ok(piece) = STANDARD.decode_to_vec(data) else { return };
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        let room = bytes_max.saturating_sub(self.content.len()).min(piece.len());
        self.content.extend_from_slice(&piece[..room]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(limits: &Limits, instructions: &[Instruction<'_>]) -> (Vec<(i64, String, u64)>, Clipboards) {
        let mut clipboards = Clipboards::default();
        let mut done = Vec::new();
        for (at_ms, instruction) in (0..).zip(instructions) {
            let began = Began { at_ms, event_ms: at_ms };
            done.extend(clipboards.apply(instruction, began, limits).map(|clipboard| {
                let text = String::from_utf8(clipboard.content).unwrap();
                (clipboard.began.at_ms, text, clipboard.bytes)
            }));
        }
        (done, clipboards)
    }

    const CLIPBOARD: Instruction<'_> = Instruction::Clipboard { stream: 5, mimetype: "text/plain" };
    const END: Instruction<'_> = Instruction::End { stream: 5 };

    fn blob(data: &str) -> Instruction<'_> {
        Instruction::Blob { stream: 5, data }
    }

    #[test]
    fn a_clipboard_is_followed_to_its_end_past_an_image_of_its_index() {
        let img = Instruction::Img { stream: 5, mask: 14, layer: 0, mimetype: "image/png", x: 0, y: 0 };
        let all =
            [END, CLIPBOARD, blob("YQ=="), img, blob("eHg="), END, blob("Yg=="), END, blob("eHg="), END];
        assert_eq!(run(&Limits::default(), &all).0, [(1, "ab".to_owned(), 2)]);
    }

    #[test]
    fn what_is_too_long_or_too_much_is_cut_and_counted() {
        let limits = Limits { clipboard_bytes: 3, streams: 1, ..Limits::default() };
        let other = Instruction::Clipboard { stream: 6, mimetype: "text/plain" };
        let (done, clipboards) =
            run(&limits, &[CLIPBOARD, blob("YWJjZA=="), other, blob("*"), CLIPBOARD, blob("YQ==")]);
        assert_eq!(done, [(0, "abc".to_owned(), 4)]);
        assert_eq!(clipboards.left_out(), 1);
        let open: Vec<_> = clipboards.unfinished().map(|clipboard| clipboard.content.clone()).collect();
        assert_eq!(open, [b"a"]);
    }
}
