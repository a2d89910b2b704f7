//! What the person at the screen saw: draws instructions onto layers and says what changed.
//!
//! The meaning of every drawing is that of guacamole-common-js (`Client.js`, `Display.js`, `Layer.js`), whose
//! canvas is the HTML canvas: pixels are premultiplied, layers form a tree with opacity and z order, and five
//! of the channel masks clear everything of a layer outside the drawn shape.
//!
//! Boxes, copies and images are drawn row by row. What old recordings draw with paths, transforms and clips goes
//! through a slower and more general way, with the same masks.
//!
//! The canvas never reads a clock and never panics on what a recording asks for: a drawing beyond a limit is
//! refused with a [`DrawError`] that names the limit, changes nothing, and the recording goes on.

mod ahead;
mod allowance;
mod content;
mod counting;
mod coverage;
mod cursor;
mod damage;
mod decoders;
mod drawing;
mod error;
mod flatten;
mod image;
mod key_image;
mod key_state;
mod layer;
mod layers;
mod mask;
mod outline;
mod paint;
mod path;
mod place;
mod put;
mod script;
mod shape;
mod stream;
mod surface;
mod transfer;
mod vectors;

#[expect(clippy::module_inception, reason = "the type that the module is named after")]
mod canvas;

pub(crate) use ahead::Ahead;
pub use canvas::Canvas;
pub use cursor::CursorImage;
pub use damage::Damage;
pub use decoders::Decoders;
pub use error::{DrawError, ImageError, ImageFormat, RestoreError};
pub(crate) use image::decodes_within;
pub use key_image::Packing;
