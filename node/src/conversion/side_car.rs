//! Sound of a file that is heard beside a recording.

use super::convert::ConvertError;
use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use crate::worker::lent::Lent;
use crate::worker::message::{Reply, Request, SoundBeside};
use crate::worker::process::{ProcessError, WorkerProcess};
use codec::audio::SideCarSurvey;
use codec::refusal::Refusal;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a file is called that has no name.
const UNNAMED: &str = "the sound of the session";

/// Why a file cannot be heard beside a recording.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SideCarFileError {
    /// It cannot be opened.
    #[error("cannot read {path}: {source}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A pipe or a folder: the index of some formats stands at their end.
    #[error("{path} is no regular file: sound is read from its beginning and from its end")]
    NotRegular {
        /// Which file.
        path: PathBuf,
    },
}

/// A file of sound, and where it begins. Only worker processes decode it.
pub(crate) struct SideCarFile {
    path: PathBuf,
    file: Arc<Lent>,
    beside: SoundBeside,
}

impl SideCarFile {
    /// Opens a file whose sound begins `offset_ms` after media time 0, or before it.
    pub(crate) fn open(path: &Path, offset_ms: i64) -> Result<Self, SideCarFileError> {
        let unread = |source| SideCarFileError::Open { path: path.to_owned(), source };
        let metadata = std::fs::metadata(path).map_err(unread)?;
        if !metadata.is_file() {
            return Err(SideCarFileError::NotRegular { path: path.to_owned() });
        }
        let file = Lent::file(File::open(path).map_err(unread)?).map_err(unread)?;
        Ok(Self::of(path, file, offset_ms))
    }

    /// The same of a file that has no name.
    pub(crate) fn of_file(file: File, offset_ms: i64) -> io::Result<Self> {
        Ok(Self::of(Path::new(UNNAMED), Lent::file(file)?, offset_ms))
    }

    /// The same of a sealed object of the cluster.
    pub(crate) fn of_stored(file: Recording, offset_ms: i64) -> Result<Self, OpenError> {
        Ok(Self::of(Path::new(UNNAMED), Lent::stored(file)?, offset_ms))
    }

    fn of(path: &Path, file: Lent, offset_ms: i64) -> Self {
        let beside = SoundBeside { offset_ms, bytes: file.bytes() };
        Self { path: path.to_owned(), file: Arc::new(file), beside }
    }

    /// Has a worker decode all of it.
    pub(crate) fn survey(&self, interrupt: &Interrupt) -> Result<SideCarSurvey, ConvertError> {
        let mut worker = WorkerProcess::start(interrupt)?;
        worker.lend(Arc::clone(&self.file));
        let mut survey = None;
        let asked = worker.request(&Request::SurveySound(self.beside), |reply| {
            if let Reply::SoundSurvey(told) = reply {
                survey = Some(told);
            }
            Ok::<_, ProcessError>(())
        });
        match (asked, survey) {
            (Ok(()), Some(survey)) => Ok(survey),
            (Ok(()), None) => Err(ProcessError::Start(io::ErrorKind::UnexpectedEof.into()).into()),
            (Err(ProcessError::Failed(refusal)), _) => {
                Err(ConvertError::SideCar { path: self.path.clone(), refusal })
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Has a worker that codes sound mix it.
    pub(super) fn mix(&self, worker: &mut WorkerProcess) -> Result<(), ProcessError> {
        worker.lend(Arc::clone(&self.file));
        worker.request(&Request::MixSound(self.beside), |_| Ok(()))
    }
}

/// What is said of sound that is heard only in part.
pub(crate) struct SideCarLoss {
    /// The file.
    pub(crate) path: PathBuf,
    /// Up to when it is heard, in milliseconds of media time.
    pub(crate) end_ms: i64,
    /// Why it is not heard behind that.
    pub(crate) refusal: Refusal,
}

impl SideCarFile {
    /// What of it cannot be heard.
    pub(super) fn loss(&self, survey: &SideCarSurvey) -> Option<SideCarLoss> {
        let refusal = survey.loss.clone()?;
        Some(SideCarLoss { path: self.path.clone(), end_ms: survey.end_ms, refusal })
    }
}
