//! How often, and after how long, something is tried again.

use super::ClientError;
use std::time::Duration;

/// How often one thing is tried.
const TRIES_MAX: u32 = 6;
/// How long to wait after the first failure; after each further one, twice as long.
const WAIT_FIRST: Duration = Duration::from_millis(250);

/// The tries of one thing: a piece of a recording, or a file.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failures: u32,
}

impl Tries {
    /// How long to wait before the next try; the error, when another try is of no use or was the last.
    pub(super) fn wait_after(
        &mut self,
        error: ClientError,
        is_passing: impl FnOnce(&ClientError) -> bool,
    ) -> Result<Duration, ClientError> {
        if self.failures + 1 >= TRIES_MAX || !is_passing(&error) {
            return Err(error);
        }
        let wait = WAIT_FIRST * (1 << self.failures);
        self.failures += 1;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> ClientError {
        ClientError::Refused { url: String::new(), status, detail: String::new() }
    }

    #[test]
    fn each_wait_is_twice_as_long_and_the_last_failure_is_told() {
        let mut tries = Tries::default();
        let waits: Vec<_> = (0..TRIES_MAX).map(|_| tries.wait_after(refused(503), |_| true)).collect();
        let [first @ .., last] = &waits[..] else { panic!("{waits:?}") };
        let waits_ms: Vec<_> = first.iter().map(|wait| wait.as_ref().unwrap().as_millis()).collect();
        assert_eq!(waits_ms, [250, 500, 1_000, 2_000, 4_000]);
        assert!(matches!(last, Err(ClientError::Refused { status: 503, .. })), "{last:?}");
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        let told = Tries::default().wait_after(refused(400), |_| false);
        assert!(matches!(told, Err(ClientError::Refused { status: 400, .. })), "{told:?}");
    }
}
