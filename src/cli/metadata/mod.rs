//! `bob-auth metadata`: the signed metadata set of a federation, fetched, looked at, compared and watched. Nothing of a set is
//! shown or kept before an anchor's signature was verified.
//!
//! | file | what lives there |
//! |---|---|
//! | `given` | where a set is, and whom to believe |
//! | `fetch`, `show`, `verify`, `diff`, `watch` | the verbs |

mod diff;
mod fetch;
mod given;
mod show;
mod verify;
mod watch;

use clap::Subcommand;

use super::error::CliError;
use super::output::Answer;
use super::session::Global;

#[derive(Debug, Subcommand)]
pub(super) enum Metadata {
    /// Fetch a metadata set into a file, unless that has it already
    #[command(after_help = "Examples:\n  bob-auth metadata fetch --out metadata.jws\n  bob-auth metadata fetch \
            https://registry.example.org/api/v2/participantMetadata --trust trust.jwks --out metadata.jws\n\n\
            The set is verified before it is written, and a set that is older than the one in the file is refused. Its ETag is \
            kept in FILE.etag, so that nothing is sent again that has not changed. Without a URL and --trust they are those \
            of [registry] in the configuration.")]
    Fetch(fetch::Fetch),
    /// Show participants, keys and endpoints of a metadata set
    #[command(
        after_help = "Examples:\n  bob-auth metadata show\n  bob-auth metadata show metadata.jws --trust trust.jwks --pid 34\n\n\
            Without FILE-or-URL and --trust they are those of [registry] in the configuration."
    )]
    Show(show::Show),
    /// Say whether a metadata set may be used, rule by rule
    #[command(after_help = "Example:\n  bob-auth metadata verify metadata.jws --trust trust.jwks\n\n\
            Exit code 0 if it may be used, 1 if not. Without FILE-or-URL and --trust they are those of [registry] in the \
            configuration.")]
    Verify(verify::Verify),
    /// Say what two metadata sets say differently
    #[command(after_help = "Examples:\n  bob-auth metadata diff yesterday.jws today.jws --trust trust.jwks\n  \
            bob-auth metadata diff metadata.jws https://registry.example.org/api/v2/participantMetadata\n\n\
            Without --trust the anchors are those of [registry] in the configuration.")]
    Diff(diff::Diff),
    /// Fetch a metadata set again and again and say what has changed, until interrupted
    #[command(after_help = "Example:\n  bob-auth metadata watch --every 5m\n\n\
            Without a URL and --trust they are those of [registry] in the configuration.")]
    Watch(watch::Watch),
}

impl Metadata {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Fetch(verb) => verb.run(global).await,
            Self::Show(verb) => verb.run(global).await,
            Self::Verify(verb) => verb.run(global).await,
            Self::Diff(verb) => verb.run(global).await,
            Self::Watch(verb) => verb.run(global).await,
        }
    }
}
