//! The client of the Authentication API behind `bob-auth token get`.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Identity, Url};

use super::error::CliError;
use super::input::read;
use crate::crypto::cert::Certificate;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::tls_fault::TlsFault;
use crate::protocol::wire::AUTH_PATH;
use crate::value::EntityId;

/// How long the whole request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client with the certificate of an entity.
pub(super) struct Client(reqwest::Client);

/// What the server answered.
pub(super) enum Fetched {
    /// Status 200, and its body.
    Token(String),
    /// Any other status.
    Problem { status: u16, body: String },
}

impl Client {
    /// With this certificate and key (PEM), trusting this CA and no other, or the system's.
    pub(super) fn new(certificate: &Path, key: &Path, ca: Option<&Path>) -> Result<Self, CliError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_native()
            .identity(identity(certificate, key)?)
            .redirect(Policy::none())
            .no_proxy()
            .timeout(PATIENCE);
        if let Some(ca) = ca {
            let no_ca = |_| CliError::new("holds no certificate in PEM").at(ca);
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&read(ca)?).map_err(no_ca)?);
        }
        let client = builder.build().map_err(|error| {
            CliError::new(format!("this certificate and key cannot be used for TLS: {}", causes(&error)))
        })?;
        Ok(Self(client))
    }

    /// Asks for a token.
    pub(super) async fn get(&self, base: &str, entity: &EntityId) -> Result<Fetched, CliError> {
        let url = url(base, entity)?;
        let response = self.0.get(url.clone()).send().await.map_err(|error| explain(&url, &error))?;
        let status = response.status().as_u16();
        let body = response.text().await.map_err(|error| explain(&url, &error))?;
        Ok(if status == 200 { Fetched::Token(body) } else { Fetched::Problem { status, body } })
    }
}

/// A certificate and its key, for a client that shows it.
pub(super) fn identity(certificate: &Path, key: &Path) -> Result<Identity, CliError> {
    let pem = read(certificate)?;
    let chain = Certificate::read_all(&pem).map_err(|error| CliError::from(error).at(certificate))?;
    let private = PrivateKey::from_pem(&read(key)?, None).map_err(|error| CliError::from(error).at(key))?;
    if !chain.first().is_some_and(|leaf| leaf.belongs_to(&private)) {
        let what = format!("this private key does not belong to the certificate {}", certificate.display());
        return Err(CliError::new(what).at(key).next("name the key that was made with this certificate"));
    }
    // Again as PEM, so that DER is taken as well, and without anything else that the file may hold.
    let chain = chain.iter().map(Certificate::to_pem).collect::<Result<String, _>>()?;
    Identity::from_pkcs8_pem(chain.as_bytes(), &private.to_pkcs8_pem(None)?)
        .map_err(|error| CliError::new(format!("cannot be used for TLS: {}", causes(&error))).at(certificate))
}

fn url(base: &str, entity: &EntityId) -> Result<Url, CliError> {
    let usage = "write for example https://localhost:8443, or https://auth.example.se/p/74";
    let mut url =
        Url::parse(base).map_err(|error| CliError::new(format!("{base:?} is no URL: {error}")).next(usage))?;
    if url.scheme() != "https" {
        return Err(CliError::new("a certificate is presented over https only").next(usage));
    }
    let no_segments = || CliError::new(format!("{base:?} has no path")).next(usage);
    url.set_query(None);
    url.set_fragment(None);
    let api = AUTH_PATH.trim_matches('/').split('/');
    url.path_segments_mut().map_err(|()| no_segments())?.pop_if_empty().extend(api).push(entity.as_str());
    Ok(url)
}

/// Which side refused, in words.
fn explain(url: &Url, error: &reqwest::Error) -> CliError {
    let at = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    if let Some(fault) = TlsFault::find(error) {
        let next = match fault {
            TlsFault::PeerNotVerified => {
                "name the CA of the server with --ca FILE, and use a host name that its certificate has"
            }
            TlsFault::Alert { .. } => {
                "the reason is in the server's log; this service accepts any certificate in the handshake, a proxy may not"
            }
            TlsFault::Protocol => "check host and port: is it the listener for tokens?",
        };
        return CliError::new(format!("no TLS with {at}:{port}: {fault}\n  ({})", causes(error))).next(next);
    }
    if error.is_timeout() {
        return CliError::new(format!("{at}:{port} did not answer within {} seconds", PATIENCE.as_secs()));
    }
    let next = "check that the service runs and that host and port are right";
    CliError::new(format!("no connection with {at}:{port}: {}", causes(error))).next(next)
}

/// The last cause, which is the one that says something; or the one above it, if that says the same and more.
fn causes(error: &reqwest::Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !last.starts_with(&text) {
            last = text;
        }
        next = cause.source();
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_api_follows_the_base_whatever_its_end() {
        let entity: EntityId = "a:b@c+d".parse().unwrap();
        for base in ["https://h/p/74", "https://h/p/74/", "https://h/p/74?x=1#y"] {
            assert_eq!(url(base, &entity).unwrap().as_str(), "https://h/p/74/api/v1/auth/a:b@c+d");
        }
        assert_eq!(url("https://h:1", &entity).unwrap().as_str(), "https://h:1/api/v1/auth/a:b@c+d");
    }

    #[test]
    fn a_base_without_tls_is_refused() {
        let entity: EntityId = "a".parse().unwrap();
        for base in ["http://h", "localhost:8443", "h", "mailto:a@b"] {
            assert!(url(base, &entity).is_err(), "{base}");
        }
    }
}
