//! Jobs that cannot read or write for a while: a member that just died or moves its copies says nothing of a recording.

use super::failure::JobError;
use cluster::catalog::FailureKind;
use std::time::Duration;

/// How long is waited before each further attempt, in seconds. All of it is less than a claim's lease, and longer than a
/// dead member goes unnoticed.
const WAITS_S: [u64; 5] = [1, 2, 4, 8, 16];

/// How often a job is still attempted before it has failed.
#[derive(Debug, Default)]
pub(super) struct Patience {
    attempts: usize,
}

impl Patience {
    /// How long to wait before the next attempt; none when there is nothing to wait for.
    pub(super) fn after(&mut self, error: &JobError) -> Option<Duration> {
        let wait_s = *WAITS_S.get(self.attempts)?;
        self.attempts += 1;
        (error.kind() == Some(FailureKind::Storage)).then(|| Duration::from_secs(wait_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversion::ConvertError;
    use std::io;

    #[test]
    fn bytes_that_may_come_later_are_waited_for_and_nothing_else_is() {
        let storage = JobError::Write(io::ErrorKind::TimedOut.into());
        let mut patience = Patience::default();
        let waits = [(); 6].map(|()| patience.after(&storage).map(|wait| wait.as_secs()));
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(8), Some(16), None]);
        assert_eq!(Patience::default().after(&JobError::Convert(ConvertError::NoPicture)), None);
        assert_eq!(Patience::default().after(&JobError::Stopped), None);
    }
}
