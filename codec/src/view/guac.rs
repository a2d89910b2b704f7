//! The filter of recordings of guacd.

use super::owner::Owner;
use super::view::ViewError;
use crate::limits::Limits;
use crate::source::ReadError;
use crate::source::guac::{Instruction, OnDamage, Parser};
use std::collections::BTreeMap;

/// Only instructions that are known to draw, sound or tell time pass, byte for byte. Keys, clipboards with all
/// that belongs to them, and whatever is not understood are left out, without a trace of their length.
#[derive(Debug)]
pub(super) struct GuacView {
    parser: Parser,
    limits: Limits,
    /// Bytes behind the last whole instruction, for the parser does not hand them out.
    rest: Vec<u8>,
    /// Position of `rest[0]`, counted as the parser does.
    base: u64,
    owners: BTreeMap<i32, Owner>,
    ended: Option<ViewError>,
}

impl GuacView {
    /// Starts at byte 0 of the recording. It ends at damage, whatever the limits say: a key may stand there.
    pub(super) fn new(limits: Limits) -> Self {
        let limits = Limits { on_damage: OnDamage::Stop, ..limits };
        Self {
            parser: Parser::new(limits),
            limits,
            rest: Vec::new(),
            base: 0,
            owners: BTreeMap::new(),
            ended: None,
        }
    }

    /// Starts between two instructions where these stream indexes have carried a clipboard.
    pub(super) fn owned_by(owners: impl IntoIterator<Item = (i32, Owner)>, limits: Limits) -> Self {
        Self { owners: owners.into_iter().collect(), ..Self::new(limits) }
    }

    /// Takes the next bytes and adds what may be seen of them to `seen`. After an error nothing more is seen.
    pub(super) fn push(&mut self, bytes: &[u8], seen: &mut Vec<u8>) -> Result<(), ViewError> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        self.filter(bytes, seen).inspect_err(|&error| self.ended = Some(error))
    }

    fn filter(&mut self, bytes: &[u8], seen: &mut Vec<u8>) -> Result<(), ViewError> {
        self.rest.extend_from_slice(bytes);
        self.parser.push(bytes);
        let mut done = 0;
        while let Some((instruction, end_byte)) = self.parser.read_with_end().map_err(ReadError::from)? {
            let end = usize::try_from(end_byte - self.base).unwrap_or(usize::MAX);
            if shows(&mut self.owners, &instruction, self.limits.streams)? {
                seen.extend_from_slice(self.rest.get(done..end).unwrap_or_default());
            }
            done = end;
        }
        self.rest.drain(..done.min(self.rest.len()));
        self.base = self.parser.position();
        Ok(())
    }

    /// How many pushed bytes are behind the last whole instruction.
    pub(super) fn pending_bytes(&self) -> usize {
        self.rest.len()
    }

    /// About how much memory it takes, in bytes: what it and its parser keep.
    pub(super) fn held_bytes(&self) -> usize {
        self.rest.capacity().saturating_mul(2)
    }

    pub(super) fn owners(&self) -> Vec<(i32, Owner)> {
        self.owners.iter().map(|(&stream, &owner)| (stream, owner)).collect()
    }
}

/// Whether an instruction may be seen.
fn shows(
    owners: &mut BTreeMap<i32, Owner>,
    instruction: &Instruction<'_>,
    limit: usize,
) -> Result<bool, ViewError> {
    Ok(match *instruction {
        Instruction::Key { .. } | Instruction::Other { .. } => false,
        Instruction::Clipboard { stream, mimetype } => {
            if owners.len() >= limit && !owners.contains_key(&stream) {
                return Err(ViewError::Clipboards { limit });
            }
            let owner = Owner::opened(owners.get(&stream).copied(), mimetype);
            owners.insert(stream, owner);
            false
        }
        Instruction::Blob { stream, data } => owners.get(&stream).is_none_or(|owner| owner.shows_blob(data)),
        Instruction::End { stream } => match owners.get_mut(&stream) {
            Some(owner @ Owner::Clipboard) => {
                *owner = Owner::Doubtful;
                false
            }
            Some(Owner::Hidden) => false,
            Some(Owner::Doubtful) | None => true,
        },
        Instruction::Size { .. }
        | Instruction::Move { .. }
        | Instruction::Shade { .. }
        | Instruction::Dispose { .. }
        | Instruction::Rect { .. }
        | Instruction::Cfill { .. }
        | Instruction::Copy { .. }
        | Instruction::Transfer { .. }
        | Instruction::Vector { .. }
        | Instruction::Img { .. }
        | Instruction::InlineImage { .. }
        | Instruction::Cursor { .. }
        | Instruction::Sync { .. }
        | Instruction::Mouse { .. }
        | Instruction::Audio { .. }
        | Instruction::OtherStream { .. }
        | Instruction::Error { .. }
        | Instruction::Nop => true,
    })
}
