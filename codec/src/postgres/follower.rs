//! The order of a connection: what was asked, what is answered.

use super::error::FollowError;
use super::expected::{Expected, Simple, rows_of};
use super::frames::{Frames, Message};
use super::names::Names;
use super::primary;
use super::text::{NAME_BYTES_MAX, TEXT_BYTES_MAX, Text, name};
use crate::source::db_lines::{Line, Outcome};
use std::collections::VecDeque;

/// What waits for an answer may take, in bytes.
const HELD_BYTES_MAX: usize = 16 << 20;
/// The SQLSTATE of a statement that was never answered: connection failure.
const UNANSWERED: &str = "08006";

/// Follows one connection from the end of its startup message on. Each side's bytes are pushed before they are passed on.
#[derive(Debug, Default)]
pub struct Follower {
    database: String,
    client: Frames,
    server: Frames,
    names: Names,
    expected: VecDeque<Expected>,
    held_bytes: usize,
    /// After an error of the extended protocol the server skips all up to the next Sync.
    is_skipping: bool,
    /// The server waits for data to copy.
    is_copying: bool,
}

impl Follower {
    /// Of a connection to a database.
    pub fn new(database: String) -> Self {
        Self { database, ..Self::default() }
    }

    /// Bytes of the client, sent at `t_ms` of the session.
    pub fn client(&mut self, mut bytes: &[u8], t_ms: u64) -> Result<(), FollowError> {
        let mut frames = std::mem::take(&mut self.client);
        while let Some(message) = frames.next(&mut bytes, kept_of_client)? {
            self.ask(&message, t_ms)?;
        }
        self.client = frames;
        Ok(())
    }

    /// Bytes of the server; adds the statements that they complete, up to an error.
    pub fn server(&mut self, mut bytes: &[u8], lines: &mut Vec<Line>) -> Result<(), FollowError> {
        let mut frames = std::mem::take(&mut self.server);
        while let Some(message) = frames.next(&mut bytes, kept_of_server)? {
            lines.extend(self.answer(&message)?);
        }
        self.server = frames;
        Ok(())
    }

    /// Whether the server is not within a message, so that the client may be told something else.
    pub fn is_between_messages(&self) -> bool {
        self.server.is_between()
    }

    /// The connection has ended: what was asked and not answered may have been done all the same.
    pub fn finish(mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(expected) = self.pop() {
            let error = || Outcome::Error {
                sqlstate: UNANSWERED.to_owned(),
                message: "the connection ended before the server answered".to_owned(),
            };
            match expected {
                Expected::Simple(Simple { text, t_ms, error: told, .. }) => {
                    lines.push(self.line(text, t_ms, told.unwrap_or_else(error)));
                }
                // What was to be parsed and bound here is known by name where it is run.
                Expected::Parse { name, text, .. } => drop(self.names.parse(name, text)),
                Expected::Bind { portal, statement, .. } => drop(self.names.bind(portal, &statement)),
                Expected::Execute { portal, t_ms, .. } => {
                    lines.push(self.line(self.names.portal(&portal), t_ms, error()));
                }
                Expected::Describe | Expected::Close { .. } | Expected::Sync { .. } | Expected::CopyEnd => {}
            }
        }
        lines
    }

    fn ask(&mut self, message: &Message<'_>, t_ms: u64) -> Result<(), FollowError> {
        let &Message { kind, mut body, cut_bytes } = message;
        let body = &mut body;
        match kind {
            // Data, passwords and the end have no answers of their own.
            b'd' | b'p' | b'X' => return Ok(()),
            b'c' | b'f' if self.is_copying => {
                self.is_copying = false;
                return Ok(());
            }
            b'c' | b'f' => return self.push(Expected::CopyEnd),
            // The server leaves them aside while it copies.
            b'H' => return Ok(()),
            b'S' if self.is_copying => return Ok(()),
            b'S' => {
                self.is_skipping = false;
                return self.push(Expected::Sync { t_ms });
            }
            b'Q' | b'F' | b'P' | b'B' | b'D' | b'E' | b'C' => {}
            _ => return Err(FollowError::Kind { kind }),
        }
        if self.is_copying {
            return Err(FollowError::Copying { kind });
        }
        if self.is_skipping {
            return Ok(());
        }
        self.push(match kind {
            b'Q' => Expected::simple(Text::read(body, cut_bytes), t_ms),
            b'F' => {
                let number = body.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
                Expected::simple(Text::of(&format!("(call of the function with the OID {number})")), t_ms)
            }
            b'P' => {
                let name = name(kind, body)?.to_vec();
                Expected::Parse { name, text: Text::read(body, cut_bytes), t_ms }
            }
            b'B' => {
                let portal = name(kind, body)?.to_vec();
                Expected::Bind { portal, statement: name(kind, body)?.to_vec(), t_ms }
            }
            b'C' => {
                let is_statement = body.split_off_first() == Some(&b'S');
                Expected::Close { is_statement, name: name(kind, body)?.to_vec() }
            }
            b'E' => Expected::Execute { portal: name(kind, body)?.to_vec(), t_ms, seen_rows: 0 },
            _ => Expected::Describe,
        })
    }

