//! Statements of a database session, as far as they are kept beside its other facts.

use crate::limits::Limits;
use crate::source::db_lines::{Line, Outcome};
use serde::{Deserialize, Serialize};

/// A statement, and what the server said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When it was sent, in milliseconds of media time.
    pub at_ms: i64,
    /// What was sent.
    pub text: String,
    /// Characters of the text that are only in the recording.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub text_left_out: usize,
    /// The database.
    pub database: String,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The first statements of a recording.
#[derive(Debug, Clone, Default)]
pub(super) struct Statements {
    list: Vec<Statement>,
    bytes: usize,
    left_out: u64,
}

impl Statements {
    /// Keeps a statement, if there is room for it; what follows one for which there is none is not kept.
    pub(super) fn push(&mut self, at_ms: i64, line: Line, limits: &Limits) {
        let Line { database, statement, outcome, t_ms: _ } = line;
        let text: String = statement.chars().take(limits.statement_chars).collect();
        let text_left_out = match text.len() < statement.len() {
            true => statement.chars().count() - text.chars().count(),
            false => 0,
        };
        let statement = Statement { at_ms, text, text_left_out, database, outcome };
        let bytes = serde_json::to_string(&statement).map_or(usize::MAX, |json| json.len());
        let is_full = self.list.len() >= limits.statements || self.left_out > 0;
        if is_full || self.bytes.saturating_add(bytes) > limits.statement_bytes {
            self.left_out += 1;
            return;
        }
        self.bytes += bytes;
        self.list.push(statement);
    }

    /// Those that are kept, and how many are not.
    pub(super) fn kept(&self) -> (Vec<Statement>, u64) {
        (self.list.clone(), self.left_out)
    }
}
