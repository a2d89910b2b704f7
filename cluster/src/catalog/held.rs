//! Whether something still needs what a member holds.

use super::catalog::Catalog;
use super::transaction::CatalogError;
use crate::id::{ChunkNumber, MemberId};

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 512;

/// Whether no chunk names a member: then it can go, and nothing goes with it. Reads all objects of the catalog: not for
/// async threads.
pub fn is_drained(catalog: &Catalog, member: MemberId) -> Result<bool, CatalogError> {
    let mut after = None;
    loop {
        let objects = catalog.objects(after, ROWS_AT_ONCE)?;
        let Some((last, _)) = objects.last() else { return Ok(true) };
        after = Some(*last);
        for (object, row) in objects {
            if row.open_chunk.is_some_and(|open| open.members.contains(&member)) {
                return Ok(false);
            }
            let mut from = ChunkNumber(0);
            loop {
                let chunks = catalog.chunks(object, from, ROWS_AT_ONCE)?;
                if chunks.iter().any(|(_, row)| row.members.contains(&member)) {
                    return Ok(false);
                }
                match chunks.last() {
                    Some((number, _)) if chunks.len() == ROWS_AT_ONCE && *number != ChunkNumber::MANIFEST => {
                        from = ChunkNumber(number.0.saturating_add(1));
                    }
                    Some(_) | None => break,
                }
            }
        }
    }
}