    fn answer(&mut self, message: &Message<'_>) -> Result<Option<Line>, FollowError> {
        let Message { kind, body, .. } = *message;
        match kind {
            // Login, parameters, notices and notifications, and data that is copied to the client.
            b'R' | b'S' | b'K' | b'v' | b'N' | b'A' | b'd' | b'c' | b'H' | b'W' => return Ok(None),
            // Columns of a statement come before what describes them, or how they are called.
            b't' => return Ok(None),
            b'G' => {
                self.copy();
                return Ok(None);
            }
            b'E' => return self.fail(primary::outcome(body)),
            _ => {}
        }
        self.drop_copy_ends();
        let error = FollowError::Answer { kind };
        match (kind, self.expected.front_mut()) {
            (b'D', Some(Expected::Execute { seen_rows, .. })) => *seen_rows = seen_rows.saturating_add(1),
            (b'C', Some(Expected::Simple(simple))) => {
                if body.starts_with(b"DEALLOCATE") || body.starts_with(b"DISCARD") {
                    self.names.deallocate(&simple.text.text);
                }
                if let Some(rows) = rows_of(body) {
                    simple.rows = Some(simple.rows.unwrap_or(0).saturating_add(rows));
                }
            }
            (b'T' | b'D' | b'I' | b'V', Some(Expected::Simple(_))) => {}
            (b'Z', Some(Expected::Simple(_))) => return Ok(self.ready()),
            (b'Z', Some(Expected::Sync { .. })) => drop(self.pop()),
            // The end of the login.
            (b'Z', None) => {}
            (b'T' | b'n', Some(Expected::Describe)) => drop(self.pop()),
            (b'1' | b'2' | b'3', Some(_)) => self.name(kind)?,
            (b'C' | b'I' | b's', Some(Expected::Execute { .. })) => return Ok(self.done(kind, body)),
            _ => return Err(error),
        }
        Ok(None)
    }

    /// A simple query is over.
    fn ready(&mut self) -> Option<Line> {
        let Some(Expected::Simple(Simple { text, t_ms, rows, error })) = self.pop() else { return None };
        Some(self.line(text, t_ms, error.unwrap_or(Outcome::Ok { rows })))
    }

    /// A portal has run, to its end or as far as was asked.
    fn done(&mut self, kind: u8, body: &[u8]) -> Option<Line> {
        let Some(Expected::Execute { portal, t_ms, seen_rows }) = self.pop() else { return None };
        let text = self.names.portal(&portal);
        let rows = match kind {
            b's' => Some(seen_rows),
            b'C' => rows_of(body),
            _ => None,
        };
        if body.starts_with(b"DEALLOCATE") || body.starts_with(b"DISCARD") {
            self.names.deallocate(&text.text);
        }
        Some(self.line(text, t_ms, Outcome::Ok { rows }))
    }

    /// Names come into force when the server says so: one that it refuses stands for what it stood for.
    fn name(&mut self, kind: u8) -> Result<(), FollowError> {
        match (kind, self.pop()) {
            (b'1', Some(Expected::Parse { name, text, .. })) => self.names.parse(name, text),
            (b'2', Some(Expected::Bind { portal, statement, .. })) => self.names.bind(portal, &statement),
            (b'3', Some(Expected::Close { is_statement: true, name })) => {
                self.names.close_statement(&name);
                Ok(())
            }
            (b'3', Some(Expected::Close { is_statement: false, name })) => {
                self.names.close_portal(&name);
                Ok(())
            }
            _ => Err(FollowError::Answer { kind }),
        }
    }

