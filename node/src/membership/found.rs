//! `custody cluster init`: a cluster gets its CA, and its first member an identity.

use super::authority::{Authority, NewAuthority, PublicKey};
use super::describe::{Own, describe};
use super::error::MembershipError;
use super::identity::{Identity, MemberKey, NewIdentity};
use crate::config::Settings;
use crate::serve;
use cluster::Cluster;
use cluster::catalog::{Command, FoundCa};
use cluster::chunk::key::Random;
use cluster::id::MemberId;
use cluster::joining::seal_ca_key;
use cluster::rpc::fingerprint;
use ring::rand::SystemRandom;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The one who begins. Ids are counted from here.
const FIRST: MemberId = MemberId(1);
/// Who founds a cluster.
const BY: &str = "custody cluster init";

/// The CA, as it is to be used.
struct Ca {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// Founds a cluster in an empty folder for data, or gives one of a single member what it needs to be joined. May be
/// called again when it did not come to its end. Blocks.
pub(crate) fn found(settings: &Settings) -> Result<(), MembershipError> {
    if settings.members.is_some() {
        return Err(MembershipError::Static);
    }
    if settings.member != FIRST.0 {
        return Err(MembershipError::Number { member: settings.member });
    }
    let address = settings.peers.address.clone().ok_or(MembershipError::NoAddress)?;
    if Identity::read(&settings.data_dir)?.is_some() {
        return Err(MembershipError::IsMember { path: settings.data_dir.clone() });
    }
    serve::make_folder(&settings.data_dir)?;
    serve::block_on(found_at(settings, address))?
}

async fn found_at(settings: &Settings, address: String) -> Result<(), MembershipError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    let cluster = serve::open_alone(settings, FIRST, Arc::clone(&random)).await?;
    let made = make(settings, &cluster, &address, &*random).await;
    // What was committed stands; a folder that was not closed in order is found at the next start.
    serve::stop_cluster(cluster).await;
    made
}

async fn make(
    settings: &Settings,
    cluster: &Cluster,
    address: &str,
    random: &dyn Random,
) -> Result<(), MembershipError> {
    let key = MemberKey::load_or_create(&settings.data_dir)?;
    let public = key.public();
    let ca = ca(cluster, random).await?;
    let (address_told, fingerprint) = (Some(address.to_owned()), Some(fingerprint(&public)));
    // Where its API answers it says when it serves.
    let own = Own { address: address_told, api_address: None, fingerprint };
    describe(cluster, &own).await?;
    let public = PublicKey::from_der(&public).ok_or(rcgen::Error::UnsupportedSignatureAlgorithm)?;
    let certificate = Authority::open(&ca.key)?.certify(FIRST, &public)?;
    let members = [(FIRST, address.to_owned())];
    let new =
        NewIdentity { member: FIRST, ca: &ca.certificate, certificate: &certificate, members: &members };
    Identity::write(&settings.data_dir, new)?;
    if let Some(identity) = Identity::read(&settings.data_dir)? {
        identity.mark_started()?;
    }
    Ok(())
}

/// The cluster's CA, which is made and committed if it has none.
async fn ca(cluster: &Cluster, random: &dyn Random) -> Result<Ca, MembershipError> {
    if let Some(row) = cluster.catalog()?.ca()? {
        let key = cluster.ca_key(&row)?;
        return Ok(Ca { certificate: row.certificate, key });
    }
    let NewAuthority { certificate, key } = NewAuthority::generate()?;
    let sealed_key = seal_ca_key(&*cluster.kek()?, &certificate, &key, random)?;
    let found = FoundCa { certificate: certificate.clone(), sealed_key, by: BY.to_owned() };
    cluster.submit(Command::FoundCa(found)).await?;
    Ok(Ca { certificate, key })
}
