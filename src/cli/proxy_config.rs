//! `bob-auth proxy-config`: the ready-made configurations of `docs/proxies/`, with this site's addresses and files in the
//! places of the examples.

use std::fmt;
use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::error::CliError;
use super::output::Answer;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  bob-auth proxy-config nginx > /etc/nginx/conf.d/bob-auth.conf\n  \
                        bob-auth proxy-config haproxy --upstream 10.0.0.7:8000 > bob-auth.cfg")]
pub(super) struct ProxyConfig {
    /// Which file
    #[arg(value_name = "NAME", value_enum)]
    name: Name,
    /// Where the proxy listens [default: 0.0.0.0:443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where the verifier listens: an address and port, or unix:PATH [default: 127.0.0.1:9443]
    #[arg(long, value_name = "ADDRESS", value_parser = target)]
    verifier: Option<Target>,
    /// Where the service behind the proxy listens [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    upstream: Option<SocketAddr>,
    /// Pass /api/v1/auth/ to a token service here besides [default: these lines stay comments]
    #[arg(long, value_name = "ADDRESS:PORT")]
    token_service: Option<SocketAddr>,
    /// The proxy's own certificate [default: /etc/bob-auth/proxy/server.pem]
    #[arg(long, value_name = "FILE", value_parser = plain_path)]
    certificate: Option<String>,
    /// Its private key [default: /etc/bob-auth/proxy/server.key]
    #[arg(long, value_name = "FILE", value_parser = plain_path)]
    private_key: Option<String>,
    /// Where the Lua file will lie [default: /etc/bob-auth/proxy/haproxy-bob.lua or apache-bob.lua]
    #[arg(long, value_name = "FILE", value_parser = plain_path)]
    lua: Option<String>,
}

/// The files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    // No doc comments here: they would stretch the help text to its long form.
    Nginx,
    Haproxy,
    HaproxyLua,
    Apache,
    ApacheLua,
    Envoy,
    Traefik,
    Caddy,
}

/// Something in the files that differs from site to site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Listen,
    Verifier,
    Upstream,
    TokenService,
    Certificate,
    PrivateKey,
    Lua,
}

/// What stands in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(String),
    /// The path of a file.
    File(String),
}

#[derive(Debug, Serialize)]
struct View {
    name: String,
    text: String,
}

impl ProxyConfig {
    pub(super) fn run(self) -> Result<Answer, CliError> {
        let name = self.name;
        let text = name.with(&self.given())?;
        Answer::new(&text, &View { name: name.word(), text: text.clone() })
    }

    fn given(self) -> Vec<(Place, Target)> {
        let all = [
            (Place::Listen, self.listen.map(Target::Tcp)),
            (Place::Verifier, self.verifier),
            (Place::Upstream, self.upstream.map(Target::Tcp)),
            (Place::TokenService, self.token_service.map(Target::Tcp)),
            (Place::Certificate, self.certificate.map(Target::File)),
            (Place::PrivateKey, self.private_key.map(Target::File)),
            (Place::Lua, self.lua.map(Target::File)),
        ];
        all.into_iter().filter_map(|(place, target)| Some((place, target?))).collect()
    }
}

