//! `bob-auth registry-admin metadata-key`: the keys with which participants prove who they are.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list};
use super::super::session::Global;
use super::room::{Room, read};
use crate::store::register;
use crate::value::{Kid, Pid};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MetadataKey {
    /// Take a participant's public key in, which it handed over by a way that both trust
    #[command(after_help = "Examples:\n  bob-auth registry-admin metadata-key add 34 metadata-34.jwk\n  \
        bob-auth registry metadata-key show | bob-auth registry-admin metadata-key add 34 -\n\n\
        A private key is refused, and so is one that is printed in a standard.")]
    Add(Add),
    /// Revoke a key: what it signs counts no more
    #[command(after_help = "Example:\n  bob-auth registry-admin metadata-key revoke 34 34:metadata_1")]
    Revoke(Revoke),
    /// List all keys, or those of one participant
    #[command(after_help = "Example:\n  bob-auth registry-admin metadata-key list 34")]
    List(Whose),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Add {
    /// Whose it is
    #[arg(value_name = "PID")]
    whose: Pid,
    /// A JWK with its kid; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// Whose it is
    #[arg(value_name = "PID")]
    whose: Pid,
    /// The key
    #[arg(value_name = "KID")]
    kid: Kid,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Whose {
    /// The participant [default: all]
    #[arg(value_name = "PID")]
    whose: Option<Pid>,
}

#[derive(Debug, Serialize)]
struct View {
    pid: i64,
    kid: String,
    state: &'static str,
    thumbprint: String,
    added: String,
    revoked: Option<String>,
    public_jwk: Value,
}

impl MetadataKey {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let Room { register, change, .. } = Room::open(global).await?;
        match self {
            Self::Add(Add { whose, file }) => {
                let jwk = read(&file, "JWK")?;
                let added = register.add_metadata_key(whose, &jwk, &change).await?;
                let note = "compare the thumbprint with the participant, by a way that is not the one the key came on";
                Ok(show("added", &added)?.note(note))
            }
            Self::Revoke(Revoke { whose, kid }) => {
                show("revoked", &register.revoke_metadata_key(whose, &kid, &change).await?)
            }
            Self::List(Whose { whose }) => {
                let keys = register.all_metadata_keys(whose).await?;
                let views = keys.iter().map(view).collect::<Result<Vec<View>, _>>()?;
                let mut table = Table::new(&["PID", "KID", "STATE", "ADDED", "THUMBPRINT"]);
                for view in &views {
                    table.row(&[&view.pid, &view.kid, &view.state, &view.added, &view.thumbprint]);
                }
                list(&table, views, None, "")
            }
        }
    }
}

fn view(key: &register::MetadataKey) -> Result<View, CliError> {
    Ok(View {
        pid: key.pid.get(),
        kid: key.kid.to_string(),
        state: if key.revoked.is_some() { "revoked" } else { "active" },
        thumbprint: key.thumbprint.clone(),
        added: key.added.to_string(),
        revoked: key.revoked.map(|at| at.to_string()),
        public_jwk: serde_json::from_str(&key.jwk)?,
    })
}

fn show(done: &str, key: &register::MetadataKey) -> Result<Answer, CliError> {
    let view = view(key)?;
    let text = format!("{done} {}\n", view.kid)
        + &facts(&[
            ("key", Some(view.kid.clone())),
            ("participant", Some(view.pid.to_string())),
            ("state", Some(view.state.to_owned())),
            ("thumbprint", Some(view.thumbprint.clone())),
            ("added", Some(view.added.clone())),
            ("revoked", view.revoked.clone()),
        ]);
    Answer::new(text, &view)
}
