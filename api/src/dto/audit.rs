//! The audit log.

use cluster::catalog::{AuditKey, AuditKeyRow, AuditKind, AuditLeaf, AuditQuery};
use cluster::chunk::Hash;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hex;
use crate::audit::{Format, verifier_key};

/// Leaves of a page when nothing else is asked for.
const PAGE_LEAVES: usize = 100;
/// The most leaves of a page.
const PAGE_LEAVES_MAX: usize = 1000;

/// Which leaves, and how they are shown.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LeavesQuery {
    /// Of this user.
    user: Option<String>,
    /// Of this action: a permission, or a word as `session-opened`.
    action: Option<String>,
    /// About this object, as `session/…`, `video/…`, `parameter/…`.
    object: Option<String>,
    /// `change`, `view`, `refusal` or `heartbeat`.
    #[param(inline)]
    kind: Option<LeafKind>,
    /// Not before this time.
    from_ms: Option<u64>,
    /// Before this time.
    to_ms: Option<u64>,
    /// The number of a leaf: those behind it.
    cursor: Option<u64>,
    /// Whether the newest come first; the oldest do without.
    #[serde(default)]
    newest_first: bool,
    /// At most so many; 100 without.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// In which form; `json` without. `custody@32473` in `rfc5424` has the number that IANA keeps for examples, since Custody has none.
    #[serde(default)]
    #[param(inline)]
    pub(crate) format: Format,
}

/// What a leaf tells of.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum LeafKind {
    /// A change.
    Change,
    /// Something of a session, or the audit log, was shown.
    View,
    /// Somebody was refused.
    Refusal,
    /// The log goes on.
    Heartbeat,
}

impl LeavesQuery {
    /// The same for the catalog.
    pub(crate) fn into_query(self) -> AuditQuery {
        let Self { user, action, object, kind, from_ms, to_ms, cursor, newest_first, limit, format: _ } =
            self;
        let kind = kind.map(|kind| match kind {
            LeafKind::Change => AuditKind::Change,
            LeafKind::View => AuditKind::View,
            LeafKind::Refusal => AuditKind::Refusal,
            LeafKind::Heartbeat => AuditKind::Heartbeat,
        });
        let limit = limit.unwrap_or(PAGE_LEAVES).clamp(1, PAGE_LEAVES_MAX);
        let (after, descending) = (cursor, newest_first);
        AuditQuery { user, action, object, kind, from_ms, to_ms, after, descending, limit }
    }
}

/// Some of the leaves. A page may be short or empty before the last one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LeavesPage {
    pub(crate) leaves: Vec<Leaf>,
    /// For `cursor`; none after the last page.
    pub(crate) next: Option<u64>,
}

/// A leaf of the audit log. Its texts are empty where there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AuditLeaf)]
pub(crate) struct Leaf {
    /// Its place in the log, from 0.
    pub(crate) number: u64,
    /// When, in the cluster's time.
    pub(crate) at_ms: u64,
    /// `change`, `view`, `refusal` or `heartbeat`.
    pub(crate) kind: &'static str,
    pub(crate) user: String,
    /// The service that acted for the user.
    pub(crate) service: String,
    /// A permission, or a word.
    pub(crate) action: String,
    /// What it was done to.
    pub(crate) object: String,
    /// From where.
    pub(crate) address: String,
    pub(crate) detail: String,
    /// Its hash in the tree (RFC 6962), in hexadecimal digits.
    pub(crate) hash: String,
}

impl From<AuditLeaf> for Leaf {
    fn from(leaf: AuditLeaf) -> Self {
        let hash = hex(&leaf.hash().0);
        let AuditLeaf { number, at_ms, kind, user, service, action, object, address, detail } = leaf;
        Self { number, at_ms, kind: kind.as_str(), user, service, action, object, address, detail, hash }
    }
}

impl Leaf {
    /// Its texts by name.
    pub(crate) fn texts(&self) -> [(&'static str, &str); 7] {
        [
            ("user", &self.user),
            ("service", &self.service),
            ("action", &self.action),
            ("object", &self.object),
            ("address", &self.address),
            ("detail", &self.detail),
            ("hash", &self.hash),
        ]
    }
}

/// Which leaf, in which tree.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InclusionQuery {
    /// The leaf.
    #[param(required = true)]
    pub(crate) leaf: Option<u64>,
    /// How many leaves the tree has; all without.
    pub(crate) size: Option<u64>,
}

/// That a leaf stands in the log: with its hash, these make the root (RFC 9162, 2.1.3.2). Hashes are hexadecimal digits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Inclusion {
    pub(crate) leaf: u64,
    pub(crate) size: u64,
    /// The leaf's hash.
    pub(crate) leaf_hash: String,
    /// From the leaf to the root.
    pub(crate) path: Vec<String>,
    /// The root over so many leaves.
    pub(crate) root: String,
}

/// Two sizes of the log.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyQuery {
    /// The older size, from 1.
    #[param(required = true)]
    pub(crate) from: Option<u64>,
    /// The newer size; all without.
    pub(crate) to: Option<u64>,
}

/// That an older log is the beginning of a newer one (RFC 9162, 2.1.4.2). Hashes are hexadecimal digits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Consistency {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) path: Vec<String>,
    /// The root of the older one.
    pub(crate) from_root: String,
    /// The root of the newer one.
    pub(crate) to_root: String,
}

/// A key with which a member signs checkpoints, or signed them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditKey)]
pub(crate) struct CheckpointKey {
    pub(crate) member: u64,
    /// Ed25519, in hexadecimal digits.
    pub(crate) public_key: String,
    /// As verifiers of C2SP signed notes take it.
    pub(crate) verifier_key: String,
    /// Since when it is known.
    pub(crate) since_ms: u64,
}

impl CheckpointKey {
    /// A key of the log of this origin.
    pub(crate) fn new(origin: &str, key: &AuditKey, row: AuditKeyRow) -> Self {
        Self {
            member: key.member.0,
            public_key: hex(&key.public_key),
            verifier_key: verifier_key(origin, key),
            since_ms: row.since_ms,
        }
    }
}

/// Hashes as hexadecimal digits.
pub(crate) fn path(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(&hash.0)).collect()
}
