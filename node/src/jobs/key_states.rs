//! The second part of the job Index: the key states of a recording, drawn by a worker process.

use super::failure::JobError;
use super::runner::JobTools;
use super::stored_output::StoredOutput;
use crate::interrupt::Interrupt;
use crate::key_states::{MakeError, make_key_states};
use crate::recording::{OpenError, Recording};
use crate::worker::process::ProcessError;
use cluster::catalog::{ClaimToken, Command, KeepKeyStates};
use cluster::id::RecordingId;
use codec::source::Format;

/// Makes the key states of a sealed recording and keeps them as an object beside it. A recording that cannot be drawn
/// has none: everything works without them, only slower.
pub(super) fn keep_key_states(
    tools: &JobTools,
    claim: ClaimToken,
    recording: RecordingId,
    length: u64,
    interrupt: &Interrupt,
) -> Result<(), JobError> {
    let stored = Recording::of_session(&tools.cluster, &tools.runtime, recording, length)?;
    match stored.format() {
        Format::Guacamole | Format::Terminal(_) => {}
        Format::DbLines => return Ok(()),
    }
    let mut output = StoredOutput::new(tools.cluster.clone(), tools.runtime.clone(), recording);
    match make_key_states(&stored, &mut output, interrupt) {
        Ok(0) => return Ok(()),
        Ok(_) => {}
        Err(MakeError::Open(error)) => return Err(error.into()),
        Err(MakeError::Write(error)) => return Err(JobError::Write(error)),
        Err(MakeError::Worker(ProcessError::Interrupted)) => return Err(OpenError::Interrupted.into()),
        Err(MakeError::Worker(error)) => {
            tracing::warn!(%recording, %error, "a recording has no key states");
            return Ok(());
        }
    }
    let object = output.seal()?.object;
    let keep = Command::KeepKeyStates(KeepKeyStates { claim, object });
    if let Err(error) = tools.runtime.block_on(tools.cluster.submit(keep)) {
        tracing::warn!(%recording, %error, "the key states of a recording are not kept");
    }
    Ok(())
}
