//! The pass without pixels.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::timeline::{Keystrokes, Timeline, TimelineFold};

/// Reads a recording from end to end; nothing is drawn.
pub(crate) fn survey(
    recording: &Recording,
    limits: Limits,
    interrupt: &Interrupt,
) -> Result<(Timeline, Keystrokes), OpenError> {
    let mut fold = TimelineFold::new(limits);
    recording.each_piece(0..recording.length()?, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    Ok(fold.finish())
}
