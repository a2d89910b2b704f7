//! Why a job could not be done, as the catalog keeps it.

use super::stored_output::StoreError;
use crate::conversion::{ConvertError, PartError};
use crate::recording::OpenError;
use crate::tasks::ThreadError;
use crate::worker::process::ProcessError;
use cluster::catalog::{CatalogError, FailureKind};
use cluster::facts::{NotReady, SubmitError};
use codec::refusal::{Refusal, RefusalCode};

/// What is kept of an error's words.
const DETAIL_CHARS: usize = 250;

/// Why a job ended without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// There is no video.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The recording cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The result cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(std::io::Error),
    /// What was made cannot be kept in the catalog.
    #[error("cannot keep the result: {0}")]
    Keep(#[source] SubmitError),
    /// What the catalog says of the recording cannot be known.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The thread that did it panicked.
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// The member stops.
    #[error("the member stops")]
    Stopped,
}

impl JobError {
    /// What kind of failure it is; none when somebody stopped the job.
    pub(super) fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::Convert(error) => of_conversion(error),
            Self::Open(error) => of_reading(error),
            Self::Store(_) | Self::Write(_) | Self::Keep(_) | Self::NotReady(_) | Self::Catalog(_) => {
                Some(FailureKind::Storage)
            }
            Self::Thread(_) => Some(FailureKind::Crashed),
            Self::Stopped => None,
        }
    }

    /// What a person may read.
    pub(super) fn detail(&self) -> String {
        let text = self.to_string();
        text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(DETAIL_CHARS).collect()
    }
}

fn of_conversion(error: &ConvertError) -> Option<FailureKind> {
    match error {
        ConvertError::Open(error) => of_reading(error),
        ConvertError::NoPicture | ConvertError::Cut(_) => Some(FailureKind::Unsupported),
        ConvertError::Refused(refusal) | ConvertError::SideCar { refusal, .. } => Some(of_refusal(refusal)),
        ConvertError::SoundTooLong { .. } | ConvertError::Mux(_) => Some(FailureKind::Limit),
        ConvertError::Worker(error) => of_worker(error),
        ConvertError::Part(PartError::File(_)) | ConvertError::Write(_) => Some(FailureKind::Storage),
        ConvertError::Part(PartError::Packet(_) | PartError::TooLong { .. })
        | ConvertError::SequenceHeader(_) => Some(FailureKind::Crashed),
    }
}

fn of_worker(error: &ProcessError) -> Option<FailureKind> {
    match error {
        ProcessError::Interrupted => None,
        ProcessError::Failed(refusal) => Some(of_refusal(refusal)),
        ProcessError::Start(_) | ProcessError::Message(_) => Some(FailureKind::Crashed),
        ProcessError::Lent(_) => Some(FailureKind::Storage),
    }
}

fn of_refusal(refusal: &Refusal) -> FailureKind {
    match refusal.code {
        RefusalCode::Limit => FailureKind::Limit,
        RefusalCode::Malformed => FailureKind::Malformed,
        RefusalCode::Truncated => FailureKind::Truncated,
        RefusalCode::Unsupported => FailureKind::Unsupported,
        RefusalCode::TimeBudget => FailureKind::TimeBudget,
        RefusalCode::MemoryBudget => FailureKind::MemoryBudget,
        RefusalCode::Crashed => FailureKind::Crashed,
    }
}

fn of_reading(error: &OpenError) -> Option<FailureKind> {
    match error {
        OpenError::Interrupted => None,
        OpenError::Read { .. } | OpenError::Spool { .. } | OpenError::Stored { .. } => {
            Some(FailureKind::Storage)
        }
        OpenError::Decompress { .. } => Some(FailureKind::Malformed),
        OpenError::NotARecording { refusal, .. } => Some(of_refusal(refusal)),
        OpenError::TooLong { .. } => Some(FailureKind::Limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::message::MessageError;
    use std::io;

    #[test]
    fn each_failure_has_a_kind_and_a_stop_has_none() {
        let worker = |error| JobError::Convert(ConvertError::Worker(error));
        for (code, kind) in [
            (RefusalCode::Limit, FailureKind::Limit),
            (RefusalCode::Malformed, FailureKind::Malformed),
            (RefusalCode::Truncated, FailureKind::Truncated),
            (RefusalCode::Unsupported, FailureKind::Unsupported),
            (RefusalCode::TimeBudget, FailureKind::TimeBudget),
            (RefusalCode::MemoryBudget, FailureKind::MemoryBudget),
            (RefusalCode::Crashed, FailureKind::Crashed),
        ] {
            assert_eq!(worker(ProcessError::Failed(Refusal::new(code, "no"))).kind(), Some(kind));
        }
        assert_eq!(worker(ProcessError::Interrupted).kind(), None);
        assert_eq!(JobError::Open(OpenError::Interrupted).kind(), None);
        assert_eq!(JobError::Convert(ConvertError::NoPicture).kind(), Some(FailureKind::Unsupported));
        let detail =
            worker(ProcessError::Message(MessageError::from(io::Error::other("a\r\nb".repeat(500)))))
                .detail();
        assert_eq!(detail.chars().count(), DETAIL_CHARS);
        assert!(!detail.contains('\n'));
    }
}
