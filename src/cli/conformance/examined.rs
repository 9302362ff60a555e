//! [`Examined`]: what every examination is told on the command line: how the server is trusted, how long is waited, and in which
//! form the report is wanted.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::asker::Asker;
use super::check::Subject;
use super::ledger::Ledger;
use super::report::{self, Form, Report};
use crate::cli::error::CliError;
use crate::cli::input::read;
use crate::cli::output::Answer;
use crate::cli::wire::Wiring;
use crate::cli::words::span;
use crate::crypto::cert::Certificate;
use crate::crypto::tls_client::Trust;
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Args)]
pub(super) struct Examined {
    /// The CA of the server's own certificate, and no other, PEM [default: those of the system]
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,
    /// Do not look at the server's own certificate
    #[arg(long)]
    insecure: bool,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span)]
    timeout: Duration,
    /// Warnings count as failures
    #[arg(long)]
    strict: bool,
    /// The form of the report [default: a table, or JSON with --output json]
    #[arg(long, value_name = "FORM", value_enum)]
    report: Option<Form>,
    /// Where the report goes; the table is shown all the same
    #[arg(long, value_name = "FILE", requires = "report")]
    report_file: Option<PathBuf>,
}

/// A server's address: `https://host:port/base`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUrl {
    /// Host and port.
    pub(super) authority: String,
    /// What stands behind them, without a slash at its end; empty for the root.
    pub(super) base: String,
}

/// Time between two requests.
const PACE: Duration = Duration::from_millis(20);

impl Examined {
    /// An asker for this server that reads so many bytes of an answer.
    pub(super) fn asker(&self, server: &ServerUrl, largest: usize) -> Result<Asker, CliError> {
        let trust = match &self.ca {
            Some(ca) => Trust::Only(Certificate::read_all(&read(ca)?).map_err(|error| CliError::from(error).at(ca))?),
            None if self.insecure => Trust::AnyServer,
            None => Trust::System,
        };
        let wiring = Wiring { authority: server.authority.clone(), trust, patience: self.timeout, largest };
        Ok(Asker::new(wiring, PACE))
    }

    /// Whether the server's own certificate is not looked at.
    pub(super) const fn any_server(&self) -> bool {
        self.insecure
    }

    /// The report; it has failed if a binding rule is broken.
    pub(super) fn report(
        &self,
        subject: Subject,
        server: &ServerUrl,
        asked: usize,
        ledger: &Ledger,
    ) -> Result<Answer, CliError> {
        let at = SystemClock.now();
        let report = Report::new(subject, format!("https://{}{}", server.authority, server.base), at, asked, ledger);
        let report = report.strictly(self.strict);
        let failed = ledger.entries.iter().any(|entry| report.fails(entry.outcome));
        report::answer(&report, self.report, self.report_file.as_deref()).map(|answer| answer.failed_if(failed))
    }
}

/// Parses the address of a resource: its path stays as it is, query and all.
pub(super) fn resource_url(url: &str) -> Result<ServerUrl, String> {
    let usage = "write for example https://api.example.se/validation/v1/status";
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let mut resource = server_url(before).map_err(|_| usage.to_owned())?;
    if before.ends_with('/') {
        resource.base.push('/');
    }
    if let Some(query) = query {
        if !query.chars().all(|c| c.is_ascii_graphic() && c != '#') {
            return Err(usage.to_owned());
        }
        resource.base = format!("{}?{query}", if resource.base.is_empty() { "/" } else { &resource.base });
    }
    Ok(resource)
}

/// Parses a server's address.
pub(super) fn server_url(url: &str) -> Result<ServerUrl, String> {
    let usage = "write for example https://auth.example.se or https://127.0.0.1:8443/base";
    let rest = url.strip_prefix("https://").ok_or(usage)?;
    let (authority, base) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let in_path = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\');
    if authority.is_empty() || !authority.chars().all(plain) || !base.chars().all(in_path) {
        return Err(usage.to_owned());
    }
    Ok(ServerUrl { authority: authority.to_owned(), base: base.trim_end_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_keeps_its_path_and_query() {
        let of = |url| resource_url(url).map(|url| url.base);
        assert_eq!(of("https://a/b/c"), Ok("/b/c".to_owned()));
        assert_eq!(of("https://a/b/?x=1&y=/"), Ok("/b/?x=1&y=/".to_owned()));
        assert_eq!(of("https://a?x"), Ok("/?x".to_owned()));
        assert!(of("https://a/b?x y").is_err() && of("http://a/b").is_err());
    }

    #[test]
    fn a_server_is_named_by_an_https_address_and_where_its_interface_begins() {
        let of = |url| server_url(url).map(|url| (url.authority, url.base));
        assert_eq!(of("https://a.example:8443/"), Ok(("a.example:8443".to_owned(), String::new())));
        assert_eq!(of("https://[::1]/bob/x/"), Ok(("[::1]".to_owned(), "/bob/x".to_owned())));
        for url in [
            "http://a",
            "a",
            "https://",
            "https:///x",
            "https://u@a",
            "https://a?x",
            "https://a/b\r\nc",
            "https://a/b c",
        ] {
            assert!(of(url).is_err(), "{url}");
        }
    }
}
