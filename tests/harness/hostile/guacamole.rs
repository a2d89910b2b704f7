//! Section E: what Guacamole's instructions can say.

mod drawing;
mod framing;
mod streams;
mod time;

use super::Case;

/// All that is tried.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = framing::cases();
    cases.extend(drawing::cases());
    cases.extend(streams::cases());
    cases.extend(time::cases());
    cases
}
