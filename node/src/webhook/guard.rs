//! Which addresses are spoken to. A name is looked up once; what it leads to is judged, and exactly that is connected
//! to: nobody can answer with another address in between.

use crate::config::Network;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// What is no public address of version 4 (IANA's registry of special addresses), and the address under which one
/// provider of virtual machines serves their metadata.
const PRIVATE_V4: [Network; 17] = [
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([168, 63, 129, 16], 32),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([192, 0, 2, 0], 24),
    Network::v4([192, 31, 196, 0], 24),
    Network::v4([192, 88, 99, 0], 24),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([198, 18, 0, 0], 15),
    Network::v4([198, 51, 100, 0], 24),
    Network::v4([203, 0, 113, 0], 24),
    Network::v4([224, 0, 0, 0], 4),
    Network::v4([240, 0, 0, 0], 4),
];
/// Where public addresses of version 6 lie. Loopback, unique local, link local, multicast addresses and those that hold
/// one of version 4 lie elsewhere.
const PUBLIC_V6: Network = Network::v6(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// What is no public address among them: protocols' own, examples, and tunnels to addresses of version 4.
const PRIVATE_V6: [Network; 4] = [
    Network::v6(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    Network::v6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    Network::v6(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    Network::v6(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// No address that a name leads to is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's name leads to no public address; webhook.allow_addresses can allow private ones")]
pub(super) struct AddressRefused;

/// Looks names up, and lets through what may be spoken to.
#[derive(Debug)]
pub(super) struct Guard {
    /// Private addresses that an operator allows.
    pub(super) allowed: Vec<Network>,
    /// Whether plain HTTP is spoken, to loopback.
    pub(super) is_loopback_http: bool,
}

impl Guard {
    /// Whether an address is spoken to.
    fn lets(&self, address: IpAddr, is_https: bool) -> bool {
        if !is_https {
            return self.is_loopback_http && address.is_loopback();
        }
        is_public(address) || self.allowed.iter().any(|network| network.has(address))
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = match DefaultResolver::default().resolve(uri, config, timeout) {
            Err(ureq::Error::Io(_)) => return Err(ureq::Error::HostNotFound),
            found => found?,
        };
        let is_https = uri.scheme_str() == Some("https");
        let mut let_through = self.empty();
        for address in found.iter().filter(|address| self.lets(address.ip(), is_https)) {
            let_through.push(*address);
        }
        match let_through.is_empty() {
            true => Err(io::Error::new(io::ErrorKind::PermissionDenied, AddressRefused).into()),
            false => Ok(let_through),
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    let is_in = |networks: &[Network]| networks.iter().any(|network| network.has(address));
    match address {
        IpAddr::V4(_) => !is_in(&PRIVATE_V4),
        IpAddr::V6(_) => PUBLIC_V6.has(address) && !is_in(&PRIVATE_V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lets(guard: &Guard, address: &str, is_https: bool) -> bool {
        guard.lets(address.parse().unwrap(), is_https)
    }

    #[test]
    fn public_addresses_are_spoken_to_and_no_others() {
        let guard = Guard { allowed: Vec::new(), is_loopback_http: false };
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(lets(&guard, public, true), "{public}");
            assert!(!lets(&guard, public, false), "{public}");
        }
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "100::1",
            "5f00::1",
            "3fff::1",
        ] {
            assert!(!lets(&guard, private, true), "{private}");
            assert!(!lets(&guard, private, false), "{private}");
        }
    }

    #[test]
    fn an_operator_can_allow_networks_and_plain_http_to_loopback() {
        let allowed = ["10.1.0.0/16", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        let guard = Guard { allowed, is_loopback_http: true };
        for (address, is_https, expected) in [
            ("10.1.2.3", true, true),
            ("10.2.2.3", true, false),
            ("fd12::1", true, true),
            ("fe80::1", true, false),
            ("::ffff:10.1.2.3", true, false),
            ("10.1.2.3", false, false),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("127.0.0.1", true, false),
            ("8.8.8.8", false, false),
        ] {
            assert_eq!(lets(&guard, address, is_https), expected, "{address} {is_https}");
        }
        for all in ["0.0.0.0/0", "::/0"] {
            let guard = Guard { allowed: vec![all.parse().unwrap()], is_loopback_http: false };
            assert_eq!(lets(&guard, "10.0.0.1", true), all == "0.0.0.0/0");
            assert_eq!(lets(&guard, "fd00::1", true), all == "::/0");
        }
        for wrong in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", ""] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
