//! What was typed, as a person reads it. It holds passwords: it is never part of a [`super::Timeline`].
//!
//! Source: guacamole-client `keyEventDisplayService.js`.

use super::clipboard::Clipboard;
use crate::limits::Limits;
use crate::source::guac::Key;
use serde::{Deserialize, Serialize};

/// A pause of this length begins a new batch.
const PAUSE_MS: i64 = 5_000;
/// What of a clipboard is shown, in UTF-16 units.
const CLIPBOARD_SHOWN: usize = 50;
/// The only modifiers: [`Key::is_modifier`] knows no more.
const HELD_MAX: usize = 16;

/// The keystrokes of a recording, clipboards among them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keystrokes {
    /// Version of this description.
    pub keystrokes_version: u32,
    /// Batches in order; a pause of five seconds or more is between two of them.
    #[serde(rename = "keystrokes")]
    pub batches: Vec<KeyBatch>,
    /// Keys and clipboards that are not in the batches, or only in part, because there were too many.
    pub keystrokes_left_out: u64,
}

/// Keys that were pressed one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyBatch {
    /// When the first was, in milliseconds of media time.
    #[serde(rename = "t_ms")]
    pub at_ms: i64,
    /// When the last was, in milliseconds of media time.
    pub end_ms: i64,
    /// What was typed: characters as they are, with a line feed for Return and Enter; other keys by their names
    /// (`<PageDown>`), with the modifiers in the order in which they were pressed (`<Ctrl+Shift+V>`); clipboards whole
    /// (`[Clipboard: …]`).
    pub text: String,
    /// The same as Guacamole's player shows it: Return and Enter also by their names, other names in two words, the
    /// modifiers in the order of their keysyms, the first 50 characters of clipboards.
    pub display: String,
}

/// When a keystroke happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyTime {
    /// In media time, in milliseconds.
    pub(super) at_ms: i64,
    /// Its own timestamp counted from the zero of media time, in milliseconds.
    pub(super) event_ms: i64,
}

/// Takes keys as they come.
#[derive(Debug)]
pub(super) struct KeystrokeFold {
    batches: Vec<KeyBatch>,
    /// Modifiers that are held, in the order in which they were pressed.
    held: Vec<Key>,
    last_event_ms: i64,
    /// The next keystroke begins a batch.
    is_paused: bool,
    text_bytes: usize,
    left_out: u64,
}

impl KeystrokeFold {
    pub(super) fn new() -> Self {
        Self {
            batches: Vec::new(),
            held: Vec::new(),
            last_event_ms: 0,
            is_paused: true,
            text_bytes: 0,
            left_out: 0,
        }
    }

    /// A key was pressed or released.
    pub(super) fn key(&mut self, key: Key, pressed: bool, time: KeyTime, limits: &Limits) {
        self.event(time);
        if key.is_modifier() {
            self.held.retain(|held| *held != key);
            if pressed && self.held.len() < HELD_MAX {
                self.held.push(key);
            }
        } else if pressed {
            let (text, display) = self.read(key);
            self.push(time, &text, &display, limits);
        }
    }

    /// A clipboard was sent.
    pub(super) fn clipboard(&mut self, clipboard: &Clipboard, limits: &Limits) {
        let time = KeyTime { at_ms: clipboard.began.at_ms, event_ms: clipboard.began.event_ms };
        self.event(time);
        let (text, display) = clipboard_texts(clipboard);
        self.left_out += u64::from(clipboard.is_cut());
        self.push(time, &text, &display, limits);
    }

    /// Time begins here, `before_ms` after what was its zero: what was before is at zero.
    pub(super) fn begin(&mut self, before_ms: i64) {
        self.last_event_ms = self.last_event_ms.saturating_sub(before_ms);
        for batch in &mut self.batches {
            batch.at_ms = 0;
            batch.end_ms = 0;
        }
    }

    /// What follows belongs to another session, perhaps: no key is held.
    pub(super) fn release_all(&mut self) {
        self.held.clear();
    }

