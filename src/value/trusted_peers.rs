//! [`TrustedPeers`]: the addresses whose word is taken for somebody else's certificate.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Whose word is taken for the client's certificate; nobody's unless said.
///
/// ```
/// use bob_auth::value::TrustedPeers;
///
/// # fn main() -> Result<(), bob_auth::value::TrustedPeersError> {
/// let proxies: TrustedPeers = "10.0.0.0/8".parse()?;
/// let proxies = proxies.and("::1".parse()?);
/// assert!(proxies.contains([10, 1, 2, 3].into()));
/// assert!(!proxies.contains([127, 0, 0, 1].into()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedPeers {
    networks: Vec<IpNet>,
    unix: bool,
}

/// Why a text names nobody who could be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedPeersError {
    /// Neither an address nor a network.
    #[error("{0:?} is no address or network; write for example \"10.0.0.0/8\", \"::1\" or \"unix\"")]
    NotANetwork(String),
    /// A network whose address goes on behind the prefix: was the address meant, or the network?
    #[error("{text:?} has bits set beyond its prefix; did you mean \"{whole}\"?")]
    BitsBeyondPrefix {
        /// What was written.
        text: String,
        /// The network around it.
        whole: IpNet,
    },
}

impl TrustedPeers {
    /// Nobody.
    pub const fn nobody() -> Self {
        Self { networks: Vec::new(), unix: false }
    }

    /// Whoever may open the Unix socket: its file permissions are the guard.
    pub const fn unix() -> Self {
        Self { networks: Vec::new(), unix: true }
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.networks.extend(others.networks);
        self.unix |= others.unix;
        self
    }

    /// Whether the peer with this address is trusted. An IPv4 address inside IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whether this peer is trusted; one without an address is at a Unix socket.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |address| self.contains(address))
    }
}

/// One address, one network in CIDR form, or `unix`. IPv4 inside IPv6 becomes IPv4.
impl FromStr for TrustedPeers {
    type Err = TrustedPeersError;

    fn from_str(text: &str) -> Result<Self, TrustedPeersError> {
        if text == "unix" {
            return Ok(Self::unix());
        }
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => canonical(text.parse().map_err(|_| TrustedPeersError::NotANetwork(text.to_owned()))?),
        };
        let whole = network.trunc();
        if network != whole {
            return Err(TrustedPeersError::BitsBeyondPrefix { text: text.to_owned(), whole });
        }
        Ok(Self { networks: vec![network], unix: false })
    }
}

/// As addresses are compared: IPv4, if the network is one of IPv4 addresses inside IPv6.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(inside) = network else { return network };
    let v4 = inside.addr().to_ipv4_mapped().zip(inside.prefix_len().checked_sub(96));
    v4.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(network, IpNet::V4)
}

impl FromIterator<Self> for TrustedPeers {
    fn from_iter<I: IntoIterator<Item = Self>>(peers: I) -> Self {
        peers.into_iter().fold(Self::nobody(), Self::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(text: &str) -> Result<TrustedPeers, TrustedPeersError> {
        text.parse()
    }

    #[test]
    fn nobody_is_trusted_by_default_and_mapped_addresses_are_seen_through() {
        let mapped: IpAddr = "::ffff:10.1.2.3".parse().unwrap();
        assert!(!TrustedPeers::default().contains(mapped));
        assert!(!TrustedPeers::default().trusts(None));
        let peers_10 = peers("10.0.0.0/8").unwrap();
        assert!(peers_10.contains(mapped));
        assert!(!peers_10.contains("11.0.0.1".parse().unwrap()));
        assert_eq!(peers("::ffff:10.1.2.3"), peers("10.1.2.3/32"));
        assert_eq!(peers("::ffff:10.0.0.0/104"), peers("10.0.0.0/8"));
        assert!(!peers("::/0").unwrap().contains(mapped));
    }

    #[test]
    fn a_socket_is_trusted_only_if_it_was_named() {
        let both: TrustedPeers = ["unix", "127.0.0.1"].into_iter().map(|text| peers(text).unwrap()).collect();
        assert!(both.trusts(None) && both.trusts(Some([127, 0, 0, 1].into())));
        assert!(
            !peers("127.0.0.1").unwrap().trusts(None) && !peers("unix").unwrap().trusts(Some([127, 0, 0, 1].into()))
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "*", "localhost", "10.0.0.0/33", "10.0.0.1:80", " 10.0.0.1", "10.0.0.0/8,::1"] {
            assert_eq!(peers(text), Err(TrustedPeersError::NotANetwork(text.to_owned())));
        }
        let fault = peers("10.1.2.3/8").unwrap_err();
        assert!(fault.to_string().ends_with("did you mean \"10.0.0.0/8\"?"), "{fault}");
    }
}
