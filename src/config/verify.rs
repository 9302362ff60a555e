//! Reads `[verify]`, `[verify.issuer.PID]` and `[verify.rule.NAME]`.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;
use toml::de::DeValue;

use super::files::FileKind;
use super::proxy_listener::pair;
use super::reader::{Document, Entry, Read, Section};
use super::registry;
use super::registry_settings::RegistryOrigin;
use super::size::ByteSize;
use super::verify_settings::{IssuerOrigin, KeyOrigins, MetadataFiles, VerifySettings};
use crate::flow::route_rules::{RouteRules, Rule};
use crate::flow::verify::{Allowed, CacheSize, Distrust, HolderOfKey, Policy};
use crate::protocol::metadata::Environment;
use crate::value::{Kid, Pid, Sha1Fingerprint, Sha256Fingerprint};

/// What was read of `[registry]`.
type Registry = Read<Option<RegistryOrigin>>;

const DAY: Duration = Duration::from_hours(24);
/// Beyond that, expiry would be a matter of taste.
const MAX_LEEWAY: Duration = Duration::from_mins(5);

/// The tables, if `[verify]` is written.
pub(super) fn read(document: &Document<'_>, registry: Registry) -> Read<Option<VerifySettings>> {
    let section = document.section("verify");
    if section.is_written() { read_written(document, &section, registry).map(Some) } else { Ok(None) }
}

/// The tables, which must be there.
pub(super) fn read_required(document: &Document<'_>) -> Read<VerifySettings> {
    let missing = || document.fault_of_whole("has no table [verify]", "write one: it says whose tokens count");
    read(document, registry::read_origin(document))?.ok_or_else(missing)
}

fn read_written(document: &Document<'_>, section: &Section<'_>, registry: Registry) -> Read<VerifySettings> {
    let (origins, policy) = (read_origins(document, section, registry), read_policy(section));
    let (rules, cache) = (read_rules(document), read_cache(section));
    Ok(VerifySettings { origins: origins?, policy: policy?, rules: rules?, cache: cache? })
}

fn read_policy(section: &Section<'_>) -> Read<Policy> {
    let allow = section.read("allow", read_allow);
    let leeway = section.read("leeway", |entry| entry.whole_seconds(Duration::ZERO..=MAX_LEEWAY));
    let max_lifetime = section.read("max_lifetime", |entry| entry.lifetime(7 * DAY));
    let holder_of_key = section.read("holder_of_key", |entry| {
        entry.choice(&[
            ("required", HolderOfKey::Required),
            ("if-present", HolderOfKey::IfPresent),
            ("dangerously-off", HolderOfKey::DangerouslyOff),
        ])
    });
    let audience = section.optional("audience", |entry| entry.one_or_more(|item| item.text().map(str::to_owned)));
    let distrust = read_distrust(section);
    Ok(Policy {
        leeway: u32::try_from(leeway?.as_secs()).unwrap_or(0),
        max_lifetime: max_lifetime?,
        holder_of_key: holder_of_key?,
        allow: allow?,
        audience: audience?.unwrap_or_default(),
        distrust: distrust?,
        ..Policy::strict()
    })
}

fn read_allow(entry: &Entry<'_>) -> Read<Vec<Allowed>> {
    let read = |item: &Entry<'_>| {
        let text = item.text()?;
        text.parse().map_err(|error| item.fault(format!("{text:?} is no caller"), format!("{error}")))
    };
    let allow = entry.list(read)?;
    if allow.is_empty() {
        return Err(entry.fault("lets nobody call", "name PID:CLASS of those who may, for example \"1:val\""));
    }
    Ok(allow)
}

fn read_distrust(section: &Section<'_>) -> Read<Distrust> {
    let issuers = section.read("distrust_issuers", |entry| entry.list(Entry::participant_id));
    let kids = section.read("distrust_kids", |entry| entry.list(read_kid)).map(|kids| kids.concat());
    let certificates = section.read("distrust_certificates", |entry| entry.list(read_certificate));
    let mut distrust = Distrust { issuers: issuers?, kids: kids?, ..Distrust::default() };
    for certificate in certificates? {
        match certificate {
            Certificate::Sha1(sha1) => distrust.sha1.push(sha1),
            Certificate::Sha256(sha256) => distrust.sha256.push(sha256),
        }
    }
    Ok(distrust)
}

