//! Somebody who is about to see something.

use std::ops::Range;

use actix_web::web::Data;

use crate::audit::View;
use crate::problem::Problem;
use crate::state::ApiState;

/// Somebody who may see something, and who it is in the audit log. Bytes of sessions are sent to nobody else.
pub(crate) struct Viewer {
    pub(super) state: Data<ApiState>,
    pub(super) view: View,
}

impl Viewer {
    /// Commits that they see a part of it; without this, nothing of it may be sent.
    pub(crate) async fn sees(&self, part: Range<u64>) -> Result<(), Problem> {
        Ok(self.state.trail.show(&self.state.cluster, &self.view, part).await?)
    }
}
