//! `bob-auth registry authtoken-key`: the keys that check tokens, at the registry. Making and activating them is `key`'s
//! affair.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list};
use super::super::session::{Global, change};
use super::room::{Done, Room, Thing, as_json, notes, read};
use crate::flow::publish::Published;
use crate::protocol::jwk::{PublicJwk, bare_jwk};
use crate::protocol::registry::body::read_entry;
use crate::store::{AuthtokenKey, KeyNews, KeyState, StoreError};
use crate::value::Kid;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuthtokenKeyVerb {
    /// List the keys at the registry
    #[command(after_help = "Example:\n  bob-auth registry authtoken-key list")]
    List,
    /// Show one key at the registry
    #[command(after_help = "Example:\n  bob-auth registry authtoken-key show 34:20261122_1")]
    Show(Which),
    /// Publish a key; if it is there already, nothing is done
    #[command(after_help = "Examples:\n  bob-auth registry authtoken-key publish 34:20261122_2\n  \
                            bob-auth registry authtoken-key publish --jwk new-key.jwk")]
    Publish(Source),
    /// Put a key in the place of a wrong one with the same id
    #[command(after_help = "Example:\n  bob-auth registry authtoken-key replace 34:20261122_2\n\n\
        Keys never change: this is for repairing a mistake only, and a registry may refuse another key under the same id.\n\
        Partners that fetched the wrong key keep it until they fetch again.")]
    Replace(Source),
    /// Withdraw a key: partners stop knowing it, and its id can never be used again
    #[command(after_help = "Example:\n  bob-auth registry authtoken-key remove 34:20261122_1\n\n\
        Wait until the last token of this key has expired before you do this. A key that the store knows to be needed is\n\
        not removed without --force.")]
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The key
    #[arg(value_name = "KID")]
    kid: Kid,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Remove {
    /// The key
    #[arg(value_name = "KID")]
    kid: Kid,
    /// Even if tokens that it signed are still valid, or it signs
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Source {
    /// A key of the store
    #[arg(value_name = "KID")]
    kid: Option<Kid>,
    /// A file with a public key (JWK with kid), or - for standard input
    #[arg(long, value_name = "FILE")]
    jwk: Option<PathBuf>,
}

const NAME: &str = "authtoken key";

impl AuthtokenKeyVerb {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global)?;
        match self {
            Self::List => {
                let keys = room.client().authtoken_keys().await?;
                let mut table = Table::new(&["KID", "ALG", "THUMBPRINT"]);
                for PublicJwk { kid, key } in &keys.entries {
                    table.row(&[kid, &key.algorithm().as_str(), &key.thumbprint()]);
                }
                let views = keys.entries.iter().map(jwk).collect::<Result<Vec<_>, _>>()?;
                Ok(list(&table, views, None, "")?.notes(notes(&keys.skipped)))
            }
            Self::Show(Which { kid }) => {
                let found = room.client().authtoken_key(&kid).await?;
                let text = facts(&[
                    ("key", Some(kid.to_string())),
                    ("algorithm", Some(found.value.key.algorithm().as_str().to_owned())),
                    ("thumbprint", Some(found.value.key.thumbprint())),
                    ("etag", found.etag.clone()),
                ]);
                Answer::new(text, &json!({ "jwk": jwk(&found.value)?, "etag": found.etag }))
            }
            Self::Publish(source) => {
                let (key, row) = source.key(&room, global).await?;
                let published = room.publisher.publish_authtoken_key(&key).await?;
                let news = row.filter(|row| published == Published::Now || row.state == KeyState::Pending);
                let news = news.map(|row| (row.kid, KeyNews::Published { before: row.life.published }));
                let thing = Thing { news, ..Thing::key(NAME, &key.kid) };
                room.published(global, &thing, (Done::Published, published)).await
            }
            Self::Replace(source) => {
                let (key, _) = source.key(&room, global).await?;
                let published = room.publisher.replace_authtoken_key(&key).await?;
                room.published(global, &Thing::key(NAME, &key.kid), (Done::Replaced, published)).await
            }
            Self::Remove(remove) => remove.run(&room, global).await,
        }
    }
}

impl Remove {
    async fn run(self, room: &Room, global: &Global) -> Result<Answer, CliError> {
        let row = match room.store(global).await {
            Ok(store) => store.keys(Some(room.pid)).await?.into_iter().find(|row| row.kid == self.kid),
            Err(StoreError::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(row) = row.as_ref().filter(|_| !self.force) {
            refuse_if_needed(row)?;
        }
        let withdrawn = room.publisher.withdraw_authtoken_key(&self.kid).await?;
        let news = row.filter(|row| row.life.withdrawn.is_none() && row.state != KeyState::Active);
        let news = news.map(|row| (row.kid, KeyNews::Withdrawn));
        room.withdrawn(global, &Thing { news, ..Thing::key(NAME, &self.kid) }, withdrawn).await
    }
}

/// Without the key, tokens that it signed are worth nothing.
fn refuse_if_needed(row: &AuthtokenKey) -> Result<(), CliError> {
    let kid = &row.kid;
    if row.state == KeyState::Active {
        let next = "activate its successor first, or insist with --force: then no partner accepts a token of yours";
        return Err(CliError::new(format!("the key {kid} is the one that signs")).next(next));
    }
    match row.life.last_exp.filter(|last| *last > change().at) {
        Some(last) => Err(CliError::new(format!("tokens of the key {kid} are valid until {last}"))
            .next("wait until then, or insist with --force: then no partner accepts them")),
        None => Ok(()),
    }
}

impl Source {
    /// The public key that is meant, and what the store knows of it if it is from there.
    async fn key(&self, room: &Room, global: &Global) -> Result<(PublicJwk, Option<AuthtokenKey>), CliError> {
        if let Some(path) = &self.jwk {
            return Ok((read_entry(&read(path)?).map_err(|error| CliError::new(error).at(path))?, None));
        }
        let Some(kid) = &self.kid else { return Err(CliError::new("no key is named")) };
        let row = room.store(global).await?.key(room.pid, kid).await?;
        if row.state == KeyState::Retired {
            let next = "make a new one with `bob-auth key generate`";
            return Err(CliError::new(format!("the key {kid} is retired and is not published again")).next(next));
        }
        let key = read_entry(row.public_jwk.as_bytes())
            .map_err(|error| CliError::new(format!("the public key {kid} in the store: {error}")))?;
        Ok((key, Some(row)))
    }
}

fn jwk(key: &PublicJwk) -> Result<Value, CliError> {
    as_json(&bare_jwk(&key.kid, &key.key))
}
