//! `bob-auth doctor`: examines a proxy that terminates TLS, from the outside, through the verify server's `GET /probe` behind it.
//!
//! | file | what it does |
//! |---|---|
//! | `reply` | what came back |
//! | `prober` | asks and counts |
//! | `forgery` | how forged headers are written: spellings, odd requests |
//! | `judge` | what a reply means |
//! | `finding`, `remedy` | what can be wrong, and which line mends it |
//! | `examination` | the checks in their order |
//! | `report` | text and JSON |

mod examination;
mod finding;
mod forgery;
mod judge;
mod prober;
mod remedy;
mod reply;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ring::rand::SystemRandom;

use self::examination::Examination;
use self::prober::Prober;
use self::remedy::Proxy;
use super::error::CliError;
use super::input::read;
use super::output::Answer;
use super::wire::{Shown, Wiring};
use super::words::span;
use crate::crypto::cert::Certificate;
use crate::crypto::tls_client::Trust;
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bob-auth doctor --proxy https://api.example.se\n  \
    bob-auth doctor --proxy https://localhost:8443 --ca proxy-ca.pem --kind haproxy\n\n\
    The proxy passes the probe path to GET /probe of the verify server, where [listener.verify] has `probe = true`. \
    Certificates and forged headers are made for this one examination; some hundred requests are sent, one after the other.\n\n\
    Exit code 0 if the proxy is safe, 1 if anything is unsafe or broken.")]
pub(super) struct Doctor {
    /// The proxy, as its clients see it
    #[arg(long, value_name = "URL", value_parser = authority)]
    proxy: String,
    /// A certificate of yours to show besides those that are made, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The CA of the proxy's own certificate, and no other, PEM [default: those of the system]
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Do not look at the proxy's own certificate
    #[arg(long)]
    insecure: bool,
    /// The path that leads to GET /probe of the verify server
    #[arg(long, value_name = "PATH", default_value = "/bob-auth/probe", value_parser = path)]
    probe_path: String,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span)]
    timeout: Duration,
    /// Which proxy it is [default: as it says in `Server`; remedies for all if it says nothing]
    #[arg(long, value_name = "NAME", value_enum)]
    kind: Option<Proxy>,
}

/// The most bytes that are read of an answer: the verify server's are small.
const LARGEST: usize = 64 * 1024;

impl Doctor {
    pub(super) async fn run(self) -> Result<Answer, CliError> {
        let own = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => Some(Shown::of_files(certificate, key)?),
            _ => None,
        };
        let trust = match &self.ca {
            Some(ca) => Trust::Only(Certificate::read_all(&read(ca)?).map_err(|error| CliError::from(error).at(ca))?),
            None if self.insecure => Trust::AnyServer,
            None => Trust::System,
        };
        let wiring = Wiring { authority: self.proxy, trust, patience: self.timeout, largest: LARGEST };
        #[expect(clippy::disallowed_methods, reason = "the command line is an edge")]
        let (now, rng) = (SystemClock.now(), SystemRandom::new());
        let mut examination = Examination::new(Prober::new(wiring, self.probe_path, self.kind), now, &rng)?;
        examination.run(own, now, &rng).await?;
        report::report(&examination.checked, examination.prober.proxy, examination.prober.asked)
    }
}

/// Host and port of an https URL.
fn authority(url: &str) -> Result<String, String> {
    let usage =
        "write for example https://api.example.se or https://127.0.0.1:8443; the path is said with --probe-path";
    let authority = url.strip_prefix("https://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    match authority {
        Some(authority) if !authority.is_empty() && authority.chars().all(plain) => Ok(authority.to_owned()),
        _ => Err(usage.to_owned()),
    }
}

/// A path that can stand in a request line.
fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("write a path such as /bob-auth/probe".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_named_by_an_https_address_without_a_path() {
        assert_eq!(authority("https://a.example:8443/").unwrap(), "a.example:8443");
        assert_eq!(authority("https://[::1]:443").unwrap(), "[::1]:443");
        for url in ["http://a", "a.example", "https://", "https://a/b", "https://u@a", "https://a\r\nb"] {
            assert!(authority(url).is_err(), "{url}");
        }
    }
}
