//! Our own AV1 encoder for screens: it codes what changed, at the cost of what changed.
//!
//! Pictures of screens consist of areas that stay, areas that only move, text and lines of few colours, and now and
//! then a photograph. So a frame is copies of the picture before, palettes, and, where there are more colours, a
//! prediction and a residual that is transformed (DCT or identity) and quantized. Text of up to eight colours
//! within a block is exact; with quantizer index 0 everything is.
//!
//! Each file is a part of the [AV1 specification](https://aomediacodec.github.io/av1-spec/), whose names it uses:
//!
//! | part | sections | files |
//! |---|---|---|
//! | units and headers | 5.3, 5.5, 5.9 | `bits`, `obu`, `headers` |
//! | symbols | 8.2, 8.3, 9.3 | `range_coder`, `cdf`, `cdfs`, `tables` |
//! | blocks and what is kept of them | 5.11.2 to 5.11.5 | `tile`, `block`, `mode_map` |
//! | modes and vectors | 5.11.7 to 5.11.32, 7.10.2 | `mode_info`, `mv_stack`, `mv_coding` |
//! | palettes | 5.11.46, 5.11.49, 5.11.50 | `palette`, `palette_tokens` |
//! | residuals | 5.11.34 to 5.11.47, 7.12 | `reconstruction`, `coefs`, `coef_contexts`, `quantizer` |
//! | prediction and transforms | 7.11, 7.13 | `intra`, `inter`, `inverse_transform`, `forward_transform` |
//! | our decisions | none | `encoder`, `damage`, `analysis`, `movement`, `decide`, `choice`, `cost`, `refinement` |
//!
//! What is written and what is decided are apart: a `tile` writes any legal `Choice` that a `Decide` makes, and the
//! tests let one choose at random, so that every context is reached. The encoder keeps the picture as decoders
//! have it (`planes`), bit by bit; all work outside of the damage is a few symbols for each superblock.

mod analysis;
pub(super) mod bits;
mod block;
mod cdf;
mod cdfs;
mod choice;
mod coef_contexts;
mod coefs;
mod cost;
mod damage;
mod decide;
mod encoder;
mod format;
mod forward_transform;
mod frame_state;
mod headers;
mod inter;
mod intra;
mod inverse_transform;
mod mode_info;
mod mode_map;
mod movement;
mod mv_coding;
mod mv_stack;
pub(super) mod obu;
mod palette;
mod palette_tokens;
mod planes;
mod quantizer;
mod range_coder;
mod reconstruction;
mod refinement;
mod source;
mod tables;
mod tile;

#[cfg(test)]
mod conformance;

pub use encoder::{ScreenEncoder, ScreenFrame};
pub use format::Format;
pub use source::Source;
