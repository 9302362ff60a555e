//! `bob-auth registry-admin`: what the administering body does with its register, one file per kind of thing. Participants
//! publish over the API; nothing here does that for them.

mod anchor;
mod document;
mod init;
mod metadata_key;
mod participant;
mod room;

use clap::Subcommand;

use super::error::CliError;
use super::output::Answer;
use super::session::Global;

#[derive(Debug, Subcommand)]
pub(super) enum RegistryAdmin {
    /// Make the register: its store, its keys, and the administering body as its first participant
    #[command(after_help = "Example:\n  bob-auth registry-admin init --name \"Samordnaren\"\n\n\
        What is there already is left as it is.")]
    Init(init::Init),
    /// Who takes part
    #[command(subcommand)]
    Participant(participant::Participant),
    /// The keys with which participants prove who they are
    #[command(subcommand)]
    MetadataKey(metadata_key::MetadataKey),
    /// The keys that sign the set and the answers
    #[command(subcommand)]
    Anchor(anchor::Anchor),
    /// Write the whole register as one JSON document; private keys are not in it
    #[command(after_help = "Example:\n  bob-auth registry-admin export --to register.json")]
    Export(document::Export),
    /// Take an exported register in, where there is none; without a store one is made
    #[command(after_help = "Example:\n  bob-auth registry-admin import register.json\n\n\
        Copy the directory of the anchors as well: the document has their public halves only.")]
    Import(document::Import),
}

impl RegistryAdmin {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Init(verb) => verb.run(global).await,
            Self::Participant(verb) => verb.run(global).await,
            Self::MetadataKey(verb) => verb.run(global).await,
            Self::Anchor(verb) => verb.run(global).await,
            Self::Export(verb) => verb.run(global).await,
            Self::Import(verb) => verb.run(global).await,
        }
    }
}
