//! Instructions as they stand in a recording.

use super::key_image::Packing;
use base64_simd::STANDARD;

/// Bytes of one `blob`: what guacd sends, and what fits an element once it is base64.
const BLOB_BYTES: usize = 6048;

/// Writes instructions up to a length. What is beyond it is left out, and the whole is then worth nothing.
pub(super) struct Script {
    bytes: Vec<u8>,
    packing: Packing,
    limit_bytes: usize,
}

impl Script {
    pub(super) fn new(packing: Packing, limit_bytes: usize) -> Self {
        Self { bytes: Vec::new(), packing, limit_bytes }
    }

    /// How images are written.
    pub(super) fn packing(&self) -> Packing {
        self.packing
    }

    /// Whether more was written than may be.
    pub(super) fn is_over(&self) -> bool {
        self.bytes.len() > self.limit_bytes
    }

    /// All of it, if it is within the limit.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.is_over()).then_some(self.bytes)
    }

    /// An instruction whose arguments are numbers.
    pub(super) fn put(&mut self, opcode: &str, arguments: &[i64]) {
        let texts: Vec<_> = arguments.iter().map(i64::to_string).collect();
        self.put_texts(opcode, &texts);
    }

    /// An instruction with any arguments; they are ASCII.
    pub(super) fn put_texts(&mut self, opcode: &str, arguments: &[impl AsRef<str>]) {
        self.element(opcode);
        for argument in arguments {
            self.bytes.push(b',');
            self.element(argument.as_ref());
        }
        self.bytes.push(b';');
    }

    /// Opens an image stream, without its bytes and end. The content tells the format of an image.
    pub(super) fn open_image(&mut self, stream: i32, mask: u8, layer: i32, [x, y]: [i64; 2]) {
        let [stream, mask, layer] = [stream, mask.into(), layer].map(|number| number.to_string());
        let [x, y] = [x, y].map(|number| number.to_string());
        self.put_texts("img", &[&stream, &mask, &layer, "image/png", &x, &y]);
    }

    /// The next bytes of a stream, in as many pieces as they need.
    pub(super) fn blobs(&mut self, stream: i32, bytes: &[u8]) {
        for piece in bytes.chunks(BLOB_BYTES) {
            if self.is_over() {
                return;
            }
            self.put_texts("blob", &[stream.to_string(), STANDARD.encode_to_string(piece)]);
        }
    }

    /// Lengths count characters: all that is written here is ASCII.
    fn element(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.len().to_string().as_bytes());
        self.bytes.push(b'.');
        self.bytes.extend_from_slice(text.as_bytes());
    }
}
