//! Reads a listener behind a proxy: whom it trusts, and which headers speak for the client.

use super::address::ListenAddress;
use super::files::FileKind;
use super::reader::{Entry, Read, Section};
use super::secret::read_secret;
use super::settings::{CertificateHeader, ProxyListener, ProxySecret, TlsFiles};
use crate::protocol::client_cert_header::CertificateDialect;
use crate::value::{TrustedPeers, TrustedPeersError};

/// What `[listener.behind_proxy]` and `[listener.verify]` have in common.
pub(super) fn read_proxy(section: &Section<'_>) -> Read<ProxyListener> {
    let listen = section.read("listen", |entry| entry.one_or_more(Entry::listen_address));
    let has_socket = listen.as_ref().is_ok_and(|all| all.iter().any(|one| matches!(one, ListenAddress::Unix(_))));
    let socket_mode = section.read("socket_mode", read_socket_mode);
    let trusted_peers = section.read("trusted_peers", |entry| read_peers(entry, has_socket));
    let tls = read_tls(section);
    let fingerprint_header = section.optional("fingerprint_header", Entry::header_name);
    let certificate_header = read_certificate_header(section);
    let source_header = section.optional("source_header", Entry::header_name);
    let secret = read_proxy_secret(section);
    let listener = ProxyListener {
        listen: listen?,
        tls: tls?,
        trusted_peers: trusted_peers?,
        socket_mode: socket_mode?,
        fingerprint_header: fingerprint_header?,
        certificate_header: certificate_header?,
        source_header: source_header?,
        secret: secret?,
    };
    if listener.fingerprint_header.is_none() && listener.certificate_header.is_none() {
        let remedy = "write fingerprint_header, or certificate_header with certificate_dialect";
        return Err(section.fault("fingerprint_header", "nothing says which header names the certificate", remedy));
    }
    check_header_names(section, &listener)?;
    Ok(listener)
}

/// Permissions in octal.
pub(super) fn read_socket_mode(entry: &Entry<'_>) -> Read<u32> {
    let text = entry.text()?;
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| text.len() >= 3 && *mode <= 0o777);
    mode.ok_or_else(|| entry.fault(format!("{text:?} are no permissions"), "write them in octal, for example \"0660\""))
}

/// The proxies that are believed.
pub(super) fn read_peers(entry: &Entry<'_>, has_socket: bool) -> Read<TrustedPeers> {
    let peers = entry.list(|item| {
        let text = item.text()?;
        if text == "unix" && !has_socket {
            return Err(item.fault("this listener has no Unix socket", "add \"unix:/path\" to listen"));
        }
        text.parse::<TrustedPeers>().map_err(|error| match error {
            TrustedPeersError::NotANetwork(text) => item.fault(
                format!("{text:?} is no address or network"),
                "write addresses or networks such as \"10.0.0.0/8\", or \"unix\"",
            ),
            TrustedPeersError::BitsBeyondPrefix { text, whole } => {
                item.fault(format!("{text:?} has bits set beyond its prefix"), format!("did you mean \"{whole}\"?"))
            }
        })
    })?;
    let peers: TrustedPeers = peers.into_iter().collect();
    Ok(if has_socket { peers.and(TrustedPeers::unix()) } else { peers })
}

/// Two values that are written together or not at all.
pub(super) fn pair<A, B>(
    section: &Section<'_>,
    names: [&str; 2],
    values: (Read<Option<A>>, Read<Option<B>>),
) -> Read<Option<(A, B)>> {
    let alone = |present: &str, absent: &str| {
        section.fault(present, format!("is written without {absent}"), "write both or none")
    };
    match (values.0?, values.1?) {
        (Some(first), Some(second)) => Ok(Some((first, second))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(alone(names[0], names[1])),
        (None, Some(_)) => Err(alone(names[1], names[0])),
    }
}

/// Certificate and key, written together or not at all.
pub(super) fn read_tls(section: &Section<'_>) -> Read<Option<TlsFiles>> {
    let names = ["certificate", "private_key"];
    let certificate = section.optional(names[0], |entry| entry.path(FileKind::Certificate));
    let private_key = section.optional(names[1], |entry| entry.path(FileKind::Private));
    let both = pair(section, names, (certificate, private_key))?;
    Ok(both.map(|(certificate, private_key)| TlsFiles { certificate, private_key }))
}

fn read_certificate_header(section: &Section<'_>) -> Read<Option<CertificateHeader>> {
    let names = ["certificate_header", "certificate_dialect"];
    let name = section.optional(names[0], Entry::header_name);
    let dialect = section
        .optional(names[1], |entry| entry.choice(&CertificateDialect::ALL.map(|dialect| (dialect.as_str(), dialect))));
    let both = pair(section, names, (name, dialect))?;
    Ok(both.map(|(name, dialect)| CertificateHeader { name, dialect }))
}

fn read_proxy_secret(section: &Section<'_>) -> Read<Option<ProxySecret>> {
    let names = ["secret_header", "secret_file"];
    let header = section.optional(names[0], Entry::header_name);
    let value = section.optional(names[1], read_secret);
    let both = pair(section, names, (header, value))?;
    Ok(both.map(|(header, value)| ProxySecret { header, value }))
}

/// One header cannot mean two things.
fn check_header_names(section: &Section<'_>, listener: &ProxyListener) -> Read<()> {
    let names = [
        ("fingerprint_header", listener.fingerprint_header.as_deref()),
        ("certificate_header", listener.certificate_header.as_ref().map(|header| header.name.as_str())),
        ("source_header", listener.source_header.as_deref()),
        ("secret_header", listener.secret.as_ref().map(|secret| secret.header.as_str())),
    ];
    for (index, (key, name)) in names.iter().enumerate() {
        let earlier = names[..index].iter().find(|(_, other)| name.is_some() && other == name);
        if let Some((other, _)) = earlier {
            return Err(section.fault(key, format!("is the same header as {other}"), "use one header for one thing"));
        }
    }
    Ok(())
}
