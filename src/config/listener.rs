//! Reads `[listener.*]`, and holds the listeners against each other.

use std::net::SocketAddr;

use super::address::ListenAddress;
use super::files::FileKind;
use super::proxy_listener::{read_peers, read_proxy, read_socket_mode, read_tls};
use super::reader::{Document, Entry, Read, Section};
use super::settings::{
    BehindProxyListener, InternalListener, Listeners, OriginalRequestIn, RegistryListener, TlsFiles, TlsVersion,
    TokenListener, VerifyListener, VerifyMode,
};

/// All the listeners.
pub(super) fn read(document: &Document<'_>) -> Read<Listeners> {
    let [token, behind_proxy, verify, registry, internal] =
        ["token", "behind_proxy", "verify", "registry", "internal"].map(|name| section(document, name));
    let (token_read, internal_read) = (read_token(&token), read_internal(&internal));
    let proxy_read = if behind_proxy.is_written() { read_behind_proxy(&behind_proxy).map(Some) } else { Ok(None) };
    let verify_read = if verify.is_written() { read_verify(&verify).map(Some) } else { Ok(None) };
    let registry_read = if registry.is_written() { read_registry(document, &registry).map(Some) } else { Ok(None) };
    let (token_read, behind_proxy_read, verify_read) = (token_read?, proxy_read?, verify_read?);
    let listeners = Listeners {
        token: token_read,
        behind_proxy: behind_proxy_read,
        verify: verify_read,
        registry: registry_read?,
        internal: internal_read?,
    };
    if listeners.token.is_none() && listeners.behind_proxy.is_none() {
        let remedy = "open this listener or write a table [listener.behind_proxy]";
        return Err(token.fault("listen", "no listener would answer token requests", remedy));
    }
    if listeners.verify.is_some() && !document.section("verify").is_written() {
        return Err(verify.fault("listen", "nothing says whose tokens count", "write a table [verify]"));
    }
    check_collisions(&[
        (&token, listeners.token.as_ref().map_or_else(Vec::new, |one| tcp(&one.listen))),
        (&behind_proxy, listeners.behind_proxy.as_ref().map_or_else(Vec::new, |one| one.proxy.listen.clone())),
        (&verify, listeners.verify.as_ref().map_or_else(Vec::new, |one| one.proxy.listen.clone())),
        (&registry, listeners.registry.as_ref().map_or_else(Vec::new, |one| one.listen.clone())),
        (&internal, listeners.internal.as_ref().map_or_else(Vec::new, |one| tcp(&one.listen))),
    ])?;
    Ok(listeners)
}

fn section<'a>(document: &'a Document<'a>, name: &str) -> Section<'a> {
    document.section(&format!("listener.{name}"))
}

/// The listeners of a process that only verifies.
pub(super) fn read_for_verification(document: &Document<'_>) -> Read<(VerifyListener, Option<InternalListener>)> {
    let [verify, internal] = ["verify", "internal"].map(|name| section(document, name));
    let internal_read = read_internal(&internal);
    if !verify.is_written() {
        return Err(
            document.fault_of_whole("has no table [listener.verify]", "write one: it says where questions come in")
        );
    }
    let (verify_read, internal_read) = (read_verify(&verify)?, internal_read?);
    check_collisions(&[
        (&verify, verify_read.proxy.listen.clone()),
        (&internal, internal_read.as_ref().map_or_else(Vec::new, |one| tcp(&one.listen))),
    ])?;
    Ok((verify_read, internal_read))
}

/// The listeners of a process that is only a registry.
pub(super) fn read_for_registry(document: &Document<'_>) -> Read<(RegistryListener, Option<InternalListener>)> {
    let [registry, internal] = ["registry", "internal"].map(|name| section(document, name));
    let internal_read = read_internal(&internal);
    if !registry.is_written() {
        return Err(
            document.fault_of_whole("has no table [listener.registry]", "write one: it says where participants ask")
        );
    }
    let (registry_read, internal_read) = (read_registry(document, &registry)?, internal_read?);
    check_collisions(&[
        (&registry, registry_read.listen.clone()),
        (&internal, internal_read.as_ref().map_or_else(Vec::new, |one| tcp(&one.listen))),
    ])?;
    Ok((registry_read, internal_read))
}

