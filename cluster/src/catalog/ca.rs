//! The cluster's own CA, which certifies its members.

use super::catalog::Catalog;
use super::engine::Tree;
use super::kek;
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::chunk::key::KekId;
use crate::joining::ca_key_kek;
use serde::{Deserialize, Serialize};

pub(crate) const KEY: &[u8] = b"ca";
/// The most bytes of a certificate, and of a sealed key.
const PART_BYTES_MAX: usize = 1024;

/// A cluster gets its CA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundCa {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key (PKCS #8, DER), sealed by [`seal_ca_key`](crate::joining::seal_ca_key).
    pub sealed_key: Vec<u8>,
    /// Who has made it.
    pub by: String,
}

/// The CA in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaRow {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key (PKCS #8, DER), sealed by [`seal_ca_key`](crate::joining::seal_ca_key).
    pub sealed_key: Vec<u8>,
}

/// The CA's key is sealed under the current KEK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewrapCa {
    /// The KEK under which it was sealed.
    pub from: KekId,
    /// The one under which it is.
    pub to: KekId,
    /// The key as it is sealed.
    pub sealed_key: Vec<u8>,
}

impl Row for CaRow {
    const TREE: Tree = Tree::Meta;
}

impl Catalog {
    /// The cluster's CA; none where an operator makes the certificates.
    pub fn ca(&self) -> Result<Option<CaRow>, CatalogError> {
        self.get(KEY)
    }
}

pub(crate) fn found(step: &mut Step<'_, '_>, command: FoundCa) -> Effect {
    let FoundCa { certificate, sealed_key, by } = command;
    text::needed("by", &by)?;
    for (field, part) in [("certificate", &certificate), ("sealed_key", &sealed_key)] {
        if part.is_empty() {
            return Err(Refusal::TextMissing { field: field.to_owned() }.into());
        }
        if part.len() > PART_BYTES_MAX {
            let limit_bytes = u64::try_from(PART_BYTES_MAX).unwrap_or(u64::MAX);
            return Err(Refusal::TextTooLong { field: field.to_owned(), limit_bytes }.into());
        }
    }
    if step.rows.get::<CaRow>(KEY)?.is_some() {
        return Err(Refusal::CaExists.into());
    }
    step.rows.put(KEY, &CaRow { certificate, sealed_key })?;
    Ok(Outcome::Done)
}

/// Seals the CA's key anew, unless that has happened meanwhile.
pub(crate) fn rewrap(step: &mut Step<'_, '_>, command: RewrapCa) -> Effect {
    let RewrapCa { from, to, sealed_key } = command;
    kek::check_current(step, to)?;
    let row: CaRow = step.need(KEY, || Refusal::CaMissing)?;
    if ca_key_kek(&row.sealed_key) == Ok(from) && ca_key_kek(&sealed_key) == Ok(to) {
        step.rows.put(KEY, &CaRow { sealed_key, ..row })?;
    }
    Ok(Outcome::Done)
}

/// Whether the CA's key is sealed under a KEK.
pub(crate) fn is_sealed_under(step: &Step<'_, '_>, kek: KekId) -> Result<bool, Halt> {
    let row = step.rows.get::<CaRow>(KEY)?;
    Ok(row.is_some_and(|row| ca_key_kek(&row.sealed_key) == Ok(kek)))
}
