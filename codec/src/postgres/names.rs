//! Statements and portals that have names.

use super::error::FollowError;
use super::text::Text;
use std::collections::HashMap;
use std::mem::size_of;

/// What all names and texts may take, in bytes.
const HELD_BYTES_MAX: usize = 32 << 20;
/// What a name takes beside its texts.
const ENTRY_BYTES: usize = 64 + size_of::<Text>();

/// The names that the server knows, as far as its answers tell.
#[derive(Debug, Default)]
pub(super) struct Names {
    statements: HashMap<Vec<u8>, Text>,
    portals: HashMap<Vec<u8>, Text>,
    held_bytes: usize,
}

impl Names {
    /// A statement was parsed.
    pub(super) fn parse(&mut self, name: Vec<u8>, text: Text) -> Result<(), FollowError> {
        let bytes = held_bytes(&name, &text);
        if let Some((name, old)) = self.statements.remove_entry(&name) {
            self.held_bytes -= held_bytes(&name, &old);
        }
        self.statements.insert(name, text);
        self.hold(bytes)
    }

    /// A portal was bound to a statement.
    pub(super) fn bind(&mut self, portal: Vec<u8>, statement: &[u8]) -> Result<(), FollowError> {
        let text = self.statement(statement);
        let bytes = held_bytes(&portal, &text);
        self.close_portal(&portal);
        self.portals.insert(portal, text);
        self.hold(bytes)
    }

    /// The text of a statement. One that was prepared by a statement of its own is told by its name.
    pub(super) fn statement(&self, name: &[u8]) -> Text {
        let known = self.statements.get(name).cloned();
        known.unwrap_or_else(|| Text::of(&format!("EXECUTE \"{}\"", String::from_utf8_lossy(name))))
    }

    /// The text of the statement of a portal. One that was declared by a statement of its own is told by its name.
    pub(super) fn portal(&self, name: &[u8]) -> Text {
        let known = self.portals.get(name).cloned();
        known.unwrap_or_else(|| Text::of(&format!("FETCH FROM \"{}\"", String::from_utf8_lossy(name))))
    }

    /// A statement is gone.
    pub(super) fn close_statement(&mut self, name: &[u8]) {
        if let Some((name, text)) = self.statements.remove_entry(name) {
            self.held_bytes -= held_bytes(&name, &text);
        }
    }

    /// A portal is gone.
    pub(super) fn close_portal(&mut self, name: &[u8]) {
        if let Some((name, text)) = self.portals.remove_entry(name) {
            self.held_bytes -= held_bytes(&name, &text);
        }
    }

    /// A statement did away with prepared ones: with one that it names, or with all. Names may stand for others from here on.
    pub(super) fn deallocate(&mut self, statement: &str) {
        match deallocated(statement) {
            Some(name) => self.close_statement(name.as_bytes()),
            None => {
                let names: Vec<_> = self.statements.keys().cloned().collect();
                names.iter().for_each(|name| self.close_statement(name));
            }
        }
    }

    fn hold(&mut self, bytes: usize) -> Result<(), FollowError> {
        self.held_bytes += bytes;
        match self.held_bytes > HELD_BYTES_MAX {
            true => Err(FollowError::Held { limit_bytes: HELD_BYTES_MAX }),
            false => Ok(()),
        }
    }
}

fn held_bytes(name: &[u8], text: &Text) -> usize {
    ENTRY_BYTES + name.len() + text.text.len()
}

/// The one name in `DEALLOCATE name`; none of a statement that says more, or `ALL`.
fn deallocated(statement: &str) -> Option<String> {
    let mut words = statement.trim().trim_end_matches(';').split_whitespace();
    let is = |word: Option<&str>, wanted| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    if !is(words.next(), "deallocate") {
        return None;
    }
    let mut name = words.next()?;
    if name.eq_ignore_ascii_case("prepare") {
        name = words.next()?;
    }
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let is_plain = |name: &str| name.chars().all(|char| char.is_alphanumeric() || char == '_');
    match (quoted, words.next()) {
        (Some(name), None) if !name.contains('"') => Some(name.to_owned()),
        (None, None) if is_plain(name) && !name.eq_ignore_ascii_case("all") => Some(name.to_lowercase()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_what_the_server_has_parsed_under_it() {
        let mut names = Names::default();
        names.parse(b"s".to_vec(), Text::of("select 1")).unwrap();
        names.parse(b"T".to_vec(), Text::of("select 2")).unwrap();
        names.bind(b"p".to_vec(), b"s").unwrap();
        names.deallocate("DEALLOCATE PREPARE S;");
        assert_eq!(names.statement(b"s"), Text::of("EXECUTE \"s\""));
        assert_eq!((names.statement(b"T"), names.portal(b"p")), (Text::of("select 2"), Text::of("select 1")));
        names.deallocate("deallocate \"T\"");
        names.close_portal(b"p");
        assert_eq!(names.portal(b"p"), Text::of("FETCH FROM \"p\""));
        assert_eq!((names.held_bytes, names.statements.len()), (0, 0));
        for all in
            ["deallocate all", "discard all", "select f(); deallocate x", "deallocate x y", "deallocate x;y"]
        {
            names.parse(b"x".to_vec(), Text::of("select 1")).unwrap();
            names.deallocate(all);
            assert_eq!(names.held_bytes, 0, "{all}");
        }
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        let text = Text::of(&"x".repeat(60_000));
        let full =
            (0..1_000_u32).find_map(|name| names.parse(name.to_be_bytes().to_vec(), text.clone()).err());
        assert_eq!(full, Some(FollowError::Held { limit_bytes: HELD_BYTES_MAX }));
    }
}
