//! `bob-auth conformance`: does a server speak BoB right? Anybody's server, asked from the outside; each rule of the standard is
//! a check of its own with its source, what was sent and what was seen.
//!
//! | file | what it does |
//! |---|---|
//! | `auth`, `api`, `metadata` | the three examinations: their options, their rules, their steps |
//! | `check` | a rule: its id, its words, its source, how binding it is |
//! | `ledger` | how the checks came out, with their evidence |
//! | `asker` | asks politely, and writes down what it sent |
//! | `compact` | a token taken apart |
//! | `published` | public keys that are given |
//! | `examined` | what every examination is told on the command line |
//! | `catalogue` | every check there is |
//! | `report` | the ledger for people and for machines |

mod api;
mod asker;
mod auth;
mod catalogue;
mod check;
mod compact;
mod examined;
mod ledger;
mod metadata;
mod published;
mod report;

use clap::Subcommand;

use super::error::CliError;
use super::output::Answer;
use super::session::Global;

#[derive(Debug, Subcommand)]
pub(super) enum Conformance {
    /// Examine an Authentication API: does it give out tokens as it should, and to nobody else?
    Auth(auth::Auth),
    /// Examine a service that takes tokens in X-BoB-AuthToken
    Api(api::Api),
    /// Examine a participant metadata registry
    #[command(
        after_help = "Examples:\n  bob-auth conformance metadata https://registry.example.org --trust trust.jwks\n  \
            bob-auth conformance metadata https://registry.example.org --trust trust.jwks --pid 34 --kid 34:metadata_1 \
            --metadata-key metadata-34.key --answer-trust answers.jwks\n\n\
            It reads only, unless --write is given. Exit code 1 if a rule that MUST be kept is broken."
    )]
    Metadata(metadata::Metadata),
    /// List every check: its id, what it holds, its source
    #[command(after_help = "Example:\n  bob-auth conformance checks --output json")]
    Checks,
}

impl Conformance {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Auth(verb) => Box::pin(verb.run()).await,
            Self::Api(verb) => Box::pin(verb.run()).await,
            Self::Metadata(verb) => Box::pin(verb.run(global)).await,
            Self::Checks => catalogue::list(),
        }
    }
}
