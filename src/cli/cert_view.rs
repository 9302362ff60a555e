//! How a certificate looks in answers.

use serde::Serialize;

use super::error::CliError;
use super::output::{Answer, Table, facts, list};
use super::words;
use crate::store::{Certificate, Owner, Page};
use crate::value::Timestamp;

const DAY: i64 = 86_400;

/// A certificate for programs. `entity` is `null` for one that serves all entities of the participant.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) pid: i64,
    pub(super) entity: Option<String>,
    pub(super) sha1: String,
    pub(super) sha256: String,
    pub(super) serial: String,
    pub(super) subject: String,
    pub(super) key: String,
    pub(super) not_before: String,
    pub(super) not_after: String,
    pub(super) days_left: i64,
    pub(super) state: &'static str,
    pub(super) enrolled: String,
    pub(super) changed: String,
}

pub(super) fn view(certificate: &Certificate, now: Timestamp) -> View {
    View {
        pid: certificate.pid.get(),
        entity: match &certificate.owner {
            Owner::Entity(id) => Some(id.to_string()),
            Owner::Participant => None,
        },
        sha1: certificate.sha1.to_string(),
        sha256: certificate.sha256.to_string(),
        serial: certificate.serial.clone(),
        subject: certificate.subject.clone(),
        key: certificate.key.clone(),
        not_before: certificate.not_before.to_string(),
        not_after: certificate.not_after.to_string(),
        days_left: days_left(certificate, now),
        state: certificate.state.as_str(),
        enrolled: certificate.enrolled.to_string(),
        changed: certificate.changed.to_string(),
    }
}

/// Whole days until it expires; negative from the second after its last.
fn days_left(certificate: &Certificate, now: Timestamp) -> i64 {
    certificate.not_after.seconds_since(now).div_euclid(DAY)
}

pub(super) fn facts_of(certificate: &Certificate, now: Timestamp) -> String {
    let view = view(certificate, now);
    let left = certificate.not_after.seconds_since(now);
    let left = match left {
        0.. => format!("{} left", words::in_words(left)),
        _ => format!("expired {} ago", words::in_words(-left)),
    };
    facts(&[
        ("certificate of", Some(certificate.owner.to_string())),
        ("participant", Some(view.pid.to_string())),
        ("SHA-1", Some(view.sha1)),
        ("SHA-256", Some(view.sha256)),
        ("subject", Some(view.subject)),
        ("serial", Some(view.serial)),
        ("key", Some(view.key)),
        ("valid from", Some(view.not_before)),
        ("valid until", Some(format!("{} ({left})", view.not_after))),
        ("state", Some(view.state.to_owned())),
        ("enrolled", Some(view.enrolled)),
        ("changed", Some(view.changed)),
    ])
}

pub(super) fn show(done: &str, certificate: &Certificate, now: Timestamp) -> Result<Answer, CliError> {
    let head = if done.is_empty() { String::new() } else { format!("{done} {}\n", certificate.sha1) };
    Answer::new(head + &facts_of(certificate, now), &view(certificate, now))
}

pub(super) fn show_page(page: &Page<Certificate, i64>, now: Timestamp) -> Result<Answer, CliError> {
    let mut table = Table::new(&["SHA-1", "OWNER", "STATE", "EXPIRES", "DAYS", "KEY"]);
    for certificate in &page.items {
        let expires = certificate.not_after.to_string();
        let owner = match &certificate.owner {
            Owner::Entity(id) => id.to_string(),
            Owner::Participant => "(all entities)".to_owned(),
        };
        let day = expires.get(..10).unwrap_or(&expires);
        let days = days_left(certificate, now);
        table.row(&[&certificate.sha1, &owner, &certificate.state, &day, &days, &certificate.key]);
    }
    let next = page.next.and(page.items.last()).map(|last| last.sha1.to_string());
    list(&table, page.items.iter().map(|certificate| view(certificate, now)).collect(), next, "--after")
}
