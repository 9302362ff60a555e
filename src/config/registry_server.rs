//! Reads `[registry_server]`.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::files::FileKind;
use super::pop::read_profile;
use super::reader::{Document, Entry, Read, Section};
use super::registry_server_settings::{FoldSettings, RegistryServerSettings, SetSettings, WhileFolding};
use super::service::{read_count, read_passphrase, read_rate_limit};
use super::size::ByteSize;
use super::{duration, settings::RateLimit};

const DAY: u64 = 86_400;

/// The table, if it is written.
pub(super) fn read(document: &Document<'_>) -> Read<Option<RegistryServerSettings>> {
    let section = document.section("registry_server");
    if section.is_written() { read_written(&section).map(Some) } else { Ok(None) }
}

/// The table, which must be written.
pub(super) fn read_required(document: &Document<'_>) -> Read<RegistryServerSettings> {
    let section = document.section("registry_server");
    if section.is_written() {
        return read_written(&section);
    }
    Err(document.fault_of_whole("has no table [registry_server]", "write one: it says whose registry it is"))
}

fn read_written(section: &Section<'_>) -> Read<RegistryServerSettings> {
    let authid = section.read("authid", Entry::participant_id);
    let anchors = section.read("anchors", |entry| entry.path(FileKind::KeyDirectory));
    let passphrase = read_passphrase(section);
    let (set, fold) = (read_set(section), read_fold(section));
    let hosts = section.read("hosts", |entry| entry.list(read_host));
    let (body_bytes, proofs, per_participant) = read_limits(section);
    let pop = read_profile(section);
    Ok(RegistryServerSettings {
        authid: authid?,
        anchors: anchors?,
        passphrase: passphrase?,
        set: set?,
        fold: fold?,
        hosts: hosts?,
        body_bytes: body_bytes?,
        requests_per_participant: per_participant?,
        proofs: proofs?,
        pop: pop?,
    })
}

fn read_set(section: &Section<'_>) -> Read<SetSettings> {
    let valid_for = section.read("set_valid_for", |entry| entry.whole_seconds(seconds(2, 366 * DAY)));
    let renew_after = section.read("renew_after", |entry| entry.whole_seconds(seconds(1, 366 * DAY)));
    let interval =
        section.read("interval", |entry| entry.unless_off(|entry| entry.whole_seconds(seconds(1, 366 * DAY))));
    let max_age = section.read("max_age", |entry| entry.whole_seconds(seconds(0, 30 * DAY)));
    let set = SetSettings { valid_for: valid_for?, renew_after: renew_after?, interval: interval?, max_age: max_age? };
    if set.renew_after < set.valid_for {
        return Ok(set);
    }
    let (renew_after, valid_for) = (duration::print(set.renew_after), duration::print(set.valid_for));
    let problem = format!("renew_after {renew_after} is not shorter than set_valid_for {valid_for}");
    let remedy = "shorten renew_after: nobody may use a set beyond its end";
    Err(section.fault_between("renew_after", "set_valid_for", problem, remedy))
}

fn read_fold(section: &Section<'_>) -> Read<FoldSettings> {
    let time = || Duration::ZERO..=Duration::from_mins(10);
    let quiet = section.read("fold_quiet", |entry| entry.duration(time()));
    let at_most = section.read("fold_at_most", |entry| entry.duration(time()));
    let readers_get = section.read("while_folding", |entry| {
        entry.choice(&[("conflict", WhileFolding::Conflict), ("last-set", WhileFolding::LastSet)])
    });
    let fold = FoldSettings { quiet: quiet?, at_most: at_most?, readers_get: readers_get? };
    if fold.quiet <= fold.at_most {
        return Ok(fold);
    }
    let (quiet, at_most) = (duration::print(fold.quiet), duration::print(fold.at_most));
    let problem = format!("fold_quiet {quiet} is longer than fold_at_most {at_most}");
    Err(section.fault_between("fold_quiet", "fold_at_most", problem, "shorten the one or raise the other"))
}

type LimitsRead = (Read<ByteSize>, Read<NonZeroUsize>, Read<Option<RateLimit>>);

fn read_limits(section: &Section<'_>) -> LimitsRead {
    let sizes = ByteSize::from_bytes(1 << 10)..=ByteSize::from_bytes(1 << 20);
    let body_bytes = section.read("body_bytes", |entry| entry.size(sizes));
    let proofs = section.read("proofs", |entry| read_count(entry, 16..=1 << 24));
    (body_bytes, proofs, read_rate_limit(section, "requests_per_participant", "burst_per_participant"))
}

/// A name or address, with a port or without.
fn read_host(entry: &Entry<'_>) -> Read<String> {
    let text = entry.text()?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    if text.bytes().all(allowed) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(entry.fault(
        format!("{text:?} is no name of a host"),
        "write it as in a URL, for example \"registry.example.se\" or \"registry.example.se:8444\"",
    ))
}

const fn seconds(least: u64, most: u64) -> RangeInclusive<Duration> {
    Duration::from_secs(least)..=Duration::from_secs(most)
}
