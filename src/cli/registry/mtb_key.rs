//! `bob-auth registry mtb-key`: the keys that check tickets. They are made elsewhere; here they are published.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list, or_dash};
use super::super::session::Global;
use super::room::{Done, Room, Thing, notes, read};
use crate::protocol::metadata::{MtbKey, MtbScope};
use crate::protocol::registry::body::read_entry;
use crate::value::Kid;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MtbKeyVerb {
    /// List the keys at the registry
    #[command(after_help = "Example:\n  bob-auth registry mtb-key list")]
    List,
    /// Show one key at the registry
    #[command(after_help = "Example:\n  bob-auth registry mtb-key show 34:20261122_bob_mtb")]
    Show(Which),
    /// Add a key; if it is there already, nothing is done
    #[command(after_help = "Example:\n  bob-auth registry mtb-key add mtb-key.jwk --scope ticket")]
    Add(Source),
    /// Put a key in the place of a wrong one with the same id
    #[command(after_help = "Example:\n  bob-auth registry mtb-key replace mtb-key.jwk\n\n\
        Keys never change: this is for repairing a mistake (the scope, say), and a registry may refuse another key under\n\
        the same id.")]
    Replace(Source),
    /// Remove a key: its id can never be used again
    #[command(after_help = "Example:\n  bob-auth registry mtb-key remove 34:20261122_bob_mtb\n\n\
        Wait until no ticket with a signature of this key is good any more.")]
    Remove(Which),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The key
    #[arg(value_name = "KID")]
    kid: Kid,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Source {
    /// A file with the public key (JWK with kid), or - for standard input
    #[arg(value_name = "FILE")]
    jwk: PathBuf,
    /// What it signs
    #[arg(
        long,
        value_name = "SCOPE",
        value_parser = scope,
        help = "What it signs (bob_sc), for example id or ticket [default: what the JWK says]"
    )]
    scope: Option<MtbScope>,
}

const NAME: &str = "MTB key";

impl MtbKeyVerb {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global)?;
        match self {
            Self::List => {
                let keys = room.client().mtb_keys().await?;
                let mut table = Table::new(&["KID", "ALG", "SCOPE", "THUMBPRINT"]);
                for MtbKey { kid, key, scope } in &keys.entries {
                    let scope = or_dash(scope.as_ref().map(MtbScope::as_str).as_ref());
                    table.row(&[kid, &key.algorithm().as_str(), &scope, &key.thumbprint()]);
                }
                Ok(list(&table, keys.entries, None, "")?.notes(notes(&keys.skipped)))
            }
            Self::Show(Which { kid }) => {
                let found = room.client().mtb_key(&kid).await?;
                let text = facts(&[
                    ("key", Some(kid.to_string())),
                    ("algorithm", Some(found.value.key.algorithm().as_str().to_owned())),
                    ("scope", found.value.scope.as_ref().map(|scope| scope.as_str().to_owned())),
                    ("thumbprint", Some(found.value.key.thumbprint())),
                    ("etag", found.etag.clone()),
                ]);
                Answer::new(text, &json!({ "jwk": found.value, "etag": found.etag }))
            }
            Self::Add(source) => {
                let key = source.key()?;
                let published = room.publisher.publish_mtb_key(&key).await?;
                room.published(global, &Thing::key(NAME, &key.kid), (Done::Published, published)).await
            }
            Self::Replace(source) => {
                let key = source.key()?;
                let published = room.publisher.replace_mtb_key(&key).await?;
                room.published(global, &Thing::key(NAME, &key.kid), (Done::Replaced, published)).await
            }
            Self::Remove(Which { kid }) => {
                let withdrawn = room.publisher.withdraw_mtb_key(&kid).await?;
                room.withdrawn(global, &Thing::key(NAME, &kid), withdrawn).await
            }
        }
    }
}

impl Source {
    fn key(self) -> Result<MtbKey, CliError> {
        let path: &Path = &self.jwk;
        let key: MtbKey = read_entry(&read(path)?).map_err(|error| CliError::new(error).at(path))?;
        Ok(MtbKey { scope: self.scope.or(key.scope), ..key })
    }
}

/// A word without anything that would have to be escaped.
fn scope(text: &str) -> Result<MtbScope, String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits { Ok(MtbScope::from(text)) } else { Err("write a word, for example ticket".to_owned()) }
}