    /// The keystrokes so far, with `open` clipboards behind them.
    pub(super) fn keystrokes<'a>(
        &self,
        open: impl Iterator<Item = &'a Clipboard>,
        left_out: u64,
        limits: &Limits,
    ) -> Keystrokes {
        let mut all = Self { batches: self.batches.clone(), held: Vec::new(), ..*self };
        for clipboard in open {
            all.clipboard(clipboard, limits);
        }
        Keystrokes {
            keystrokes_version: Keystrokes::VERSION,
            batches: all.batches,
            keystrokes_left_out: all.left_out + left_out,
        }
    }

    /// Releases count for pauses, too.
    fn event(&mut self, time: KeyTime) {
        self.is_paused |= time.event_ms.saturating_sub(self.last_event_ms) >= PAUSE_MS;
        self.last_event_ms = time.event_ms;
    }

    /// How a pressed key reads: plainly, and as Guacamole shows it.
    fn read(&self, key: Key) -> (String, String) {
        let is_shortcut = self.held.iter().any(|held| held.is_for_shortcuts());
        let combined = |keys: &[Key], name: fn(Key) -> std::borrow::Cow<'static, str>| {
            let mut names: Vec<_> = keys.iter().map(|key| name(*key)).collect();
            names.dedup();
            names.push(name(key));
            format!("<{}>", names.join("+"))
        };
        let text = match key.typed() {
            Some(typed) if !is_shortcut => typed.to_string(),
            Some(_) | None => combined(&self.held, Key::name),
        };
        let display = match key.typed() {
            _ if is_shortcut => {
                let mut sorted = self.held.clone();
                sorted.sort_by_key(|key| key.0);
                let names = sorted.iter().chain([&key]).map(|key| key.shown_name());
                format!("<{}>", names.collect::<Vec<_>>().join("+"))
            }
            Some(typed) if key.is_named_when_typed() => format!("<{}>{typed}", key.shown_name()),
            Some(typed) => typed.to_string(),
            None => format!("<{}>", key.shown_name()),
        };
        (text, display)
    }

    fn push(&mut self, time: KeyTime, text: &str, display: &str, limits: &Limits) {
        let bytes = text.len() + display.len();
        if self.text_bytes + bytes > limits.key_text_bytes {
            self.left_out += 1;
            return;
        }
        self.text_bytes += bytes;
        let at_ms = time.at_ms;
        // Above the limit a batch goes on, so that nothing is lost.
        let begins = std::mem::take(&mut self.is_paused) && self.batches.len() < limits.key_batches.max(1);
        match self.batches.last_mut() {
            Some(batch) if !begins => {
                batch.end_ms = batch.end_ms.max(at_ms);
                batch.text.push_str(text);
                batch.display.push_str(display);
            }
            Some(_) | None => self.batches.push(KeyBatch {
                at_ms,
                end_ms: at_ms,
                text: text.to_owned(),
                display: display.to_owned(),
            }),
        }
    }
}

impl Keystrokes {
    /// Those of a recording in which no keys can be.
    pub fn none() -> Self {
        Self { keystrokes_version: Self::VERSION, ..Self::default() }
    }

    /// The version of this description.
    pub const VERSION: u32 = 1;
}

/// How a clipboard reads: whole, and as Guacamole shows it. What is no text is only described.
fn clipboard_texts(clipboard: &Clipboard) -> (String, String) {
    if !clipboard.mimetype.starts_with("text/") {
        let described = format!("[Clipboard: {}, {} bytes]", clipboard.mimetype, clipboard.bytes);
        return (described.clone(), described);
    }
    let text = String::from_utf8_lossy(&clipboard.content);
    let mut units = 0;
    let shown: String = text
        .chars()
        .take_while(|character| {
            units += character.len_utf16();
            units <= CLIPBOARD_SHOWN
        })
        .collect();
    (format!("[Clipboard: {text}]"), format!("[Clipboard: {shown}]"))
}

#[cfg(test)]
mod tests;
