use crate::catalog::Catalog;
use crate::id::MemberId;

/// Members that have applied the same log have the same catalog, whatever they were rebuilt from.
#[derive(Debug, Default)]
pub(crate) struct OneCatalog {
    first: Option<(MemberId, u64, u32)>,
}

impl OneCatalog {
    /// A member has applied the log up to an entry.
    pub(crate) fn applied(
        &mut self,
        member: MemberId,
        entries: u64,
        catalog: &Catalog,
    ) -> Result<(), String> {
        let (mut sum, mut after) = (0, None);
        loop {
            let rows = catalog.dump(after.as_ref()).map_err(|error| error.to_string())?;
            for (tree, (key, row)) in &rows {
                let tree = [tree.number()];
                for part in [&tree[..], key, row] {
                    sum = crc32c::crc32c_append(sum, part);
                }
            }
            let Some((tree, (key, _))) = rows.last() else { break };
            after = Some((*tree, key.clone()));
        }
        match self.first {
            Some((other, same, expected)) if same == entries && expected != sum => {
                Err(format!("members {other} and {member} differ after entry {entries}"))
            }
            Some((_, same, _)) if same == entries => Ok(()),
            Some(_) | None => {
                self.first = Some((member, entries, sum));
                Ok(())
            }
        }
    }
}
