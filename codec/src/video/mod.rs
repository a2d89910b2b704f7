//! From pictures to coded packets: what is coded when (`pacing`), where the work is cut ([`Plan`]), and
//! the encoder behind one narrow seam ([`Frame`] in, [`Packet`] out).

mod blink;
mod check;
mod encode;
mod film_header;
mod frame;
mod level;
mod pacing;
mod plan;
mod projection;
mod rav1e;
pub mod screen;
mod segment;
mod segment_encoder;
mod settings;
mod staleness;
mod yuv;

pub use encode::{Encode, Start, StartEncoder};
pub use frame::{Frame, Packet};
pub use level::level_index;
pub use plan::{Plan, Segment};
pub use rav1e::{EncodeError, Encoder};
pub use segment::{SegmentCoder, SegmentError};
pub use segment_encoder::SegmentEncoder;
pub use settings::{Chroma, Profile, Rhythm, VideoSettings};
pub use yuv::Yuv;
