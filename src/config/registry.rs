//! Reads `[registry]`, `[registry.participant.PID]` and `[rotation]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::files::FileKind;
use super::pop;
use super::reader::{Document, Entry, Read, Section};
use super::registry_settings::{MetadataKeyFile, RegistryOrigin, RegistrySettings, RotationSettings};
use crate::crypto::algorithm::Algorithm;
use crate::https::HttpsUrl;
use crate::protocol::metadata::Environment;
use crate::value::Pid;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// `[registry]` and the tables below it, if it is written.
pub(super) fn read(document: &Document<'_>) -> Read<Option<RegistrySettings>> {
    let section = document.section("registry");
    if section.is_written() { read_written(document, &section).map(Some) } else { Ok(None) }
}

/// What of `[registry]` its metadata set is read with, if it is written. The rest is not looked at: who only verifies
/// needs no metadata keys.
pub(super) fn read_origin(document: &Document<'_>) -> Read<Option<RegistryOrigin>> {
    let section = document.section("registry");
    if section.is_written() { read_written_origin(&section).map(Some) } else { Ok(None) }
}

fn read_written(document: &Document<'_>, section: &Section<'_>) -> Read<RegistrySettings> {
    let origin = read_written_origin(section);
    let answer_trust = section.optional("answer_trust", |entry| entry.path(FileKind::Trusted));
    let (pop, participants) = (pop::read_profile(section), read_participants(document));
    let RegistryOrigin { url, ca, trust, environment, cache, refresh, grace, timeout } = origin?;
    Ok(RegistrySettings {
        url,
        ca,
        trust,
        answer_trust: answer_trust?,
        environment,
        cache,
        refresh,
        grace,
        timeout,
        pop: pop?,
        participants: participants?,
    })
}

fn read_written_origin(section: &Section<'_>) -> Read<RegistryOrigin> {
    let url = section.read("url", read_url);
    let ca = section.optional("ca", |entry| entry.path(FileKind::Trusted));
    let trust = section.read("trust", |entry| entry.path(FileKind::Trusted));
    let environment = section.read("environment", |entry| {
        entry.choice(&[("production", Environment::Production), ("test", Environment::Test)])
    });
    let cache = section.read("cache", |entry| entry.path(FileKind::Store));
    let refresh = section.read("refresh", |entry| entry.duration(SECOND..=7 * DAY));
    let grace = section.read("grace", |entry| entry.whole_seconds(Duration::ZERO..=7 * DAY));
    let timeout = section.read("timeout", |entry| entry.duration(SECOND..=5 * Duration::from_mins(1)));
    Ok(RegistryOrigin {
        url: url?,
        ca: ca?,
        trust: trust?,
        environment: environment?,
        cache: cache?,
        refresh: refresh?,
        grace: grace?,
        timeout: timeout?,
    })
}

fn read_url(entry: &Entry<'_>) -> Read<String> {
    let remedy = "write for example \"https://registry.example.org/api/v2\"";
    let text = entry.text()?;
    let url = HttpsUrl::parse(text).map_err(|error| entry.fault(error.to_string(), remedy))?;
    if url.query().is_some() {
        return Err(entry.fault("has a query, and the base path of an API has none", remedy));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn read_participants<'a>(document: &'a Document<'a>) -> Read<BTreeMap<Pid, MetadataKeyFile>> {
    // A name that is no participant id is the business of the search for unknown keys.
    let pids = document.names_below("registry.participant").filter_map(|name| name.parse::<Pid>().ok());
    let keys: Vec<Read<(Pid, MetadataKeyFile)>> = pids
        .map(|pid| (pid, document.section(&format!("registry.participant.{pid}"))))
        .filter(|(_, section)| section.is_written())
        .map(|(pid, section)| read_participant(&section).map(|key| (pid, key)))
        .collect();
    keys.into_iter().collect()
}

fn read_participant(section: &Section<'_>) -> Read<MetadataKeyFile> {
    let file = section.read("metadata_key", |entry| entry.path(FileKind::Private));
    let kid = section.read("metadata_kid", |entry| {
        let text = entry.text()?;
        text.parse().map_err(|error| entry.fault(format!("{text:?} is no key id: {error}"), "write the key's id"))
    });
    Ok(MetadataKeyFile { file: file?, kid: kid? })
}

/// `[rotation]`.
pub(super) fn read_rotation(document: &Document<'_>, registry: Option<&RegistrySettings>) -> Read<RotationSettings> {
    let section = document.section("rotation");
    let automatic = section.read("automatic", Entry::boolean);
    let duration =
        |name: &str, least: Duration, most: Duration| section.read(name, |entry| entry.whole_seconds(least..=most));
    let (every, wait) = (duration("every", SECOND, 3660 * DAY), duration("wait", Duration::ZERO, 90 * DAY));
    let leeway = duration("leeway", Duration::ZERO, 7 * DAY);
    let algorithm =
        section.read("algorithm", |entry| entry.choice(&[("ES256", Algorithm::Es256), ("RS256", Algorithm::Rs256)]));
    let (check_every, alarm_after) = (duration("check_every", SECOND, DAY), duration("alarm_after", SECOND, 90 * DAY));
    if let (Ok(true), None) = (&automatic, registry) {
        let remedy = "write a table [registry] with url and trust, and [registry.participant.PID]";
        return Err(section.fault("automatic", "is true, and there is no registry to publish at", remedy));
    }
    if let (Ok(true), Some(true)) = (&automatic, registry.map(|registry| registry.participants.is_empty())) {
        let remedy = "write a table [registry.participant.PID] for each participant whose keys are to rotate";
        return Err(section.fault("automatic", "is true, and no participant publishes from here", remedy));
    }
    let settings = RotationSettings {
        automatic: automatic?,
        every: every?,
        wait: wait?,
        leeway: leeway?,
        algorithm: algorithm?,
        check_every: check_every?,
        alarm_after: alarm_after?,
    };
    if settings.automatic && settings.wait >= settings.every {
        let problem = "is not shorter than rotation.every: no key would ever be ready in time";
        return Err(section.fault("wait", problem, "shorten the one or raise the other"));
    }
    Ok(settings)
}