/// A key id, with the participant before a slash if it is about that one only. A kid may look like that as well: then both
/// are distrusted.
fn read_kid(entry: &Entry<'_>) -> Read<Vec<(Option<Pid>, Kid)>> {
    let text = entry.text()?;
    let of_one = text.split_once('/').and_then(|(pid, kid)| Some((Some(pid.parse::<Pid>().ok()?), kid.parse().ok()?)));
    let whole =
        text.parse().map_err(|error| entry.fault(format!("{text:?} is no key: {error}"), "write KID or PID/KID"));
    Ok(of_one.into_iter().chain([(None, whole?)]).collect())
}

enum Certificate {
    Sha1(Sha1Fingerprint),
    Sha256(Sha256Fingerprint),
}

fn read_certificate(entry: &Entry<'_>) -> Read<Certificate> {
    let text = entry.text()?;
    if let Ok(sha256) = text.parse() {
        return Ok(Certificate::Sha256(sha256));
    }
    let remedy = "write the SHA-1 or the SHA-256 of the certificate in hex";
    text.parse().map(Certificate::Sha1).map_err(|_| entry.fault(format!("{text:?} is no fingerprint"), remedy))
}

fn read_cache(section: &Section<'_>) -> Read<Option<CacheSize>> {
    let entries = section.read("cache", |entry| entry.integer(0..=1_000_000));
    let sizes = ByteSize::from_bytes(64 << 10)..=ByteSize::from_bytes(4 << 30);
    let bytes = section.read("cache_bytes", |entry| entry.size(sizes));
    let (entries, bytes) = (entries?, bytes?.as_bytes());
    if entries > bytes {
        return Err(section.fault("cache_bytes", "is less than a byte for each token", "raise it, or lower cache"));
    }
    let entries = usize::try_from(entries).unwrap_or(usize::MAX);
    Ok((entries > 0).then_some(CacheSize { entries, bytes }))
}

fn read_origins(document: &Document<'_>, section: &Section<'_>, registry: Registry) -> Read<KeyOrigins> {
    let registry = read_registry(section, registry);
    let names = ["metadata", "metadata_trust"];
    let [set, trust] = names.map(|name| section.optional(name, |entry| entry.path(FileKind::Trusted)));
    let metadata = pair(section, names, (set, trust)).map(|both| both.map(|(set, trust)| MetadataFiles { set, trust }));
    let issuers = read_issuers(document);
    let environment = section.read("environment", |entry| {
        entry.choice(&[("production", Environment::Production), ("test", Environment::Test)])
    });
    let refresh = section.read("refresh", |entry| entry.duration(Duration::from_secs(10)..=7 * DAY));
    let (metadata, issuers, registry) = (metadata?, issuers?, registry?);
    let origins = KeyOrigins { metadata, registry, issuers, environment: environment?, refresh: refresh? };
    if origins.metadata.is_some() && origins.registry.is_some() {
        let problem = "is true, and metadata names a set of the same participants";
        return Err(section.fault("registry", problem, "remove the one or the other"));
    }
    if origins.metadata.is_none() && origins.registry.is_none() && origins.issuers.is_empty() {
        let remedy = "write registry = true, or metadata and metadata_trust, or a table [verify.issuer.PID]";
        return Err(section.fault("metadata", "there is nowhere to take keys from", remedy));
    }
    Ok(origins)
}

fn read_registry(section: &Section<'_>, registry: Registry) -> Registry {
    if !section.read("registry", Entry::boolean)? {
        return Ok(None);
    }
    let remedy = "write a table [registry] with url and trust";
    registry?.map(Some).ok_or_else(|| section.fault("registry", "is true, and there is no registry", remedy))
}

fn read_issuers<'a>(document: &'a Document<'a>) -> Read<BTreeMap<Pid, IssuerOrigin>> {
    // A name that is no participant id is the business of the search for unknown keys.
    let pids = document.names_below("verify.issuer").filter_map(|name| name.parse::<Pid>().ok());
    let issuers: Vec<Read<(Pid, IssuerOrigin)>> = pids
        .map(|pid| (pid, document.section(&format!("verify.issuer.{pid}"))))
        .filter(|(_, section)| section.is_written())
        .map(|(pid, section)| read_issuer(&section).map(|origin| (pid, origin)))
        .collect();
    issuers.into_iter().collect()
}

