//! Reads `[token]` and `[participant.PID.token]`.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeValue;

use super::duration;
use super::reader::{Document, Entry, Read, Section};
use crate::flow::policy::{CertificateBinding, ExpiredCertificates, TokenPolicy};
use crate::protocol::claims::{Audience, HokCase};
use crate::value::{Class, Lifetime, Pid};

/// No token lives longer, whatever the file says.
const HARD_CAP: Duration = Duration::from_hours(7 * 24);
const MAX_BACKDATE: Duration = Duration::from_hours(1);

/// The policy for every participant that has none of its own.
pub(super) fn read_default(document: &Document<'_>) -> Read<TokenPolicy> {
    read_policy(&document.section("token"))
}

/// The policies of single participants, each complete.
pub(super) fn read_participants<'a>(document: &'a Document<'a>) -> Read<BTreeMap<Pid, TokenPolicy>> {
    // A name that is no participant id is the business of the search for unknown keys.
    let pids = document.names_below("participant").filter_map(|name| name.parse::<Pid>().ok());
    let policies: Vec<Read<(Pid, TokenPolicy)>> = pids
        .map(|pid| (pid, document.section_over(&format!("participant.{pid}.token"), Some("token"), "token")))
        .filter(|(_, section)| section.is_written())
        .map(|(pid, section)| read_policy(&section).map(|policy| (pid, policy)))
        .collect();
    policies.into_iter().collect()
}

fn read_policy(section: &Section<'_>) -> Read<TokenPolicy> {
    let lifetime = section.read("lifetime", |entry| entry.lifetime(HARD_CAP));
    let max_lifetime = section.read("max_lifetime", |entry| entry.lifetime(HARD_CAP));
    let lifetime_by_class = section.read("lifetime_by_class", |entry| read_classes(entry, max_lifetime.ok()));
    let nbf_backdate = section.read("nbf_backdate", |entry| entry.whole_seconds(Duration::ZERO..=MAX_BACKDATE));
    let jti = section.read("jti", Entry::boolean);
    let audience = section.optional("audience", read_audience);
    let certificate_binding = section.read("certificate_binding", |entry| {
        entry.choice(&[("sha1", CertificateBinding::Sha1), ("sha1+sha256", CertificateBinding::Sha1AndSha256)])
    });
    let expired_certificates = section.read("expired_certificates", |entry| {
        entry.choice(&[("accept", ExpiredCertificates::Accept), ("refuse", ExpiredCertificates::Refuse)])
    });
    let hok_case =
        section.read("hok_case", |entry| entry.choice(&[("lower", HokCase::Lower), ("upper", HokCase::Upper)]));
    let policy = TokenPolicy {
        lifetime: lifetime?,
        max_lifetime: max_lifetime?,
        lifetime_by_class: lifetime_by_class?,
        nbf_backdate: nbf_backdate?,
        jti: jti?,
        audience: audience?,
        certificate_binding: certificate_binding?,
        expired_certificates: expired_certificates?,
        hok_case: hok_case?,
    };
    if policy.lifetime > policy.max_lifetime {
        let problem =
            format!("lifetime {} is longer than max_lifetime {}", show(policy.lifetime), show(policy.max_lifetime));
        return Err(section.fault_between("lifetime", "max_lifetime", problem, "shorten the one or raise the other"));
    }
    Ok(policy)
}

fn read_classes(entry: &Entry<'_>, max: Option<Lifetime>) -> Read<BTreeMap<Class, Lifetime>> {
    let remedy = "write for example { ins = \"8h\" }";
    let DeValue::Table(table) = entry.value else {
        return Err(entry.fault("expected a table of classes and lifetimes", remedy));
    };
    let classes: Vec<Read<(Class, Lifetime)>> = table
        .iter()
        .map(|(name, value)| {
            let inner = entry.inner(Some(name.get_ref()), value);
            let class = name.get_ref().parse::<Class>().map_err(|error| inner.fault(error.to_string(), remedy));
            let lifetime = inner.lifetime(HARD_CAP)?;
            if let Some(max) = max.filter(|max| lifetime > *max) {
                let problem = format!("{} is longer than max_lifetime {}", show(lifetime), show(max));
                return Err(inner.fault(problem, "shorten the one or raise the other"));
            }
            Ok((class?, lifetime))
        })
        .collect();
    classes.into_iter().collect()
}

fn read_audience(entry: &Entry<'_>) -> Read<Audience> {
    match entry.value {
        DeValue::Array(_) => entry.one_or_more(|item| item.text().map(str::to_owned)).map(Audience::Several),
        _ => entry.text().map(|text| Audience::One(text.to_owned())),
    }
}

fn show(lifetime: Lifetime) -> String {
    duration::print(Duration::from_secs(u64::from(lifetime.as_seconds())))
}
