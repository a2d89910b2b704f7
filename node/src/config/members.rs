//! The members of the cluster, and how they know one another.

use super::error::ConfigError;
use super::keys::Values;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The fewest and the most members of a cluster.
const MEMBERS: std::ops::RangeInclusive<usize> = 2..=9;

/// A cluster of several members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    /// Where each listens for the others.
    pub(crate) addresses: BTreeMap<u64, SocketAddr>,
    /// Where this one listens.
    pub(crate) listen: SocketAddr,
    /// The cluster's CA, and this member's certificate and key. PEM.
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// `1=192.0.2.1:8446 2=192.0.2.2:8446`, as it is written.
struct Addresses(BTreeMap<u64, SocketAddr>);

impl FromStr for Addresses {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut addresses = BTreeMap::new();
        for word in text.split_whitespace() {
            let (member, address) = word.split_once('=').ok_or(())?;
            let member: u64 = member.parse().map_err(|_| ())?;
            let is_new = addresses.insert(member, address.parse().map_err(|_| ())?).is_none();
            if member == 0 || !is_new {
                return Err(());
            }
        }
        if MEMBERS.contains(&addresses.len()) { Ok(Self(addresses)) } else { Err(()) }
    }
}

/// The members, if there are several; `member` is this one.
pub(super) fn members(values: &Values, member: u64) -> Result<Option<Members>, ConfigError> {
    let (key, expected) =
        ("cluster.members", "2 to 9 members with this one, such as 1=192.0.2.1:8446 2=192.0.2.2:8446");
    let file = "a path of a PEM file";
    let others = ["cluster.ca", "cluster.certificate", "cluster.key", "cluster.listen"];
    let Some(Addresses(addresses)) = values.get(key, expected)? else {
        return match others.into_iter().find(|other| values.is_set(other)) {
            Some(set) => Err(ConfigError::Without { key: set, other: key }),
            None => Ok(None),
        };
    };
    let own = *addresses.get(&member).ok_or_else(|| values.refused(key, expected))?;
    Ok(Some(Members {
        addresses,
        listen: values.get("cluster.listen", "an address and a port")?.unwrap_or(own),
        ca: values.need("cluster.ca", file)?,
        certificate: values.need("cluster.certificate", file)?,
        key: values.need("cluster.key", file)?,
    }))
}
