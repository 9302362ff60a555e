//! `bob-auth registry info`: `participantInfo`, an object that is not ours to understand.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::super::error::CliError;
use super::super::output::{Answer, printable_json};
use super::super::session::Global;
use super::room::{Done, Room, Thing, as_json, read};
use crate::protocol::registry::body::read_info;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Info {
    /// Print the participant's info
    #[command(after_help = "Example:\n  bob-auth registry info show > info.json")]
    Show,
    /// Put an object in its place, the whole of it
    #[command(after_help = "Example:\n  bob-auth registry info set info.json")]
    Set(Set),
    /// Remove it
    #[command(after_help = "Example:\n  bob-auth registry info remove")]
    Remove,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Set {
    /// A file with a JSON object, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Info {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global)?;
        match self {
            Self::Show => {
                let info = as_json(&room.client().info().await?.value)?;
                Answer::new(printable_json(&serde_json::to_string_pretty(&info)?), &info)
            }
            Self::Set(Set { file }) => {
                let info = read_info(&read(&file)?).map_err(|error| CliError::new(error).at(&file))?;
                let published = room.publisher.set_info(&info).await?;
                room.published(global, &Thing::new("participant info"), (Done::Published, published)).await
            }
            Self::Remove => {
                let withdrawn = room.publisher.remove_info().await?;
                room.withdrawn(global, &Thing::new("participant info"), withdrawn).await
            }
        }
    }
}
