//! Where a listener listens: [`ListenAddress`].

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a listener behind a proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address and a port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket, written `unix:/path`.
    Unix(PathBuf),
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
}
