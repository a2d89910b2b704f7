//! What must hold in every history. Each oracle watches, and says what it found wrong.

mod acknowledged;
mod closed_content;
mod durable_offset;
mod linearizable;
mod nonces;
mod one_catalog;
mod one_owner;
mod whole;

pub(crate) use acknowledged::Acknowledged;
pub(crate) use closed_content::ClosedContent;
pub(crate) use durable_offset::DurableOffset;
pub(crate) use linearizable::Linearizable;
pub(crate) use nonces::Nonces;
pub(crate) use one_catalog::OneCatalog;
pub(crate) use one_owner::OneOwner;
pub(crate) use whole::Whole;

/// Names an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oracle {
    /// No acknowledged record is lost or changed.
    Acknowledged,
    /// A chunk of an object has one closed content.
    ClosedContent,
    /// The durable offset never goes back.
    DurableOffset,
    /// What was told stays where it is in one log, and who asks later finds it.
    Linearizable,
    /// No key and nonce serve two ciphertexts.
    Nonces,
    /// Members that have applied the same log have the same catalog.
    OneCatalog,
    /// An epoch has one owner.
    OneOwner,
    /// After healing everything becomes whole, in bounded time.
    Whole,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Who saw it.
    pub oracle: Oracle,
    /// What was seen.
    pub text: String,
}

/// All oracles, and what they found.
#[derive(Debug, Default)]
pub(crate) struct Oracles {
    pub(crate) acknowledged: Acknowledged,
    pub(crate) closed_content: ClosedContent,
    pub(crate) linearizable: Linearizable,
    pub(crate) nonces: Nonces,
    pub(crate) one_catalog: OneCatalog,
    pub(crate) one_owner: OneOwner,
    pub(crate) whole: Whole,
    pub(crate) violations: Vec<Violation>,
}

impl Oracles {
    /// Takes down what an oracle found.
    pub(crate) fn judge(&mut self, oracle: Oracle, found: Result<(), String>) {
        if let Err(text) = found {
            self.violations.push(Violation { oracle, text });
        }
    }
}

/// The byte at an offset of what a recorder records.
pub(crate) fn content(recorder: usize, offset: u64) -> u8 {
    let recorder = u64::try_from(recorder).unwrap_or(u64::MAX);
    let mixed =
        (offset / 8 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ recorder.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed.to_be_bytes()[usize::try_from(offset % 8).unwrap_or(0)]
}

/// Some bytes of it.
pub(crate) fn contents(recorder: usize, offset: u64, length: u64) -> Vec<u8> {
    (offset..offset + length).map(|at| content(recorder, at)).collect()
}
