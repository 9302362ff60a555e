//! `bob-auth metadata fetch`: a set into a file, verified before it is written.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::given::{Believing, Place, notes_of_skipped, read_set, refused};
use super::show::{Summary, summary};
use crate::cli::error::CliError;
use crate::cli::output::Answer;
use crate::cli::session::Global;
use crate::crypto::digest::sha256;
use crate::key_source::replace_file;
use crate::protocol::metadata::{MetadataSet, SignedSet, TrustAnchors};
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Args)]
pub(in crate::cli) struct Fetch {
    /// Where the set is, over https [default: url of [registry], below it /participantMetadata]
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    believing: Believing,
}

#[derive(Debug, Serialize)]
struct View {
    file: String,
    /// Whether another set than before is in the file now.
    changed: bool,
    #[serde(flatten)]
    summary: Summary,
}

/// What is in the file already.
struct Held {
    set: MetadataSet,
    etag: Option<String>,
}

impl Fetch {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let trust = self.believing.read(global, self.url.is_none())?;
        let place = trust.place(self.url.as_deref())?;
        let Place::Url(url) = &place else {
            return Err(CliError::new("is no URL, and there is nothing to fetch").at(Path::new(&place.name())));
        };
        let held = held(&self.out, &trust.anchors)?;
        let fetched = trust.fetch(url, held.as_ref().and_then(|held| held.etag.as_deref())).await?;
        let now = SystemClock.now();
        let (set, changed) = match (fetched.bytes, held) {
            (None, Some(held)) => (held.set, false),
            (None, None) => return Err(CliError::new(format!("{}: there was no set in the answer", url.name()))),
            (Some(bytes), held) => {
                let set = SignedSet::verify(&bytes, &trust.anchors, now).map_err(|error| refused(&place, &error))?;
                if let Some(held) = &held {
                    set.may_replace(held.set.header()).map_err(|error| refused(&place, &error))?;
                }
                let changed = held.is_none_or(|held| held.set.header() != set.header());
                write(&self.out, &bytes, fetched.etag.as_deref())?;
                (set, changed)
            }
        };
        set.header().check_time(now).map_err(|error| refused(&place, &error))?;
        let view = View { file: self.out.display().to_string(), changed, summary: Summary::of(&set) };
        let text = format!("{}\n{}", if changed { "a new set" } else { "nothing has changed" }, summary(&set, now));
        Ok(Answer::new(text, &view)?.notes(trust.notes).notes(notes_of_skipped(&set)))
    }
}

/// The set in the file, if there is such a file; something else is not written over.
fn held(path: &Path, anchors: &TrustAnchors) -> Result<Option<Held>, CliError> {
    if matches!(fs::metadata(path), Err(error) if error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let bytes = read_set(path)?;
    let set = SignedSet::verify_at_any_time(&bytes, anchors).map_err(|error| {
        let next = "it stays as it is: move it away if nobody needs it, or name another file with --out";
        CliError::new(format!("is there already and is no set of these anchors: {error}")).at(path).next(next)
    })?;
    // An ETag that belongs to other bytes would call an old file new for ever.
    let etag = fs::read_to_string(beside(path)).ok();
    let etag = etag.and_then(|text| text.strip_suffix(&digest(&bytes)).map(|etag| etag.trim_end().to_owned()));
    Ok(Some(Held { set, etag: etag.filter(|etag| !etag.is_empty()) }))
}

fn write(path: &Path, bytes: &[u8], etag: Option<&str>) -> Result<(), CliError> {
    let failed = |path: &Path, error: &std::io::Error| {
        CliError::new(format!("cannot be written: {error}"))
            .at(path)
            .next("nothing was changed; make room or choose another place")
    };
    replace_file(path, bytes).map_err(|error| failed(path, &error))?;
    let beside = beside(path);
    match etag {
        Some(etag) => {
            let text = format!("{etag}\n{}", digest(bytes));
            replace_file(&beside, text.as_bytes()).map_err(|error| failed(&beside, &error))
        }
        None => match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&beside, &error)),
            _ => Ok(()),
        },
    }
}

/// The file with the `ETag`, and with the digest of the bytes that it belongs to.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".etag");
    name.into()
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    sha256(bytes).iter().fold(String::from("sha256 "), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }) + "\n"
}
