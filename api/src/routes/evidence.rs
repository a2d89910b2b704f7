//! What proves a session to somebody who has nothing of the cluster.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::problems::Problems;
use crate::auth::{Allowed, Evidence, OneSession};
use crate::evidence;
use crate::problem::Problem;
use crate::state::ApiState;

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(export_evidence);
}

/// What proves a session offline, with openssl and the script that is in it
///
/// A tar file: the report, the manifest, the leaves of the Merkle tree, a signed checkpoint of the audit log with proofs of
/// what it says of the recording and of this export, and a script that checks all of it. With Download and Keystrokes the
/// recording as it was received, and the keys with which its records become again what was hashed.
#[utoipa::path(
    tag = "recordings",
    params(("id" = String, Path, description = "the session")),
    responses(
        (status = 200, description = "the tar file", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 409, description = "the session has not ended, or its recording is not sealed"),
        (status = 410, description = "the session was purged"),
        Problems
    )
)]
#[get("/v1/sessions/{id}/evidence")]
pub(super) async fn export_evidence(
    allowed: Allowed<Evidence, OneSession>,
    state: Data<ApiState>,
) -> Result<HttpResponse, Problem> {
    evidence::export(&state, &allowed).await
}