fn read_issuer(section: &Section<'_>) -> Read<IssuerOrigin> {
    let file = section.optional("jwks", |entry| entry.path(FileKind::Trusted));
    let url = section.optional("jwks_url", read_url);
    let ca = section.optional("ca", |entry| entry.path(FileKind::Trusted));
    match (file?, url?, ca?) {
        (Some(_), Some(_), _) => Err(section.fault("jwks_url", "jwks is written as well", "write one of the two")),
        (None, None, _) => {
            let remedy = "write jwks = \"FILE\" or jwks_url = \"https://...\"";
            Err(section.fault("jwks", "nothing says where its keys come from", remedy))
        }
        (Some(_), None, Some(_)) => {
            Err(section.fault("ca", "is written without jwks_url", "remove it: a file needs no CA"))
        }
        (Some(file), None, None) => Ok(IssuerOrigin::File(file)),
        (None, Some(url), ca) => Ok(IssuerOrigin::Url { url, ca }),
    }
}

fn read_url(entry: &Entry<'_>) -> Read<String> {
    let text = entry.text()?;
    let remedy = "write for example \"https://auth.example.org/.well-known/jwks.json\"";
    let url = Url::parse(text).map_err(|error| entry.fault(format!("{text:?} is no URL: {error}"), remedy))?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !(url.scheme() == "https" || url.scheme() == "http" && here) {
        return Err(entry.fault("is no https URL: anybody on the way could put keys of his own into it", remedy));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(entry.fault("holds a user, a password or a fragment, and public keys need none", remedy));
    }
    Ok(text.to_owned())
}

fn read_rules<'a>(document: &'a Document<'a>) -> Read<RouteRules> {
    let sections: Vec<Read<(Rule, Section<'_>)>> = document
        .names_below("verify.rule")
        .map(|name| (name, document.section(&format!("verify.rule.{name}"))))
        .filter(|(_, section)| section.is_written())
        .map(|(name, section)| read_rule(name, &section).map(|rule| (rule, section)))
        .collect();
    let sections: Vec<(Rule, Section<'_>)> = sections.into_iter().collect::<Read<_>>()?;
    let rules = sections.iter().map(|(rule, _)| rule.clone()).collect();
    RouteRules::new(rules).map_err(|conflict| {
        let remedy = "give one of them another path or other methods";
        let at = sections.iter().find(|(rule, _)| *rule.name() == *conflict.second);
        at.map_or_else(
            || document.fault_of_whole(&conflict.to_string(), remedy),
            |(_, section)| section.fault("path", conflict.to_string(), remedy),
        )
    })
}

fn read_rule(name: &str, section: &Section<'_>) -> Read<Rule> {
    let path = section.read("path", |entry| {
        let text = entry.text()?;
        let remedy = "write a path as it is when nothing in it is escaped, for example \"/validation\"";
        Rule::new(name, text, Vec::new(), Vec::new())
            .map(|_| text)
            .map_err(|error| entry.fault(error.to_string(), remedy))
    });
    let methods = section.optional("methods", |entry| entry.one_or_more(read_method));
    let allow = section.read("allow", read_allow);
    let (path, methods, allow) = (path?, methods?.unwrap_or_default(), allow?);
    Rule::new(name, path, methods, allow).map_err(|error| section.fault("path", error.to_string(), "correct it"))
}

/// The methods that everybody knows: in other letters they are most likely a slip.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];

fn read_method(entry: &Entry<'_>) -> Read<Box<str>> {
    let text = entry.text()?;
    let upper = text.to_ascii_uppercase();
    if METHODS.contains(&upper.as_str()) && upper != text {
        return Err(entry.fault(format!("{text:?} is no method: letters count"), format!("did you mean {upper:?}?")));
    }
    if matches!(entry.value, DeValue::String(_))
        && !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    {
        return Err(entry.fault(format!("{text:?} is no method"), "write for example \"GET\""));
    }
    Ok(text.into())
}
