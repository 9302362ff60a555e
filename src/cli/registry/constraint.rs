//! `bob-auth registry constraint`: issuers whose tickets are accepted, and for how long their signatures.

use clap::{Args, Subcommand};
use serde_json::json;

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list};
use super::super::session::Global;
use super::room::{Done, Room, Thing, notes};
use crate::protocol::metadata::SignatureConstraint;
use crate::protocol::metadata::duration::IsoDuration;
use crate::value::Pid;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Constraint {
    /// List the constraints
    #[command(after_help = "Example:\n  bob-auth registry constraint list")]
    List,
    /// Show the constraint about one issuer
    #[command(after_help = "Example:\n  bob-auth registry constraint show 41")]
    Show(Which),
    /// Add a constraint about an issuer that has none
    #[command(after_help = "Example:\n  bob-auth registry constraint add 41 --lifetime P3W")]
    Add(Wanted),
    /// Make the constraint about an issuer say this, whether there is one or not
    #[command(after_help = "Example:\n  bob-auth registry constraint set 41 --lifetime P1W")]
    Set(Wanted),
    /// Remove the constraint about an issuer
    #[command(after_help = "Example:\n  bob-auth registry constraint remove 41")]
    Remove(Which),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The issuer
    #[arg(value_name = "PID")]
    issuer: Pid,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Wanted {
    /// The issuer
    #[arg(value_name = "PID")]
    issuer: Pid,
    /// How long its signatures are good (ISO 8601), for example P3W
    #[arg(long, value_name = "DURATION")]
    lifetime: IsoDuration,
}

impl Constraint {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global)?;
        match self {
            Self::List => {
                let constraints = room.client().constraints().await?;
                let mut table = Table::new(&["ISSUER", "LIFETIME"]);
                for constraint in &constraints.entries {
                    table.row(&[&constraint.acceptable_pid, &constraint.signature_lifetime.as_str()]);
                }
                Ok(list(&table, constraints.entries, None, "")?.notes(notes(&constraints.skipped)))
            }
            Self::Show(Which { issuer }) => {
                let found = room.client().constraint(issuer).await?;
                let text = facts(&[
                    ("issuer", Some(found.value.acceptable_pid.to_string())),
                    ("lifetime", Some(found.value.signature_lifetime.as_str().to_owned())),
                    ("etag", found.etag.clone()),
                ]);
                Answer::new(text, &json!({ "constraint": found.value, "etag": found.etag }))
            }
            Self::Add(wanted) => {
                let (thing, constraint) = wanted.constraint();
                let published = room.publisher.add_constraint(&constraint).await?;
                room.published(global, &thing, (Done::Published, published)).await
            }
            Self::Set(wanted) => {
                let (thing, constraint) = wanted.constraint();
                let published = room.publisher.set_constraint(&constraint).await?;
                room.published(global, &thing, (Done::Published, published)).await
            }
            Self::Remove(Which { issuer }) => {
                let withdrawn = room.publisher.remove_constraint(issuer).await?;
                room.withdrawn(global, &about(issuer), withdrawn).await
            }
        }
    }
}

impl Wanted {
    fn constraint(self) -> (Thing, SignatureConstraint) {
        let constraint = SignatureConstraint { acceptable_pid: self.issuer, signature_lifetime: self.lifetime };
        (about(self.issuer), constraint)
    }
}

fn about(issuer: Pid) -> Thing {
    Thing::new(format!("signature constraint about participant {issuer}"))
}
