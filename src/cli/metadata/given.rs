//! Where a set is and whom to believe: options, and what the configuration says where they are silent.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::error::CliError;
use crate::cli::input;
use crate::cli::output::printable;
use crate::cli::session::Global;
use crate::cli::words;
use crate::config::{RegistryOrigin, environment};
use crate::https::{FetchError, HttpsClient, HttpsUrl};
use crate::key_source::{FetchedSet, fetch_set};
use crate::protocol::metadata::{Environment, MetadataError, MetadataSet, SignedSet, Skipped, TrustAnchors};

/// Whom to believe, and how to get there.
#[derive(Debug, Args)]
pub(super) struct Believing {
    /// The trust anchors, as a JWK set that came another way
    #[arg(long, value_name = "JWKS")]
    trust: Option<PathBuf>,
    /// Whose sets they are; in a test environment the key that is printed in RFC 7515 may be an anchor
    #[arg(long, value_name = "WHICH", value_enum)]
    environment: Option<Which>,
    /// The CA of the server, PEM, if the system does not know it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How long a fetch may take [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = words::span)]
    timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    // No doc comments here: they would stretch every help text to its long form.
    Production,
    Test,
}

/// Everything that verifying takes, read.
pub(super) struct Trust {
    pub(super) anchors: TrustAnchors,
    ca: Option<PathBuf>,
    timeout: Duration,
    /// The URL of the configuration's registry.
    usual: Option<String>,
    /// What is worth knowing about the anchors.
    pub(super) notes: Vec<String>,
}

/// Where a set is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(PathBuf),
    Url(HttpsUrl),
}

/// A set that an anchor signed; its time may be over.
pub(super) struct Loaded {
    pub(super) set: MetadataSet,
    /// Where it came from, for people.
    pub(super) name: String,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Believing {
    /// Reads the anchors: those that are given, or those of the configuration.
    pub(super) fn read(self, global: &Global, needs_url: bool) -> Result<Trust, CliError> {
        let configured = if self.trust.is_none() || needs_url { Some(configured(global)?) } else { None };
        let usual = configured.as_ref().map(RegistryOrigin::set_url);
        // What is given here with a trust of its own has nothing to do with the registry of the configuration.
        let fallback = configured.filter(|_| self.trust.is_none() || needs_url);
        let environment = match (self.environment, &fallback) {
            (Some(Which::Production), _) | (None, None) => Environment::Production,
            (Some(Which::Test), _) => Environment::Test,
            (None, Some(origin)) => origin.environment,
        };
        let ca = self.ca.or_else(|| fallback.as_ref()?.ca.clone());
        let timeout = self.timeout.or(fallback.as_ref().map(|origin| origin.timeout)).unwrap_or(PATIENCE);
        let path = self.trust.or_else(|| fallback.map(|origin| origin.trust));
        let path = path.ok_or_else(|| CliError::new("nothing says whom to believe").next("give --trust JWKS"))?;
        let anchors = TrustAnchors::parse(&input::read(&path)?, environment).map_err(|error| {
            let next =
                "the anchors come from the administering body, out of band; --environment test admits example keys";
            CliError::new(error).at(&path).next(next)
        })?;
        let mut notes = Vec::new();
        for (kid, printed_in) in anchors.examples() {
            notes.push(format!("everybody can sign with the anchor {kid}: it is the example key of {printed_in}"));
        }
        Ok(Trust { anchors, ca, timeout, usual, notes })
    }
}

/// `[registry]` of the configuration.
fn configured(global: &Global) -> Result<RegistryOrigin, CliError> {
    RegistryOrigin::load(&global.config_file(), &environment).map_err(|faults| {
        CliError::new(format!("not everything is given, and [registry] of the configuration cannot be used:\n{faults}"))
            .next("give the set and --trust JWKS, or name a configuration with [registry] (--config)")
    })
}

impl Trust {
    /// The place that is meant; the configuration's registry, if none is named.
    pub(super) fn place(&self, named: Option<&str>) -> Result<Place, CliError> {
        let Some(text) = named.or(self.usual.as_deref()) else {
            return Err(CliError::new("no set is named").next("name a file or a URL"));
        };
        if !text.contains("://") {
            return Ok(Place::File(text.into()));
        }
        let url = HttpsUrl::parse(text).map_err(|error| CliError::new(format!("the URL of the set {error}")))?;
        Ok(Place::Url(url))
    }

