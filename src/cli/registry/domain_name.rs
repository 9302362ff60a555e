//! `bob-auth registry domain-name`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::super::error::CliError;
use super::super::output::{Answer, printable};
use super::super::session::Global;
use super::room::{Done, Room, Thing};
use crate::protocol::registry::body::{read_domain_name, write};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DomainName {
    /// Show the domain name
    #[command(after_help = "Example:\n  bob-auth registry domain-name show")]
    Show,
    /// Set the domain name
    #[command(after_help = "Example:\n  bob-auth registry domain-name set ostgotatrafiken.se")]
    Set(Set),
    /// Remove the domain name
    #[command(after_help = "Example:\n  bob-auth registry domain-name remove")]
    Remove,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Set {
    /// The domain name, fully qualified
    #[arg(value_name = "NAME", value_parser = domain_name)]
    name: Box<str>,
}

impl DomainName {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global)?;
        match self {
            Self::Show => {
                let found = room.client().domain_name().await?;
                let view = json!({ "pid": room.pid, "domain_name": found.value, "etag": found.etag });
                Answer::new(printable(&found.value), &view)
            }
            Self::Set(Set { name }) => {
                let published = room.publisher.set_domain_name(&name).await?;
                room.published(global, &Thing::new(format!("domain name {name}")), (Done::Published, published)).await
            }
            Self::Remove => {
                let withdrawn = room.publisher.remove_domain_name().await?;
                room.withdrawn(global, &Thing::new("domain name"), withdrawn).await
            }
        }
    }
}

fn domain_name(text: &str) -> Result<Box<str>, String> {
    let body = write(text).map_err(|error| error.to_string())?;
    read_domain_name(&body).map_err(|error| error.to_string())
}
