//! Recordings, written instruction by instruction.

use std::fmt::Display;

/// The instructions of a recording.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(Vec<u8>);

/// The bytes of one instruction.
pub(crate) fn instruction(elements: &[&dyn Display]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let text = element.to_string();
        let separator = if index == 0 { "" } else { "," };
        bytes.extend(format!("{separator}{}.{text}", text.chars().count()).bytes());
    }
    bytes.push(b';');
    bytes
}

impl Script {
    /// Nothing.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    /// A red screen of 64x48 pixels, shown at 0 s.
    pub(super) fn new() -> Self {
        Self::empty().raw(instruction(&[&"size", &0, &64, &48])).paint(255, 0).sync(1_000)
    }

    /// Whatever it is.
    pub(super) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref());
        self
    }

    /// An opcode and its arguments, whitespace between them.
    pub(super) fn draw(self, text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let elements: Vec<&dyn Display> = words.iter().map(|word| -> &dyn Display { word }).collect();
        self.raw(instruction(&elements))
    }

    /// Fills a part of the screen.
    pub(super) fn paint(self, red: u8, green: u8) -> Self {
        self.draw("rect 0 4 4 40 40").draw(&format!("cfill 14 0 {red} {green} 0 255"))
    }

    /// The end of a frame.
    pub(super) fn sync(self, timestamp: i64) -> Self {
        self.raw(instruction(&[&"sync", &timestamp]))
    }

    /// An image in a stream of its own.
    pub(super) fn image(self, bytes: &[u8], mimetype: &str, layer: i32, (x, y): (i64, i64)) -> Self {
        /// What guacd puts into one blob.
        const BLOB_BYTES: usize = 6048;
        let mut script = self.raw(instruction(&[&"img", &3, &14, &layer, &mimetype, &x, &y]));
        for piece in bytes.chunks(BLOB_BYTES) {
            script = script.blob(3, piece);
        }
        script.draw("end 3")
    }

    /// A piece of a stream.
    pub(super) fn blob(self, stream: i32, bytes: &[u8]) -> Self {
        self.raw(instruction(&[&"blob", &stream, &base64(bytes)]))
    }

    /// Another picture a second later, and the recording's end.
    pub(super) fn end(self) -> Vec<u8> {
        self.paint(0, 255).sync(2_000).0
    }

    /// What there is.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// RFC 4648, section 4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0_u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for index in 0..4 {
            let value = usize::try_from(word >> (18 - 6 * index) & 63).expect("six bits");
            text.push(if index <= group.len() { char::from(ALPHABET[value]) } else { '=' });
        }
    }
    text
}

/// The ways in which an image comes: drawn on the screen, into a buffer under another mimetype, inline, and where
/// nobody sees it.
pub(super) fn ways(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let image = |layer, mimetype, at| Script::new().image(bytes, mimetype, layer, at).end();
    let mut ways = vec![
        ("screen", image(0, "image/png", (0, 0))),
        ("buffer, lying mimetype", image(-7, "image/webp", (0, 0))),
        ("layer, no mimetype", image(2, "text/html", (3, -5))),
    ];
    if bytes.len() < 1 << 20 {
        let inline = instruction(&[&"jpeg", &14, &0, &0, &0, &base64(bytes)]);
        ways.push(("inline", Script::new().raw(inline).end()));
    }
    ways
}
