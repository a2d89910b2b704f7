use super::content;
use crate::id::MemberId;

/// No acknowledged record is lost or changed, on no member and over no restart.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Bytes that were read back.
    pub(crate) compared_bytes: u64,
}

impl Acknowledged {
    /// A member gives bytes of what a recorder recorded.
    pub(crate) fn read(
        &mut self,
        (recorder, member): (usize, MemberId),
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        for (at, byte) in (offset..).zip(bytes) {
            if *byte != content(recorder, at) {
                return Err(format!("member {member} changed byte {at} of recorder {recorder}"));
            }
        }
        self.compared_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// A recorder is told that bytes stand where it did not send such.
    pub(crate) fn conflict(recorder: usize) -> Result<(), String> {
        Err(format!("recorder {recorder} is told that other bytes stand where it sends the same ones"))
    }
}
