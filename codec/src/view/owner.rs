//! To whom the blobs of a stream index belong once it has carried a clipboard.

use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

/// Most bytes of a character that a blob may cut off at its start or end.
const CUT_BYTES_MAX: usize = 3;

/// What is known of a stream index that has carried a clipboard. The user and the server number their streams
/// apart, so a picture or sound of the same index may be open at the same time, and the next `end` may be its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// The clipboard is open: nothing of the index is shown.
    Clipboard,
    /// One stream of the index has ended. What reads as text may still be the clipboard.
    Doubtful,
    /// The clipboard was no UTF-8 text, so nothing tells it from pictures and sound: the index stays hidden.
    Hidden,
}

impl Owner {
    /// The owner after a clipboard of this media type was opened; what was said of the index before still counts.
    pub(super) fn opened(before: Option<Self>, mimetype: &str) -> Self {
        let mimetype = mimetype.to_ascii_lowercase();
        let is_utf8 = !mimetype.contains("charset") || mimetype.contains("utf-8");
        if mimetype.starts_with("text/") && is_utf8 && before != Some(Self::Hidden) {
            Self::Clipboard
        } else {
            Self::Hidden
        }
    }

    /// Whether a blob is surely no clipboard.
    pub(super) fn shows_blob(self, base64: &str) -> bool {
        match self {
            Self::Clipboard | Self::Hidden => false,
            Self::Doubtful => STANDARD.decode_to_vec(base64).is_ok_and(|bytes| !is_text(&bytes)),
        }
    }
}

/// Whether bytes may be a piece of a text. Sound and coded images are not, beyond a few bytes.
fn is_text(bytes: &[u8]) -> bool {
    let cut = bytes.iter().take(CUT_BYTES_MAX).take_while(|&&byte| byte & 0xC0 == 0x80).count();
    let whole = bytes.get(cut..).unwrap_or_default();
    let is_utf8 = match std::str::from_utf8(whole) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_texts_are_told_from_pictures_and_sound() {
        let text = "Grüße, 漢字 \u{1F600}\u{1b}[0m".as_bytes();
        for start in 0..text.len() {
            for end in start..=text.len() {
                assert!(is_text(&text[start..end]), "{start}..{end}");
            }
        }
        assert!(!is_text(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        assert!(!is_text(b"\xFF\xD8\xFF\xE0\0\x10JFIF"));
        let tone: Vec<u8> = (0..64_i16).flat_map(|i| (i * 500).to_le_bytes()).collect();
        assert!(!is_text(&tone));
        assert!(!is_text(&[0; 64]));
    }

    #[test]
    fn what_cannot_be_told_apart_stays_hidden() {
        assert_eq!(Owner::opened(None, "Text/plain"), Owner::Clipboard);
        assert_eq!(Owner::opened(Some(Owner::Doubtful), "text/html"), Owner::Clipboard);
        assert_eq!(Owner::opened(None, "image/png"), Owner::Hidden);
        assert_eq!(Owner::opened(None, "text/plain;charset=UTF-16"), Owner::Hidden);
        assert_eq!(Owner::opened(None, ""), Owner::Hidden);
        assert_eq!(Owner::opened(Some(Owner::Hidden), "text/plain"), Owner::Hidden);
        assert!(!Owner::Doubtful.shows_blob("this is no base64"));
    }
}
