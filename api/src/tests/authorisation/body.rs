//! What is sent to the routes that take something.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::UNTIL_MS;
use super::cell::Cell;
use crate::tests::harness::*;

/// The file of sound of every session that has one.
pub(super) const SOUND: &str = "the sound of the room";

pub(super) fn with_body(request: TestRequest, cell: &Cell) -> TestRequest {
    match cell.route.as_str() {
        "POST /v1/sessions" => request.set_json(ssh()),
        "POST /api/v1/recordings" => with_form(request, "file"),
        "POST /api/asciicasts" => with_form(request, "asciicast"),
        "POST /v1/sessions/admission" => {
            let session = json!({ "protocol": "ssh", "format": "asciicast", "device_address": "db" });
            request.set_json(session)
        }
        "POST /v1/sessions/{id}/seal" => {
            request.set_json(json!({ "end": "finished", "end_ms": NOW_MS + 60_000 }))
        }
        "POST /v1/sessions/{id}/videos" => {
            request.set_json(json!({ "keystrokes": cell.target.ends_with("with keystrokes") }))
        }
        "PUT /v1/sessions/{id}/auditors" => request.set_json(json!({ "auditors": ["somebody"] })),
        "POST /v1/sessions/{id}/holds" => request.set_json(json!({ "justification": "inquiry" })),
        "POST /v1/sessions/{id}/approvals" => {
            request.set_json(json!({ "reason": "inquiry", "until_ms": UNTIL_MS }))
        }
        "PUT /v1/sessions/{id}/approvals/{approval}" => request.set_json(json!({ "approved": true })),
        "POST /v1/sessions/{id}/comments" => request.set_json(json!({ "text": "looked at" })),
        "PUT /v1/sessions/{id}/block" | "POST /v1/sessions/{id}/drop" => {
            request.set_json(json!({ "reason": "odd" }))
        }
        "POST /v1/sessions/{id}/purge" => request.set_json(json!({ "reason": "asked" })),
        "PUT /v1/retention-rules/{scope}/{name}" => request.set_json(json!({ "days": 7 })),
        "PUT /v1/cluster/workers/{name}" => request.set_json(json!({ "order": "start" })),
        "PUT /v1/cluster/layout/members/{member}" => request.set_json(json!({ "weight": 2 })),
        // Somebody has staged another one meanwhile.
        "POST /v1/cluster/layout/apply" => request.set_json(json!({ "version": 999_999 })),
        "POST /v1/cluster/members/{id}/remove" => request.set_json(json!({})),
        "POST /v1/cluster/members/{id}/replace" => request.set_json(json!({ "by": 1 })),
        "PUT /v1/parameters/{name}" => request.set_json(json!({ "value": 3 })),
        "POST /v1/tokens" => {
            request.set_json(json!({ "kind": "user", "subject": "somebody", "roles": given(cell) }))
        }
        "POST /v1/users" => {
            let name = format!("somebody{}", cell.line);
            request.set_json(json!({ "name": name, "password": "correct horse", "roles": given(cell) }))
        }
        "PUT /v1/users/{name}" => request.set_json(json!({ "roles": [] })),
        "PUT /v1/users/{name}/password" => request.set_json(json!({ "password": "correct horse" })),
        "POST /v1/login" => request.set_json(json!({ "name": "guest", "password": "correct horse" })),
        "PUT /v1/roles/{name}" => request.set_json(json!({ "permissions": ["PAM.SessionManagement.Read"] })),
        "PATCH /v1/sessions/{id}/recording" => request
            .insert_header(("content-type", PIECES))
            .insert_header(("upload-offset", "1"))
            .set_payload(b"y".to_vec()),
        "PUT /v1/sessions/{id}/sound" => request.set_payload(SOUND),
        _ => request,
    }
}

/// A form with a file.
fn with_form(request: TestRequest, name: &str) -> TestRequest {
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{{\"version\":2}}\n\r\n--b--\r\n"
    );
    request.insert_header(("content-type", "multipart/form-data; boundary=b")).set_payload(form)
}

/// The roles that a cell's caller wants to give.
fn given(cell: &Cell) -> Value {
    match cell.target.as_str() {
        "of stronger" => json!([ADMINISTRATOR]),
        _ => json!([]),
    }
}
