//! `bob-auth participant`: whom tokens are issued for.

use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;

use super::error::CliError;
use super::output::{Answer, Table, facts, list, or_dash};
use super::session::{Global, Session};
use crate::store::{self, ParticipantPatch};
use crate::value::Pid;

#[derive(Debug, Subcommand)]
pub(super) enum Participant {
    /// Add a participant
    #[command(after_help = "Example:\n  bob-auth participant add 74 --name \"Östgötatrafiken\" --base-path /p/74")]
    Add(Add),
    /// List all participants
    #[command(after_help = "Example:\n  bob-auth participant list --output json")]
    List,
    /// Show one participant
    #[command(after_help = "Example:\n  bob-auth participant show 74")]
    Show(Which),
    /// Change a participant; what is not named stays
    #[command(after_help = "Example:\n  bob-auth participant set 74 --host auth.example.se --no-base-path")]
    Set(Set),
    /// Remove a participant that has nothing
    #[command(after_help = "Example:\n  bob-auth participant remove 74")]
    Remove(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The participant
    #[arg(value_name = "PID")]
    which: Pid,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its id
    #[arg(value_name = "PID")]
    which: Pid,
    /// What people call it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A host name under which it is reached; several times for several
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// The path before its routes
    #[arg(long, value_name = "PATH")]
    base_path: Option<String>,
}

#[derive(Debug, Args)]
#[command(override_usage = "bob-auth participant set [OPTIONS] <PID>")]
#[command(group(ArgGroup::new("change").required(true).multiple(true)))]
pub(super) struct Set {
    /// The participant
    #[arg(value_name = "PID")]
    which: Pid,
    /// What people call it
    #[arg(long, value_name = "NAME", group = "change")]
    name: Option<String>,
    /// All its host names from now on; several times for several
    #[arg(long = "host", value_name = "HOST", group = "change")]
    hosts: Vec<String>,
    /// It has no host name
    #[arg(long, conflicts_with = "hosts", group = "change")]
    no_hosts: bool,
    /// The path before its routes
    #[arg(long, value_name = "PATH", group = "change")]
    base_path: Option<String>,
    /// It has no base path
    #[arg(long, conflicts_with = "base_path", group = "change")]
    no_base_path: bool,
}

#[derive(Debug, Serialize)]
struct View {
    pid: i64,
    name: String,
    hosts: Vec<String>,
    base_path: Option<String>,
    created: String,
}

impl Participant {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let session = Session::open_for_any(global).await?;
        let Session { store, change, .. } = &session;
        match self {
            Self::Add(add) => {
                let participant = store::Participant {
                    pid: add.which,
                    name: add.name,
                    hosts: lower(&add.hosts),
                    base_path: add.base_path,
                    created: change.at,
                };
                let added = store.add_participant(&participant, change).await?;
                let note =
                    format!("it signs nothing yet: `bob-auth key generate --pid {}`, then key activate", added.pid);
                Ok(show("added", &added)?.note(note))
            }
            Self::List => {
                let views: Vec<View> = store.participants().await?.iter().map(view).collect();
                let mut table = Table::new(&["PID", "NAME", "HOSTS", "BASE PATH"]);
                for view in &views {
                    let hosts = if view.hosts.is_empty() { "-".to_owned() } else { view.hosts.join(" ") };
                    table.row(&[&view.pid, &view.name, &hosts, &or_dash(view.base_path.as_ref())]);
                }
                list(&table, views, None, "")
            }
            Self::Show(Which { which }) => show("", &store.participant(which).await?),
            Self::Set(set) => {
                let which = set.which;
                show("changed", &store.set_participant(which, &set.patch(), change).await?)
            }
            Self::Remove(Which { which }) => {
                let participant = store.participant(which).await?;
                store.remove_participant(which, change).await?;
                show("removed", &participant)
            }
        }
    }
}

impl Set {
    fn patch(self) -> ParticipantPatch {
        let hosts = if self.hosts.is_empty() { self.no_hosts.then(Vec::new) } else { Some(lower(&self.hosts)) };
        let base_path = if self.no_base_path { Some(None) } else { self.base_path.map(Some) };
        ParticipantPatch { name: self.name, hosts, base_path }
    }
}

fn lower(hosts: &[String]) -> Vec<String> {
    hosts.iter().map(|host| host.to_lowercase()).collect()
}

fn view(participant: &store::Participant) -> View {
    View {
        pid: participant.pid.get(),
        name: participant.name.clone(),
        hosts: participant.hosts.clone(),
        base_path: participant.base_path.clone(),
        created: participant.created.to_string(),
    }
}

fn show(done: &str, participant: &store::Participant) -> Result<Answer, CliError> {
    let view = view(participant);
    let head = if done.is_empty() { String::new() } else { format!("{done} participant {}\n", view.pid) };
    let body = facts(&[
        ("participant", Some(view.pid.to_string())),
        ("name", Some(view.name.clone())),
        ("hosts", (!view.hosts.is_empty()).then(|| view.hosts.join(" "))),
        ("base path", view.base_path.clone()),
        ("created", Some(view.created.clone())),
    ]);
    Answer::new(head + &body, &view)
}