    /// The server waits for data. Every Sync that comes before their end is left aside.
    fn copy(&mut self) {
        let end = self.expected.iter().position(|expected| matches!(expected, Expected::CopyEnd));
        let mut number = 0_usize;
        let end_number = end.unwrap_or(usize::MAX);
        self.is_copying = end.is_none();
        let mut gone_bytes = 0;
        self.expected.retain(|expected| {
            let is_before = number < end_number;
            let is_gone = match expected {
                Expected::Sync { .. } => is_before,
                Expected::CopyEnd => number == end_number,
                Expected::Simple(_)
                | Expected::Parse { .. }
                | Expected::Bind { .. }
                | Expected::Describe
                | Expected::Close { .. }
                | Expected::Execute { .. } => false,
            };
            number += 1;
            gone_bytes += if is_gone { expected.held_bytes() } else { 0 };
            !is_gone
        });
        self.held_bytes -= gone_bytes;
    }

    /// The server refuses what it has come to.
    fn fail(&mut self, outcome: Outcome) -> Result<Option<Line>, FollowError> {
        self.drop_copy_ends();
        self.is_copying = false;
        match self.expected.front_mut() {
            Some(Expected::Simple(simple)) => {
                simple.error = Some(outcome);
                return Ok(None);
            }
            // What was deferred up to the end of the transaction.
            Some(Expected::Sync { t_ms }) => {
                let t_ms = *t_ms;
                let text = Text::of("(the end of the implicit transaction)");
                return Ok(Some(self.line(text, t_ms, outcome)));
            }
            // The server ends the connection.
            None => return Ok(None),
            Some(_) => {}
        }
        let failed = match self.pop() {
            Some(Expected::Parse { text, t_ms, .. }) => Some((text, t_ms)),
            Some(Expected::Bind { statement, t_ms, .. }) => Some((self.names.statement(&statement), t_ms)),
            Some(Expected::Execute { portal, t_ms, .. }) => Some((self.names.portal(&portal), t_ms)),
            Some(
                Expected::Simple(_)
                | Expected::Describe
                | Expected::Close { .. }
                | Expected::Sync { .. }
                | Expected::CopyEnd,
            )
            | None => None,
        };
        self.is_skipping = true;
        while let Some(next) = self.expected.front() {
            if matches!(next, Expected::Sync { .. }) {
                self.is_skipping = false;
                break;
            }
            drop(self.pop());
        }
        Ok(failed.map(|(text, t_ms)| self.line(text, t_ms, outcome)))
    }

    fn push(&mut self, expected: Expected) -> Result<(), FollowError> {
        self.held_bytes += expected.held_bytes();
        self.expected.push_back(expected);
        match self.held_bytes > HELD_BYTES_MAX {
            true => Err(FollowError::Held { limit_bytes: HELD_BYTES_MAX }),
            false => Ok(()),
        }
    }

    fn pop(&mut self) -> Option<Expected> {
        let expected = self.expected.pop_front()?;
        self.held_bytes -= expected.held_bytes();
        Some(expected)
    }

    /// Ends of copies that the server has given up are left aside by it.
    fn drop_copy_ends(&mut self) {
        while matches!(self.expected.front(), Some(Expected::CopyEnd)) {
            drop(self.pop());
        }
    }

    fn line(&self, text: Text, t_ms: u64, outcome: Outcome) -> Line {
        let (database, statement) = (self.database.clone(), text.text.as_ref().to_owned());
        Line { t_ms, database, statement, outcome }.fit(text.more_bytes)
    }
}

/// What of a message of the client is held while it comes: as much as its texts and names may take. Nothing else of it is
/// looked at.
fn kept_of_client(kind: u8) -> usize {
    match kind {
        b'Q' => TEXT_BYTES_MAX,
        b'P' => TEXT_BYTES_MAX + NAME_BYTES_MAX,
        b'B' => 2 * (NAME_BYTES_MAX + 1),
        b'C' | b'E' => NAME_BYTES_MAX + 2,
        b'F' => 4,
        _ => 0,
    }
}

/// What of a message of the server is looked at: tags and errors.
fn kept_of_server(kind: u8) -> usize {
    match kind {
        b'C' => 128,
        b'E' => 32 << 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
