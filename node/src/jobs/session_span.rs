//! From when to when the session of a recording lasted, as its report says.

use super::failure::JobError;
use cluster::Cluster;
use cluster::catalog::{End, SessionRow, SessionState};
use cluster::id::RecordingId;
use codec::timeline::SessionSpan;

/// The span of a session; none while it is live, and once it is gone.
pub(super) fn session_span(
    cluster: &Cluster,
    recording: RecordingId,
) -> Result<Option<SessionSpan>, JobError> {
    let row = cluster.catalog()?.session(recording)?;
    Ok(row.as_ref().and_then(span))
}

fn span(row: &SessionRow) -> Option<SessionSpan> {
    let SessionState::Ended { end, end_ms, .. } = &row.state else { return None };
    let (began_ms, end_ms) = (row.info.start_ms, *end_ms);
    let start_ms = match end {
        End::Finished | End::Failed | End::Dropped => began_ms,
        // The cluster itself says when a recorder was gone, and by its own clock when the session was opened; the start
        // is told by a clock of the recorder.
        End::Interrupted => began_ms.max(row.opened_ms),
    };
    Some(SessionSpan { start_ms, end_ms })
}
