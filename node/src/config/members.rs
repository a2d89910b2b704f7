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

/// How a member of a cluster with a CA of its own is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Peers {
    /// Where it listens for the others.
    pub(crate) listen: Option<SocketAddr>,
    /// Host and port on which others reach it.
    pub(crate) address: Option<String>,
}

/// A host and a port, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort(pub(crate) String);

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_host = |host: &str| {
            let is_v6 = host.starts_with('[') && host.ends_with(']');
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            let in_v6 = |byte: u8| byte.is_ascii_hexdigit() || b"[]:.".contains(&byte);
            !host.is_empty() && host.bytes().all(|byte| if is_v6 { in_v6(byte) } else { is_plain(byte) })
        };
        match text.rsplit_once(':') {
            Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                Ok(Self(text.to_owned()))
            }
            Some(_) | None => Err("expected a host and a port, such as one.example.org:8444".to_owned()),
        }
    }
}

/// How this member is reached, where no configuration names the members.
pub(super) fn peers(values: &Values) -> Result<Peers, ConfigError> {
    let address: Option<HostPort> =
        values.get("cluster.address", "a host and a port, such as one.example.org:8444")?;
    Ok(Peers {
        listen: values.get("cluster.listen", "an address and a port")?,
        address: address.map(|HostPort(address)| address),
    })
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
    let others = ["cluster.ca", "cluster.certificate", "cluster.key"];
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
