//! `bob-auth registry-admin participant`: who takes part.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list};
use super::super::session::Global;
use super::room::Room;
use crate::store::register::Registered;
use crate::value::Pid;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Participant {
    /// Add a participant, or take one back that was removed
    #[command(after_help = "Example:\n  bob-auth registry-admin participant add 34 --name \"Östgötatrafiken\"\n\n\
        It publishes nothing before it has a metadata key: `registry-admin metadata-key add`.")]
    Add(Named),
    /// Give a participant another name
    #[command(after_help = "Example:\n  bob-auth registry-admin participant rename 34 --name \"Östgötatrafiken AB\"")]
    Rename(Named),
    /// Remove a participant and everything that it published; its key ids are never used again
    #[command(after_help = "Example:\n  bob-auth registry-admin participant remove 34")]
    Remove(Which),
    /// List all participants
    #[command(after_help = "Example:\n  bob-auth registry-admin participant list --output json")]
    List,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The participant
    #[arg(value_name = "PID")]
    which: Pid,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Named {
    /// The participant
    #[arg(value_name = "PID")]
    which: Pid,
    /// Its name, as all participants will see it
    #[arg(long, value_name = "NAME")]
    name: String,
}

#[derive(Debug, Serialize)]
struct View {
    pid: i64,
    name: String,
    added: String,
    removed: Option<String>,
}

impl Participant {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let Room { register, change, authid, .. } = Room::open(global).await?;
        match self {
            Self::Add(Named { which, name }) => {
                let added = register.add_participant(which, &name, &change).await?;
                let note = format!(
                    "it can publish when it has a key: `bob-auth registry-admin metadata-key add {which} FILE`"
                );
                Ok(show("added", &added)?.note(note))
            }
            Self::Rename(Named { which, name }) => {
                show("renamed", &register.rename_participant(which, &name, &change).await?)
            }
            Self::Remove(Which { which }) if which == authid => {
                Err(CliError::new(format!("participant {which} is the administering body itself"))
                    .next("its sets name it as their authority (registry_server.authid): it stays"))
            }
            Self::Remove(Which { which }) => show("removed", &register.remove_participant(which, &change).await?),
            Self::List => {
                let views: Vec<View> = register.participants().await?.iter().map(view).collect();
                let mut table = Table::new(&["PID", "NAME", "ADDED", "STATE"]);
                for view in &views {
                    let state = view.removed.as_ref().map_or("takes part".to_owned(), |at| format!("removed {at}"));
                    table.row(&[&view.pid, &view.name, &view.added, &state]);
                }
                list(&table, views, None, "")
            }
        }
    }
}

fn view(one: &Registered) -> View {
    View {
        pid: one.pid.get(),
        name: one.name.clone(),
        added: one.added.to_string(),
        removed: one.removed.map(|at| at.to_string()),
    }
}

fn show(done: &str, one: &Registered) -> Result<Answer, CliError> {
    let view = view(one);
    let text = format!("{done} participant {}\n", view.pid)
        + &facts(&[
            ("participant", Some(view.pid.to_string())),
            ("name", Some(view.name.clone())),
            ("added", Some(view.added.clone())),
            ("removed", view.removed.clone()),
        ]);
    Answer::new(text, &view)
}
