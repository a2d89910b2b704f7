//! What the tests of the whole product share: the binary, run with a deadline; the recordings of `tests/data` with
//! their facts; pictures; processes and their children.
//!
//! Nothing here knows how Custody works inside: it sees files, exit codes and messages, as a user does.

#![expect(clippy::missing_errors_doc, reason = "every error here fails a test and explains itself")]

mod custody;
mod cut;
mod measure;
mod memory;
mod paths;
mod picture;
mod processes;
mod random;
mod recordings;

pub use custody::{Custody, Ended, Running};
pub use cut::{Cut, Outcome};
pub use measure::{Measure, video_of};
pub use memory::children_peak_kib;
pub use paths::{binary, data, repository};
pub use picture::{Image, psnr_db};
pub use processes::{children_of, computed_ticks, is_alive, wait_until};
pub use random::Random;
pub use recordings::{Pointer, Recording, ReferenceFrame, ScreenSize, recording, recordings};
