//! Our own AV1 encoder for screens.

mod analysis;
mod bits;
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
mod mv_coding;
mod mv_stack;
mod obu;
mod palette;
mod palette_tokens;
mod planes;
mod quantizer;
mod range_coder;
mod reconstruction;
mod source;
mod tables;
mod tile;

pub use encoder::{ScreenEncoder, ScreenFrame};
pub use format::{Chroma, Format};
pub use source::Source;

#[cfg(test)]
mod conformance;
