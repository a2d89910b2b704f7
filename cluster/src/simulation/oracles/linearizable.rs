use crate::catalog::RequestId;
use crate::id::MemberId;
use std::collections::{BTreeMap, HashMap};

/// The catalog is linearizable: all members apply one log, of which no entry is ever replaced; what was told stands in it
/// behind all that had been told before it was asked for; and a read index finds all that had.
///
/// So a command that was told is in the catalog of each member that has applied as much, since equal logs make equal
/// catalogs ([`super::OneCatalog`]).
#[derive(Debug, Default)]
pub(crate) struct Linearizable {
    /// The check sum of each entry that some member has applied.
    entries: BTreeMap<u64, u32>,
    /// Where requests stand for the first time.
    requests: HashMap<RequestId, u64>,
    /// The last entry of which somebody was told.
    told: u64,
}

impl Linearizable {
    /// A member has applied an entry.
    pub(crate) fn applied(
        &mut self,
        member: MemberId,
        index: u64,
        (bytes, requests): (&[u8], &[RequestId]),
    ) -> Result<(), String> {
        let sum = crc32c::crc32c(bytes);
        let first = *self.entries.entry(index).or_insert(sum);
        for request in requests {
            let place = self.requests.entry(*request).or_insert(index);
            *place = index.min(*place);
        }
        match first == sum {
            true => Ok(()),
            false => Err(format!("member {member} has applied another entry {index} than others before")),
        }
    }

    /// The last entry that some member has applied.
    pub(crate) fn last(&self) -> u64 {
        self.entries.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// What whoever asks from here on must find.
    pub(crate) fn told_yet(&self) -> u64 {
        self.told
    }

    /// A request that was made when others had been told so much is told to be applied.
    pub(crate) fn told(&mut self, request: RequestId, told_before: u64) -> Result<(), String> {
        let Some(index) = self.requests.get(&request) else {
            return Err(format!("{request:?} is told, and no member has applied it"));
        };
        self.told = self.told.max(*index);
        match *index > told_before {
            true => Ok(()),
            false => Err(format!("{request:?} is entry {index}, and {told_before} was told before it")),
        }
    }

    /// A read index that was asked for when others had been told so much is told.
    pub(crate) fn read(member: MemberId, applied: u64, told_before: u64) -> Result<(), String> {
        match applied >= told_before {
            true => Ok(()),
            false => Err(format!("member {member} reads at {applied}, and {told_before} was told before")),
        }
    }
}