fn read_registry(document: &Document<'_>, section: &Section<'_>) -> Read<RegistryListener> {
    let listen = section.read("listen", |entry| entry.one_or_more(Entry::listen_address));
    let has_socket = listen.as_ref().is_ok_and(|all| all.iter().any(|one| matches!(one, ListenAddress::Unix(_))));
    let socket_mode = section.read("socket_mode", read_socket_mode);
    let tls = read_tls(section);
    let trusted_peers = section.read("trusted_peers", |entry| read_peers(entry, has_socket));
    let source_header = section.optional("source_header", Entry::header_name);
    let server = document.section("registry_server");
    if !server.is_written() {
        return Err(section.fault("listen", "nothing says whose registry it is", "write a table [registry_server]"));
    }
    let listener = RegistryListener {
        listen: listen?,
        tls: tls?,
        socket_mode: socket_mode?,
        trusted_peers: trusted_peers?,
        source_header: source_header?,
    };
    let nameless = listener.listen.iter().find(|address| match address {
        ListenAddress::Tcp(address) => address.ip().is_unspecified(),
        ListenAddress::Unix(_) => true,
    });
    let hosts = server.read("hosts", |entry| entry.list(|item| item.text().map(drop)))?;
    match nameless {
        Some(address) if hosts.is_empty() => {
            let problem = format!("nobody can make a proof for {address}, and no name is written");
            Err(server.fault("hosts", problem, "write for example hosts = [\"registry.example.se\"]"))
        }
        _ => Ok(listener),
    }
}

fn read_behind_proxy(section: &Section<'_>) -> Read<BehindProxyListener> {
    let (proxy, jwks) = (read_proxy(section), section.read("jwks", Entry::boolean));
    Ok(BehindProxyListener { proxy: proxy?, jwks: jwks? })
}

fn read_verify(section: &Section<'_>) -> Read<VerifyListener> {
    let proxy = read_proxy(section);
    let mode =
        section.read("mode", |entry| entry.choice(&[("enforce", VerifyMode::Enforce), ("shadow", VerifyMode::Shadow)]));
    let original_request = section.read("original_request", |entry| {
        entry.choice(&[
            ("x-original", OriginalRequestIn::XOriginal),
            ("x-forwarded", OriginalRequestIn::XForwarded),
            ("path", OriginalRequestIn::Path),
        ])
    });
    let batch = section.read("batch", |entry| entry.integer(0..=1000));
    let probe = section.read("probe", Entry::boolean);
    Ok(VerifyListener {
        proxy: proxy?,
        mode: mode?,
        original_request: original_request?,
        batch: usize::try_from(batch?).unwrap_or(0),
        probe: probe?,
    })
}

fn read_token(section: &Section<'_>) -> Read<Option<TokenListener>> {
    let listen = section.read("listen", |entry| entry.unless_off(|entry| entry.one_or_more(Entry::socket_address)));
    if matches!(listen, Ok(None)) {
        return Ok(None);
    }
    let certificate = section.read("certificate", |entry| entry.path(FileKind::Certificate));
    let private_key = section.read("private_key", |entry| entry.path(FileKind::Private));
    let min_tls =
        section.read("min_tls", |entry| entry.choice(&[("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)]));
    let session_tickets = section.read("session_tickets", |entry| entry.integer(0..=2));
    let session_resumption_tls12 = section.read("session_resumption_tls12", Entry::boolean);
    let jwks = section.read("jwks", Entry::boolean);
    let tls = TlsFiles { certificate: certificate?, private_key: private_key? };
    let (min_tls, session_tickets) = (min_tls?, u8::try_from(session_tickets?).unwrap_or(0));
    let (session_resumption_tls12, jwks) = (session_resumption_tls12?, jwks?);
    Ok(listen?.map(|listen| TokenListener { listen, tls, min_tls, session_tickets, session_resumption_tls12, jwks }))
}

fn read_internal(section: &Section<'_>) -> Read<Option<InternalListener>> {
    let listen = section.read("listen", |entry| entry.unless_off(|entry| entry.one_or_more(Entry::socket_address)));
    Ok(listen?.map(|listen| InternalListener { listen }))
}

fn tcp(addresses: &[SocketAddr]) -> Vec<ListenAddress> {
    addresses.iter().copied().map(ListenAddress::Tcp).collect()
}

fn check_collisions(listeners: &[(&Section<'_>, Vec<ListenAddress>)]) -> Read<()> {
    let mut seen: Vec<&ListenAddress> = Vec::new();
    let mut outcome = Ok(());
    for (section, addresses) in listeners {
        for address in addresses {
            if let Some(other) = seen.iter().find(|other| other.collides(address)) {
                let problem = format!("{address} is taken by {other} of this file already");
                outcome = Err(section.fault("listen", problem, "give each listener an address of its own"));
            }
            seen.push(address);
        }
    }
    outcome
}
