//! The pass without pixels.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use codec::limits::Limits;
use codec::timeline::{Timeline, TimelineFold};

/// Reads a recording from end to end; nothing is drawn.
pub(crate) fn survey(recording: &Recording, interrupt: &Interrupt) -> Result<Timeline, OpenError> {
    let mut fold = TimelineFold::new(Limits::default());
    recording.each_piece(0..recording.length()?, |piece| {
        if interrupt.is_set() {
            return Err(OpenError::Interrupted);
        }
        fold.push(piece);
        Ok(())
    })?;
    Ok(fold.finish())
}
