//! Reads the tables about the program itself: `[store]`, `[keys]`, `[limits]`, `[workers]`, `[audit]`, `[log]`, `[reload]`,
//! `[shutdown]`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::files::FileKind;
use super::reader::{Document, Entry, Read, Section};
use super::secret::read_secret;
use super::settings::{
    AuditSettings, KeySettings, Limits, LogFormat, LogSettings, RateLimit, ReloadSettings, ShutdownSettings,
    StoreSettings, WorkerSettings,
};
use super::size::ByteSize;

const DAY: u64 = 86_400;

const fn seconds(least: u64, most: u64) -> RangeInclusive<Duration> {
    Duration::from_secs(least)..=Duration::from_secs(most)
}

/// `[store]`
pub(super) fn read_store(document: &Document<'_>) -> Read<StoreSettings> {
    document.section("store").read("path", |entry| entry.path(FileKind::Store)).map(|path| StoreSettings { path })
}

/// `[keys]`
pub(super) fn read_keys(document: &Document<'_>) -> Read<KeySettings> {
    let section = document.section("keys");
    let directory = section.read("directory", |entry| entry.path(FileKind::KeyDirectory));
    let passphrase = read_passphrase(&section);
    Ok(KeySettings { directory: directory?, passphrase: passphrase? })
}

/// `passphrase_file` or `passphrase_env` of a table.
pub(super) fn read_passphrase(section: &Section<'_>) -> Read<Option<SecretString>> {
    if section.entry("passphrase_file").is_some() && section.entry("passphrase_env").is_some() {
        let remedy = "write one of the two";
        section.fault("passphrase_env", "passphrase_file is written as well", remedy);
    }
    let from_env = section.optional("passphrase_env", |entry| {
        let name = entry.text()?;
        let value = (entry.document.origin.env)(name).filter(|value| !value.is_empty());
        let unset = || entry.fault(format!("the environment has no variable {name}"), "set it, or correct its name");
        value.map(SecretString::from).ok_or_else(unset)
    });
    let from_file = section.optional("passphrase_file", read_secret);
    Ok(from_env?.or(from_file?))
}

/// `[limits]`
pub(super) fn read_limits(document: &Document<'_>) -> Read<Limits> {
    let section = document.section("limits");
    let time = |name, most| {
        let range = Duration::from_millis(100)..=Duration::from_secs(most);
        section.read(name, |entry| entry.unless_off(|entry| entry.duration(range)))
    };
    let (handshake_time, header_time, idle_time) =
        (time("handshake_time", 300), time("header_time", 300), time("idle_time", 3600));
    let sizes = ByteSize::from_bytes(1 << 10)..=ByteSize::from_bytes(1 << 20);
    let header_bytes = section.read("header_bytes", |entry| entry.unless_off(|entry| entry.size(sizes)));
    let connections = section.read("connections", |entry| entry.unless_off(|entry| read_count(entry, 1..=1_000_000)));
    let per_fingerprint = read_rate_limit(&section, "requests_per_fingerprint", "burst_per_fingerprint");
    let per_source = read_rate_limit(&section, "requests_per_source", "burst_per_source");
    Ok(Limits {
        handshake_time: handshake_time?,
        header_time: header_time?,
        idle_time: idle_time?,
        header_bytes: header_bytes?,
        connections: connections?.map(NonZeroUsize::get),
        requests_per_fingerprint: per_fingerprint?,
        requests_per_source: per_source?,
    })
}

/// A rate and the burst that goes with it.
pub(super) fn read_rate_limit(section: &Section<'_>, rate: &str, burst: &str) -> Read<Option<RateLimit>> {
    let rate = section.read(rate, |entry| entry.unless_off(Entry::rate));
    let burst = section.read(burst, |entry| {
        let number = u32::try_from(entry.integer(1..=1_000_000)?).ok();
        Ok(number.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN))
    });
    let (rate, burst) = (rate?, burst?);
    Ok(rate.map(|rate| RateLimit { rate, burst }))
}

/// A number that is not zero; the range must not begin lower.
pub(super) fn read_count(entry: &Entry<'_>, range: RangeInclusive<u64>) -> Read<NonZeroUsize> {
    let number = usize::try_from(entry.integer(range)?).unwrap_or(usize::MAX);
    Ok(NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN))
}

/// `[workers]`
pub(super) fn read_workers(document: &Document<'_>) -> Read<WorkerSettings> {
    let threads = document.section("workers").read("threads", |entry| entry.integer(0..=1024))?;
    Ok(WorkerSettings { threads: usize::try_from(threads).ok().and_then(NonZeroUsize::new) })
}

/// `[audit]`
pub(super) fn read_audit(document: &Document<'_>) -> Read<AuditSettings> {
    let section = document.section("audit");
    let keep = section.read("keep", |entry| entry.unless_off(|entry| entry.duration(seconds(DAY, 36_500 * DAY))));
    let queue = section.read("queue", |entry| read_count(entry, 16..=1 << 24));
    Ok(AuditSettings { keep: keep?, queue: queue? })
}

/// `[log]`
pub(super) fn read_log(document: &Document<'_>) -> Read<LogSettings> {
    let section = document.section("log");
    let format = section.read("format", |entry| {
        entry.choice(&[("auto", LogFormat::Auto), ("json", LogFormat::Json), ("pretty", LogFormat::Pretty)])
    });
    let level = section.read("level", |entry| {
        let text = entry.text()?;
        let remedy = "write for example \"info\" or \"info,bob_auth=debug\"";
        // A word alone that is no level would name a module, and switch off the log of all the others.
        let word = |part: &&str| !part.contains('=') && part.parse::<LevelFilter>().is_err();
        if let Some(word) = text.split(',').map(str::trim).find(word) {
            return Err(entry.fault(format!("{word:?} is no level: error, warn, info, debug, trace or off"), remedy));
        }
        let filter = text.parse::<Targets>();
        filter.map(|_| text.to_owned()).map_err(|error| entry.fault(format!("{text:?} is no filter: {error}"), remedy))
    });
    let access = section.read("access", Entry::boolean);
    Ok(LogSettings { format: format?, level: level?, access: access? })
}

/// `[reload]`
pub(super) fn read_reload(document: &Document<'_>) -> Read<ReloadSettings> {
    let section = document.section("reload");
    let watch_files = section.read("watch_files", Entry::boolean);
    let poll_store =
        section.read("poll_store", |entry| entry.duration(Duration::from_millis(10)..=Duration::from_mins(1)));
    Ok(ReloadSettings { watch_files: watch_files?, poll_store: poll_store? })
}

/// `[shutdown]`
pub(super) fn read_shutdown(document: &Document<'_>) -> Read<ShutdownSettings> {
    let section = document.section("shutdown");
    let delay = section.read("delay", |entry| entry.duration(seconds(0, 600)));
    let drain = section.read("drain", |entry| entry.duration(seconds(0, 600)));
    Ok(ShutdownSettings { delay: delay?, drain: drain? })
}