    /// Asks for the set, unless it is still the one with this `ETag`.
    pub(super) async fn fetch(&self, url: &HttpsUrl, etag: Option<&str>) -> Result<FetchedSet, CliError> {
        let ca = self.ca.as_deref().map(input::read).transpose()?;
        let client = HttpsClient::new(ca.as_ref().map(|ca| ca.as_slice()), self.timeout)
            .map_err(|error| CliError::new(format!("{} {error}", url.name())))?;
        fetch_set(&client, url, etag).await.map_err(|error| explain(url, &error))
    }

    /// The bytes at this place, trusted by nobody yet.
    pub(super) async fn bytes(&self, place: &Place) -> Result<Vec<u8>, CliError> {
        match place {
            Place::File(path) => read_set(path),
            Place::Url(url) => {
                let fetched = self.fetch(url, None).await?;
                fetched.bytes.ok_or_else(|| CliError::new(format!("{}: there was no set in the answer", url.name())))
            }
        }
    }

    /// The set at this place, whether its time is over or not.
    pub(super) async fn load(&self, named: Option<&str>) -> Result<Loaded, CliError> {
        let place = self.place(named)?;
        let bytes = self.bytes(&place).await?;
        let set = SignedSet::verify_at_any_time(&bytes, &self.anchors).map_err(|error| refused(&place, &error))?;
        Ok(Loaded { set, name: place.name() })
    }
}

impl Place {
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => url.name(),
        }
    }
}

/// A set that is not believed.
pub(super) fn refused(place: &Place, error: &MetadataError) -> CliError {
    let next = match error {
        MetadataError::NoTrustedSignature { .. } => "compare the key ids with those of the anchors in --trust",
        MetadataError::Expired { .. } => "fetch a newer one; if there is none, ask the administering body",
        MetadataError::Rollback { .. } | MetadataError::OlderCopy { .. } | MetadataError::OtherContent { .. } => {
            "keep the one you have, and ask the administering body"
        }
        _ => "do not use it; ask the administering body if it stays so",
    };
    CliError::new(printable(&error.to_string())).at(Path::new(&place.name())).next(next)
}

fn explain(url: &HttpsUrl, error: &FetchError) -> CliError {
    let next = match error {
        FetchError::Tls(_) => "name the CA of the server with --ca FILE, and use a host name that its certificate has",
        FetchError::Status(409) => "the registry is folding updates in; try again in a minute",
        FetchError::Status(404) => "the path ends in /participantMetadata; check the base path before it",
        FetchError::Redirect(_) => "name the URL that it leads to, if that is right",
        FetchError::Timeout => "try again, or wait longer with --timeout",
        _ => "check host and port, and whether the registry is up",
    };
    CliError::new(error).at(Path::new(&url.name())).next(next)
}

/// A file as large as a set may be.
pub(super) fn read_set(path: &Path) -> Result<Vec<u8>, CliError> {
    let most = SignedSet::MAX_BYTES as u64;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| CliError::unreadable(path, &error))?;
    if bytes.len() as u64 > most {
        return Err(CliError::new("is larger than 64 MiB, which no metadata set is").at(path));
    }
    Ok(bytes)
}

/// What of a set is not used, a line each; not more than a person reads.
pub(super) fn notes_of_skipped(set: &MetadataSet) -> Vec<String> {
    const MOST: usize = 20;
    let skipped = set.skipped();
    let mut notes: Vec<String> = skipped.iter().take(MOST).map(of_skipped).collect();
    if skipped.len() > MOST {
        notes.push(format!("and {} more entries are left out", skipped.len() - MOST));
    }
    notes
}

pub(super) fn of_skipped(Skipped { pid, list, id, why }: &Skipped) -> String {
    let id = id.as_deref().map_or_else(|| "without an id".to_owned(), printable);
    format!("participant {pid}: {list}: {id} is left out: {}", printable(&why.to_string()))
}
