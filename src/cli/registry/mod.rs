//! `bob-auth registry`: the participant's own entry at the registry, one file per kind of thing in it. The verbs say what
//! is to be; how it gets there is `flow::publish`'s affair.

mod authtoken_key;
mod constraint;
mod domain_name;
mod endpoint;
mod info;
mod metadata_key;
mod mtb_key;
mod participant;
mod room;

use clap::Subcommand;

use super::error::CliError;
use super::output::Answer;
use super::session::Global;

#[derive(Debug, Subcommand)]
pub(super) enum Registry {
    /// Everything that the registry has about the participant
    #[command(subcommand)]
    Participant(participant::Participant),
    /// The participant's domain name
    #[command(subcommand)]
    DomainName(domain_name::DomainName),
    /// The keys that check tickets (mobile ticket bearers)
    #[command(subcommand)]
    MtbKey(mtb_key::MtbKeyVerb),
    /// The keys that check tokens
    #[command(subcommand)]
    AuthtokenKey(authtoken_key::AuthtokenKeyVerb),
    /// Where the participant's services are
    #[command(subcommand)]
    Endpoint(endpoint::EndpointVerb),
    /// Whose tickets the participant accepts, and for how long their signatures
    #[command(subcommand)]
    Constraint(constraint::Constraint),
    /// What else the participant tells
    #[command(subcommand)]
    Info(info::Info),
    /// The key with which the participant proves to the registry who it is
    #[command(subcommand)]
    MetadataKey(metadata_key::MetadataKey),
}

impl Registry {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Participant(verb) => verb.run(global).await,
            Self::DomainName(verb) => verb.run(global).await,
            Self::MtbKey(verb) => verb.run(global).await,
            Self::AuthtokenKey(verb) => verb.run(global).await,
            Self::Endpoint(verb) => verb.run(global).await,
            Self::Constraint(verb) => verb.run(global).await,
            Self::Info(verb) => verb.run(global).await,
            Self::MetadataKey(verb) => verb.run(global),
        }
    }
}
