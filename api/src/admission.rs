//! May a session start?

use std::time::Duration;

use cluster::cluster::OpenSessionError;
use tokio::time::timeout;

use crate::auth::{Allowed, NewSession, Record};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

/// How long a quorum is waited for: a user waits, too.
const QUORUM_WAIT: Duration = Duration::from_secs(2);

/// Everything that would keep this session from being opened. Nothing is promised: a disk may fill up meanwhile.
pub(crate) async fn ask(
    state: &ApiState,
    allowed: &Allowed<Record, NewSession>,
    asked: dto::NewAdmission,
) -> dto::Admission {
    let mut problems = Vec::new();
    let info = asked.into_info(allowed.caller.recorder_token());
    if let Err(refusal) = info.check() {
        problems.push(Problem::from(refusal));
    }
    if let Some(full) = state.cluster.full_members() {
        problems.push(OpenSessionError::StorageFull { full }.into());
    }
    match timeout(QUORUM_WAIT, state.cluster.read_index()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => problems.push(error.into()),
        Err(_) => problems.push(Problem::not_ready("no majority of the members answers")),
    }
    let reasons: Vec<_> = problems.iter().map(dto::AdmissionReason::from).collect();
    dto::Admission { allowed: reasons.is_empty(), reasons }
}
