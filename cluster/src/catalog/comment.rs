//! What auditors say about a session, and who has reviewed it.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::session::{self, SessionState};
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most comments of a session.
const COMMENTS_MAX: usize = 256;
/// The most users who have reviewed a session.
const REVIEWS_MAX: usize = 64;

/// Names a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommentId(pub [u8; 16]);

impl fmt::Display for CommentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Somebody says something about a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddComment {
    /// Its name.
    pub comment: CommentId,
    /// About which session.
    pub recording: RecordingId,
    /// About which place, in media time; about all of it, when none.
    pub t_ms: Option<u64>,
    /// What.
    pub text: String,
    /// Who.
    pub by: String,
}

/// Somebody has reviewed a session, or takes that back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutReview {
    /// Which session.
    pub recording: RecordingId,
    /// Whether they have.
    pub is_reviewed: bool,
    /// Who.
    pub by: String,
}

/// A comment in the catalog. It is never changed, and goes with its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentRow {
    /// About which place, in media time; about all of the session, when none.
    pub t_ms: Option<u64>,
    /// What.
    pub text: String,
    /// Who.
    pub by: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

impl Row for CommentRow {
    const TREE: Tree = Tree::Comments;
}

/// A user who has reviewed a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// Who.
    pub by: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

impl Row for ReviewRow {
    const TREE: Tree = Tree::Reviews;
}

impl Catalog {
    /// What was said about a session, the oldest first.
    pub fn comments(&self, recording: RecordingId) -> Result<Vec<(CommentId, CommentRow)>, CatalogError> {
        self.list(KeyRange::prefix(&recording.0), COMMENTS_MAX, |key| {
            key.last_chunk().copied().map(CommentId)
        })
    }

    /// Who has reviewed a session, in the order of their names.
    pub fn reviews(&self, recording: RecordingId) -> Result<Vec<ReviewRow>, CatalogError> {
        let rows = self.list(KeyRange::prefix(&recording.0), REVIEWS_MAX, |_| Some(()))?;
        Ok(rows.into_iter().map(|((), row)| row).collect())
    }
}

pub(crate) fn add(step: &mut Step<'_, '_>, command: AddComment) -> Effect {
    let AddComment { comment, recording, t_ms, text, by } = command;
    text::needed("by", &by)?;
    text::needed_message("text", &text)?;
    session::kept(step, recording)?;
    let comments = step.rows.list::<CommentRow>(&recording.0, COMMENTS_MAX)?;
    if comments.len() >= COMMENTS_MAX {
        return Err(
            Refusal::TooManyComments { limit: u64::try_from(COMMENTS_MAX).unwrap_or(u64::MAX) }.into()
        );
    }
    // When, then which: they are listed as they were said.
    let at_ms = step.now_ms;
    let key = [recording.0.as_slice(), &at_ms.to_be_bytes(), &comment.0].concat();
    step.rows.put(&key, &CommentRow { t_ms, text, by, at_ms })?;
    Ok(Outcome::Done)
}

/// Only what has ended can have been seen to its end.
pub(crate) fn review(step: &mut Step<'_, '_>, command: PutReview) -> Effect {
    let PutReview { recording, is_reviewed, by } = command;
    text::needed("by", &by)?;
    match session::kept(step, recording)?.state {
        SessionState::Ended { .. } => {}
        SessionState::Live | SessionState::Purging(_) | SessionState::Purged { .. } => {
            return Err(Refusal::SessionNotEnded { recording }.into());
        }
    }
    let key = [recording.0.as_slice(), by.as_bytes()].concat();
    if !is_reviewed {
        step.rows.remove(Tree::Reviews, &key);
        return Ok(Outcome::Done);
    }
    let reviews = step.rows.list::<ReviewRow>(&recording.0, REVIEWS_MAX)?;
    if reviews.len() >= REVIEWS_MAX && !step.rows.has_key(Tree::Reviews, &key)? {
        return Err(Refusal::TooManyReviews { limit: u64::try_from(REVIEWS_MAX).unwrap_or(u64::MAX) }.into());
    }
    let at_ms = step.now_ms;
    step.rows.put(&key, &ReviewRow { by, at_ms })?;
    Ok(Outcome::Done)
}

/// Removes what was said about a session that is purged: it may tell what was seen. Who has reviewed it stays.
pub(crate) fn purge(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<(), Halt> {
    for (key, _) in step.rows.list::<CommentRow>(&recording.0, COMMENTS_MAX)? {
        step.rows.remove(Tree::Comments, &key);
    }
    Ok(())
}
