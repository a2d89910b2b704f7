//! What the audit log says of an export, of the recording's sealing, and of the key that signs it.

use cluster::catalog::{AuditEvent, AuditKey, AuditLeaf, AuditQuery, Catalog, SealFacts};
use serde::Serialize;

use crate::audit::{Log, json};
use crate::auth::OneSession;
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

/// Pages of the log that are looked through for one leaf.
const PAGES_MAX: usize = 100;
/// By how much a recorder's clock may be wrong for a leaf to be found at once.
const CLOCK_MS: u64 = 600_000;

/// A leaf, and its way to the root.
#[derive(Debug, Serialize)]
struct Proof {
    /// Its canonical form, in hexadecimal digits.
    leaf: String,
    /// Nearest sibling first.
    path: Vec<String>,
}

/// The leaves on which an export rests.
#[derive(Debug, Serialize)]
struct Proofs {
    exported: Proof,
    key: Proof,
    sealed: Option<Proof>,
}

/// A signed checkpoint, the proofs as JSON, and when the leaf of the export was made.
pub(super) async fn of(
    state: &ApiState,
    session: &OneSession,
    facts: &SealFacts,
    exported: u64,
) -> Result<(String, String, u64), Problem> {
    let catalog = state.cluster.catalog()?;
    let not_there = || Problem::not_ready("the audit log lacks a leaf that proves the export");
    let sealed = sealed(catalog, session, facts).await?;
    let key = key(state, catalog).await?.ok_or_else(not_there)?;
    let exported = catalog.audit_leaf(exported)?.ok_or_else(not_there)?;
    let log = Log::of(catalog)?.ok_or_else(not_there)?;
    let proof = |leaf: &AuditLeaf| -> Result<Proof, Problem> {
        let path = catalog.audit_inclusion(leaf.number, log.head.size)?.ok_or_else(not_there)?;
        Ok(Proof { leaf: dto::hex(&leaf.canonical_bytes()), path: dto::path(&path) })
    };
    let proofs = Proofs {
        exported: proof(&exported)?,
        key: proof(&key)?,
        sealed: sealed.as_ref().map(proof).transpose()?,
    };
    Ok((log.checkpoint(&state.checkpoint_key), json(&proofs), exported.at_ms))
}

/// The leaf of this member's key, which stands at the time since which the key is known.
async fn key(state: &ApiState, catalog: &Catalog) -> Result<Option<AuditLeaf>, Problem> {
    let own = AuditKey { member: state.cluster.member(), public_key: state.checkpoint_key.public_key() };
    let Some((_, row)) = catalog.audit_keys()?.into_iter().find(|(key, _)| *key == own) else {
        return Ok(None);
    };
    let query = AuditQuery {
        object: Some(format!("member/{}", own.member)),
        action: Some("audit-key".to_owned()),
        from_ms: Some(row.since_ms),
        to_ms: Some(row.since_ms.saturating_add(1)),
        ..AuditQuery::default()
    };
    let digits = dto::hex(&own.public_key);
    find(catalog, query, |leaf| leaf.detail == digits).await
}

/// The leaf of the sealing; none of a recording that was sealed before there were such leaves, or whose leaf is lost among
/// too many others.
async fn sealed(
    catalog: &Catalog,
    session: &OneSession,
    facts: &SealFacts,
) -> Result<Option<AuditLeaf>, Problem> {
    let event = AuditEvent::sealed(session.id, facts);
    let opened_ms = session.row.opened_ms;
    let ended_ms = session.row.state.end_ms().unwrap_or_default().saturating_sub(CLOCK_MS);
    // Most often it stands just behind the end; a recorder's clock that is wrong only makes the search longer.
    for from_ms in [ended_ms.max(opened_ms), opened_ms] {
        let query = AuditQuery {
            object: Some(event.object.clone()),
            action: Some(event.action.clone()),
            from_ms: Some(from_ms),
            ..AuditQuery::default()
        };
        let found = find(catalog, query, |leaf| event.is_told_by(leaf)).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The first leaf of a query that is the one.
async fn find(
    catalog: &Catalog,
    mut query: AuditQuery,
    is_it: impl Fn(&AuditLeaf) -> bool,
) -> Result<Option<AuditLeaf>, Problem> {
    query.limit = 1;
    for _ in 0..PAGES_MAX {
        let page = catalog.audit_leaves(&query)?;
        let found = page.leaves.into_iter().find(|leaf| is_it(leaf));
        if found.is_some() || page.next.is_none() {
            return Ok(found);
        }
        query.after = page.next;
        // A page is read from memory or disk at once: others have their turn between two.
        tokio::task::yield_now().await;
    }
    Ok(None)
}
