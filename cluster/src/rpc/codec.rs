//! Messages as tonic carries them: bytes, as they are.

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// One message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plain(pub(super) Bytes);

/// Carries [`Plain`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlainCodec;

impl Codec for PlainCodec {
    type Encode = Plain;
    type Decode = Plain;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for PlainCodec {
    type Item = Plain;
    type Error = Status;

    fn encode(&mut self, item: Plain, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item.0);
        Ok(())
    }
}

impl Decoder for PlainCodec {
    type Item = Plain;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Plain>, Status> {
        let length = buffer.remaining();
        Ok(Some(Plain(buffer.copy_to_bytes(length))))
    }
}