impl Name {
    /// The file as it lies in `docs/proxies/`.
    const fn text(self) -> &'static str {
        match self {
            Self::Nginx => include_str!("../../docs/proxies/nginx.conf"),
            Self::Haproxy => include_str!("../../docs/proxies/haproxy.cfg"),
            Self::HaproxyLua => include_str!("../../docs/proxies/haproxy-bob.lua"),
            Self::Apache => include_str!("../../docs/proxies/apache.conf"),
            Self::ApacheLua => include_str!("../../docs/proxies/apache-bob.lua"),
            Self::Envoy => include_str!("../../docs/proxies/envoy.yaml"),
            Self::Traefik => include_str!("../../docs/proxies/traefik.yaml"),
            Self::Caddy => include_str!("../../docs/proxies/Caddyfile"),
        }
    }

    fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What the file has places for.
    const fn places(self) -> &'static [Place] {
        use Place::{Certificate, Listen, Lua, PrivateKey, TokenService, Upstream, Verifier};
        match self {
            Self::HaproxyLua | Self::ApacheLua => &[Verifier],
            Self::Haproxy => &[Listen, Verifier, Upstream, TokenService, Certificate, Lua],
            Self::Apache => &[Listen, Verifier, Upstream, TokenService, Certificate, PrivateKey, Lua],
            Self::Nginx | Self::Envoy | Self::Traefik | Self::Caddy => {
                &[Listen, Verifier, Upstream, TokenService, Certificate, PrivateKey]
            }
        }
    }

    /// The words of the file for this target in this place; also for what stands there as it lies in `docs/proxies/`.
    fn spell(self, place: Place, target: &Target) -> Option<String> {
        Some(match (self, place, target) {
            (Self::Traefik, _, Target::Unix(_)) => return None,
            (Self::Haproxy, _, Target::Unix(path)) => format!("unix@{path}"),
            (Self::Apache, Place::Verifier, Target::Tcp(address)) => format!("http://{address}"),
            (Self::Apache, _, Target::Unix(path)) => format!("unix:{path}|http://bob-verifier"),
            (Self::Envoy, _, Target::Tcp(address)) => {
                format!("{{socket_address: {{address: \"{}\", port_value: {}}}}}", address.ip(), address.port())
            }
            (Self::Envoy, _, Target::Unix(path)) => format!("{{pipe: {{path: {path}}}}}"),
            (Self::Caddy, Place::Listen, Target::Tcp(address)) => {
                format!(":{} {{\n\tbind {}", address.port(), address.ip())
            }
            (Self::Caddy, _, Target::Unix(path)) => format!("unix/{path}"),
            _ => target.to_string(),
        })
    }

    /// What stands in this place of the file as it lies in `docs/proxies/`.
    fn example(self, place: Place) -> Target {
        let local = |port| Target::Tcp(SocketAddr::from(([127, 0, 0, 1], port)));
        let file = |name: &str| Target::File(format!("/etc/bob-auth/proxy/{name}"));
        match place {
            Place::Listen => Target::Tcp(SocketAddr::from(([0, 0, 0, 0], 443))),
            Place::Verifier => local(9443),
            Place::Upstream => local(8080),
            Place::TokenService => local(8081),
            Place::Certificate => file("server.pem"),
            Place::PrivateKey => file("server.key"),
            Place::Lua if self == Self::Apache => file("apache-bob.lua"),
            Place::Lua => file("haproxy-bob.lua"),
        }
    }

    /// The file with these targets in their places.
    fn with(self, given: &[(Place, Target)]) -> Result<String, CliError> {
        let mut replacements = Vec::new();
        for (place, target) in given {
            if !self.places().contains(place) {
                return Err(self.has_no(*place));
            }
            let example = self.example(*place);
            let (Some(old), Some(new)) = (self.spell(*place, &example), self.spell(*place, target)) else {
                let what = format!("{} cannot speak to a Unix socket", self.word());
                return Err(CliError::new(what).next("give the verifier an address and a port"));
            };
            // First in the comments that show the other side's configuration: there it is spelled as bob-auth wants it.
            if matches!(place, Place::Verifier | Place::TokenService) {
                replacements.push((format!("listen = \"{example}\""), format!("listen = \"{target}\"")));
            }
            replacements.push((old, new));
        }
        let text = replace_all(self.text(), &replacements);
        let token_service = given.iter().any(|(place, _)| *place == Place::TokenService);
        Ok(if token_service { without_marks(&text) } else { text })
    }

    fn has_no(self, place: Place) -> CliError {
        let error = CliError::new(format!("the file {} has no place for that: {place:?}", self.word()));
        match (self, place) {
            (Self::Haproxy, Place::PrivateKey) => error
                .next("HAProxy reads the key from the certificate's file, or from that file's name with .key added"),
            _ => error.next("leave the option out"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::File(path) => path.fmt(f),
        }
    }
}

/// Replaces them all in one walk, so that nothing is replaced twice.
fn replace_all(text: &str, replacements: &[(String, String)]) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((old, new)) = replacements.iter().find(|(old, _)| rest.starts_with(old.as_str())) {
            done.push_str(new);
            rest = &rest[old.len()..];
        } else {
            done.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    done
}

/// Lines that begin with `#+ ` are no comments any more.
fn without_marks(text: &str) -> String {
    let unmarked = |line: &str| {
        let (before, code) = line.split_once("#+ ").filter(|(before, _)| before.trim().is_empty())?;
        Some(format!("{before}{code}"))
    };
    text.split_inclusive('\n').map(|line| unmarked(line).unwrap_or_else(|| line.to_owned())).collect()
}

fn target(text: &str) -> Result<Target, String> {
    match text.strip_prefix("unix:") {
        Some(path) => Ok(Target::Unix(plain_path(path)?)),
        None => {
            text.parse().map(Target::Tcp).map_err(|_| "write for example 127.0.0.1:9443 or unix:/run/v.sock".into())
        }
    }
}

/// A path that means the same in every one of these files, without quotes.
fn plain_path(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '@');
    if text.starts_with('/') && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("write an absolute path of letters, digits, and / . - _ + @".to_owned())
}

#[cfg(test)]
mod tests;
