//! What the client's side of a TLS connection is made of: whom it trusts, and the certificate that it shows. Connecting is
//! not done here.

use std::error::Error;
use std::net::IpAddr;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    ConnectConfiguration, SslConnector, SslConnectorBuilder, SslMethod, SslRef, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use super::cert::Certificate;
use super::private_key::PrivateKey;

/// Whose word a client takes for the server's name.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The CAs of the system.
    System,
    /// These certificates and no others.
    Only(Vec<Certificate>),
    /// Nobody's: any server will do.
    AnyServer,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

/// A certificate with what is sent behind it, and its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    leaf: X509,
    #[cfg_attr(feature = "aws-lc", expect(dead_code, reason = "AWS-LC has no chains of single connections"))]
    behind: Vec<X509>,
    key: PKey<Private>,
}

impl ClientIdentity {
    /// The first certificate is the client's own.
    pub fn new(chain: &[Certificate], key: &PrivateKey) -> Result<Self, ErrorStack> {
        let chain = chain.iter().map(|certificate| X509::from_der(&certificate.der));
        let mut chain = chain.collect::<Result<Vec<_>, _>>()?;
        if chain.is_empty() {
            return Err(ErrorStack::get());
        }
        let leaf = chain.remove(0);
        Ok(Self { leaf, behind: chain, key: key.0.clone() })
    }

    /// Shows it on this connection, if the server asks.
    pub fn show_on(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_certificate(&self.leaf)?;
        ssl.set_private_key(&self.key)?;
        // AWS-LC has no chains of single connections: there the leaf goes alone.
        #[cfg(not(feature = "aws-lc"))]
        for certificate in &self.behind {
            ssl.add_chain_cert(certificate.clone())?;
        }
        Ok(())
    }
}

/// A client that speaks HTTP/1.1 over this version of TLS, or over 1.2 and later.
pub fn client(trust: &Trust, version: Option<TlsVersion>) -> Result<SslConnectorBuilder, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    let version = version.map(|version| match version {
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        TlsVersion::Tls13 => SslVersion::TLS1_3,
    });
    builder.set_min_proto_version(version.or(Some(SslVersion::TLS1_2)))?;
    builder.set_max_proto_version(version)?;
    builder.set_alpn_protos(b"\x08http/1.1")?;
    match trust {
        Trust::System => {}
        Trust::Only(certificates) => {
            let mut store = X509StoreBuilder::new()?;
            for certificate in certificates {
                store.add_cert(X509::from_der(&certificate.der)?)?;
            }
            builder.set_cert_store(store.build());
        }
        Trust::AnyServer => builder.set_verify(SslVerifyMode::NONE),
    }
    Ok(builder)
}

/// The server is known by this address, and not by a name.
pub fn expect_address(ssl: &mut ConnectConfiguration, address: IpAddr) -> Result<(), ErrorStack> {
    ssl.set_use_server_name_indication(false);
    ssl.set_verify_hostname(false); // the address stands in the name's place
    ssl.param_mut().set_ip(address)
}

/// Whether it was TLS that failed, and not the connection under it.
pub fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(<dyn Error>::is::<openssl::ssl::Error>)
}
