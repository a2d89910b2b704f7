//! What an auditor exports of a session: its recording, and what proves it to somebody who has nothing of the cluster.
//!
//! The order matters: report and manifest are made, a leaf of the audit log names both by their hashes, and only then is
//! the log's checkpoint signed that the export holds, so that one signature stands behind all of it.

mod proofs;
mod stream;
mod tar;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use bytes::Bytes;
use cluster::catalog::{ObjectState, SealFacts, SessionState, SoundRow};
use cluster::chunk::Hash;
use cluster::cluster::Evidence;
use cluster::id::ObjectId;
use policy::Action;

use crate::audit::json;
use crate::auth::{Allowed, Evidence as MayExport, OneSession};
use crate::problem::{Kind, Problem};
use crate::report;
use crate::state::ApiState;
use stream::{Export, Source};
use tar::Entry;

/// How it is checked, and by what: served with each export, and read in the repository.
const README: &str = include_str!("evidence/README.txt");
const VERIFY_SH: &str = include_str!("evidence/verify.sh");
const VERIFY_PY: &str = include_str!("evidence/verify.py");

/// The evidence of a session whose recording is sealed, as a tar file that is made while it is sent. The recording is in
/// it for who may have its bytes as they were received.
pub(crate) async fn export(
    state: &ApiState,
    allowed: &Allowed<MayExport, OneSession>,
) -> Result<HttpResponse, Problem> {
    let session = &allowed.target;
    let facts = sealed(state, session)?;
    let with_recording = [Action::Download, Action::Keystrokes].into_iter().all(|action| allowed.may(action));
    let evidence = state.cluster.evidence(session.id.into()).await?;
    let manifest = Bytes::from(evidence.manifest().encode());
    let report = report::report(state, session.clone()).await?;
    // As the report tells it: one that comes meanwhile is not in the export.
    let sound = report.session.sound.as_ref().map(|_| sound(state, session)).transpose()?.flatten();
    let report = Bytes::from(json(&report));
    let leaf = allowed.exported(told(&facts, &manifest, &report, with_recording)).await?;
    let (checkpoint, proofs, at_ms) = proofs::of(state, session, &facts, leaf).await?;
    let mut made = vec![
        ("README.txt", Bytes::from_static(README.as_bytes())),
        ("verify.sh", Bytes::from_static(VERIFY_SH.as_bytes())),
        ("verify.py", Bytes::from_static(VERIFY_PY.as_bytes())),
        ("checkpoint.txt", Bytes::from(checkpoint)),
        ("proofs.json", Bytes::from(proofs)),
        ("report.json", report),
        ("manifest.bin", manifest),
    ];
    if with_recording {
        made.push(("keys.txt", Bytes::from(keys(&evidence)?)));
    }
    let mut parts: Vec<(String, Source)> =
        made.into_iter().map(|(name, bytes)| (name.to_owned(), Source::Made(bytes))).collect();
    parts.push(("leaves.bin".to_owned(), Source::Leaves { length: evidence.leaves_bytes() }));
    if with_recording {
        let (object, length) = (ObjectId::from(session.id), facts.length);
        parts.push((format!("recording.{}", session.row.info.format), Source::Object { object, length }));
        if let Some(SoundRow { object, length, .. }) = sound {
            parts.push(("sound".to_owned(), Source::Object { object, length }));
        }
    }
    let folder = format!("evidence-{}", session.id);
    let entry = |(name, source): (String, Source)| {
        let entry = Entry { name: format!("{folder}/{name}"), length: source.length(), at_s: at_ms / 1000 };
        (entry, source)
    };
    let export = Export::new(state.cluster.clone(), evidence, parts.into_iter().map(entry).collect());
    Ok(HttpResponse::Ok()
        .content_type("application/x-tar")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{folder}.tar\"")))
        .body(SizedStream::new(export.length(), Box::pin(export.into_stream()))))
}

/// The file of sound of a session.
fn sound(state: &ApiState, session: &OneSession) -> Result<Option<SoundRow>, Problem> {
    Ok(state.cluster.catalog()?.sound(session.id)?)
}

/// What the seal says; only what no longer grows is evidence.
fn sealed(state: &ApiState, session: &OneSession) -> Result<SealFacts, Problem> {
    if session.row.state == SessionState::Live {
        return Err(Problem::new(Kind::SessionNotEnded, "expected a session that has ended"));
    }
    let row = state.cluster.catalog()?.object(session.id.into())?.ok_or_else(Problem::not_found)?;
    match row.state {
        ObjectState::Sealed(facts) => Ok(facts),
        ObjectState::Open | ObjectState::Interrupted { .. } => {
            Err(Problem::new(Kind::RecordingNotSealed, "expected a recording that is sealed"))
        }
    }
}

/// What the leaf of an export says of it. `verify.py` reads it.
fn told(facts: &SealFacts, manifest: &Bytes, report: &Bytes, with_recording: bool) -> String {
    let recording = if with_recording { "yes" } else { "no" };
    let (root, manifest, report) = (facts.root, Hash::of(&[manifest]), Hash::of(&[report]));
    format!("root={root} manifest={manifest} report={report} recording={recording}")
}

/// The keys of the chunks' records, a line each. Each opens what the same export holds in the clear, and nothing else.
fn keys(evidence: &Evidence) -> Result<String, Problem> {
    let mut lines = String::new();
    for chunk in evidence.manifest().chunks() {
        let key = evidence.record_key(chunk)?;
        lines.push_str(&format!("{} {}\n", chunk.number, Hash(*key)));
    }
    Ok(lines)
}
