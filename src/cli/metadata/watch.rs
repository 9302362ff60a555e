//! `bob-auth metadata watch`: a set fetched again and again, and what has changed each time.

use std::time::Duration;

use clap::Args;
use tokio::signal::ctrl_c;
use tokio::time::sleep;

use super::diff::compared;
use super::given::{Believing, Place, Trust, refused};
use super::show::{Summary, summary};
use crate::cli::error::CliError;
use crate::cli::output::{Answer, say, say_to_stderr};
use crate::cli::session::Global;
use crate::cli::words;
use crate::protocol::metadata::{MetadataSet, SignedSet};
use crate::value::{Clock as _, SystemClock};

#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    /// The set: where it is fetched, or a file [default: the registry of the configuration]
    #[arg(value_name = "FILE-or-URL")]
    set: Option<String>,
    #[command(flatten)]
    believing: Believing,
    /// How long to wait between two fetches
    #[arg(long, value_name = "TIME", value_parser = words::span, default_value = "1m")]
    every: Duration,
    /// How often to fetch [default: until interrupted]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,
}

/// What was seen last.
#[derive(Default)]
struct Seen {
    set: Option<MetadataSet>,
    etag: Option<String>,
}

impl Watch {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let trust = self.believing.read(global, self.set.is_none())?;
        let place = trust.place(self.set.as_deref())?;
        for note in &trust.notes {
            say_to_stderr(note);
        }
        let mut seen = Seen::default();
        let mut fetches = 0;
        let rounds = async {
            loop {
                // Whatever fails: watching goes on, for that is what one wants to see.
                match seen.look(&trust, &place, global).await {
                    Ok(Some(answer)) => say(&answer, global.output)?,
                    Ok(None) => {}
                    Err(error) => say_to_stderr(&error),
                }
                fetches += 1;
                if self.times.is_some_and(|times| fetches >= times) {
                    return Ok::<(), CliError>(());
                }
                sleep(self.every).await;
            }
        };
        tokio::select! {
            ended = rounds => ended?,
            _ = ctrl_c() => {}
        }
        let nothing = seen.set.is_none();
        Ok(Answer::silent().failed_if(nothing))
    }
}

impl Seen {
    /// What is to be told: the first set, or what has changed since the last.
    async fn look(&mut self, trust: &Trust, place: &Place, global: &Global) -> Result<Option<Answer>, CliError> {
        let (bytes, etag) = match place {
            Place::File(_) => (Some(trust.bytes(place).await?), None),
            Place::Url(url) => {
                let fetched = trust.fetch(url, self.etag.as_deref()).await?;
                (fetched.bytes, fetched.etag)
            }
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let now = SystemClock.now();
        let set = SignedSet::verify(&bytes, &trust.anchors, now).map_err(|error| refused(place, &error))?;
        let answer = match &self.set {
            None => Some(Answer::new(format!("{now}\n{}", summary(&set, now)), &Summary::of(&set))?),
            Some(last) => {
                set.may_replace(last.header()).map_err(|error| refused(place, &error))?;
                let is_news = set.header() != last.header();
                let told = is_news.then(|| compared(last, &set, global.pid)).transpose()?;
                told.map(|answer| answer.headed(&now.to_string()))
            }
        };
        (self.set, self.etag) = (Some(set), etag);
        Ok(answer)
    }
}
