//! Where a listener listens and whom it trusts: [`ListenAddress`], [`TrustedPeers`].

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

/// Where a listener behind a proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address and a port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket, written `unix:/path`.
    Unix(PathBuf),
}

/// Whose word is taken for the client's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedPeers {
    /// Networks and single addresses.
    pub networks: Vec<IpNet>,
    /// Whoever may open the Unix socket; its file permissions are the guard.
    pub unix: bool,
}

impl ListenAddress {
    /// Whether both want the same place. Port 0 is never the same as another.
    pub(super) fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(a), Self::Tcp(b)) => {
                let (ip_a, ip_b) = (a.ip().to_canonical(), b.ip().to_canonical());
                let same_family = ip_a.is_ipv4() == ip_b.is_ipv4();
                // A wildcard address takes the port of every address of its family.
                let wildcard = (ip_a.is_unspecified() || ip_b.is_unspecified()) && same_family;
                a.port() != 0 && a.port() == b.port() && (ip_a == ip_b || wildcard)
            }
            (Self::Unix(a), Self::Unix(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl TrustedPeers {
    /// Whether the peer with this address is trusted. An IPv4 address inside IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Reads a network in CIDR form or a single address; an IPv4 address inside IPv6 becomes IPv4.
pub(super) fn parse_network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> ListenAddress {
        ListenAddress::Tcp(text.parse().unwrap())
    }

    #[test]
    fn the_same_port_collides_only_where_the_addresses_meet() {
        assert!(tcp("127.0.0.1:80").collides(&tcp("127.0.0.1:80")));
        assert!(tcp("0.0.0.0:80").collides(&tcp("127.0.0.1:80")));
        assert!(!tcp("127.0.0.2:80").collides(&tcp("127.0.0.1:80")));
        assert!(!tcp("[::]:80").collides(&tcp("127.0.0.1:80")));
        assert!(!tcp("127.0.0.1:0").collides(&tcp("127.0.0.1:0")), "the system chooses another port each time");
    }

    #[test]
    fn nobody_is_trusted_by_default_and_mapped_addresses_are_seen_through() {
        let mapped: IpAddr = "::ffff:10.1.2.3".parse().unwrap();
        assert!(!TrustedPeers::default().contains(mapped));
        let peers = TrustedPeers { networks: vec![parse_network("10.0.0.0/8").unwrap()], unix: false };
        assert!(peers.contains(mapped));
        assert!(!peers.contains("11.0.0.1".parse().unwrap()));
        assert_eq!(parse_network("::ffff:10.1.2.3"), parse_network("10.1.2.3/32"));
        assert_eq!(parse_network("10.0.0.0/33"), None);
    }
}
