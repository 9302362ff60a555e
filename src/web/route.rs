//! Where a request goes: pure, from host and path to a route. Participants have base paths and hosts that come and go at
//! run time, so the table is here and not in the router of the web framework.

use percent_encoding::percent_decode_str;

use crate::protocol::wire::{AUTH_PATH, JWKS_PATH};
use crate::store::{Directory, ParticipantDirectory};
use crate::value::Pid;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET {base path}/api/v1/auth/{entityId}`
    Token {
        /// The participant asked.
        pid: Pid,
        /// The entity id, percent-decoded once; `None` if that gave no UTF-8.
        entity: Option<String>,
    },
    /// `GET {base path}/.well-known/jwks.json`
    Jwks {
        /// Whose keys.
        pid: Pid,
    },
    /// Anything else.
    Nothing,
}

/// Resolves the raw path (still percent-encoded, without query) for this host (with or without port).
///
/// A participant is found by base path, else by host, else it is the default one. The entity id is the whole rest of the
/// path: a slash in it, encoded or not, makes it no entity id, and no text is decoded twice.
pub fn resolve(directory: &Directory, default: Pid, host: Option<&str>, path: &str) -> Route {
    let (pid, rest) = match by_base_path(directory, path) {
        Some((pid, rest)) => (pid, rest),
        None => (host.and_then(|host| by_host(directory, host)).unwrap_or(default), path),
    };
    if let Some(entity) = rest.strip_prefix(AUTH_PATH) {
        let entity = percent_decode_str(entity).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        return Route::Token { pid, entity };
    }
    if rest == JWKS_PATH { Route::Jwks { pid } } else { Route::Nothing }
}

fn by_base_path<'p>(directory: &Directory, path: &'p str) -> Option<(Pid, &'p str)> {
    // The API's own path first: the common case needs no look-up.
    if path.starts_with(AUTH_PATH) || path == JWKS_PATH {
        return None;
    }
    let end = path.find(AUTH_PATH).or_else(|| path.find(JWKS_PATH))?;
    let (base, rest) = path.split_at_checked(end)?;
    Some((directory.participant_by_base_path(base)?.pid(), rest))
}

fn by_host(directory: &Directory, host: &str) -> Option<Pid> {
    // Without a port: "[::1]:8443", "auth.example:8443", "auth.example".
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    // A name that ends with the root's dot is the same name.
    directory.participant_by_host(name.strip_suffix('.').unwrap_or(name)).map(ParticipantDirectory::pid)
}
