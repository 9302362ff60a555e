//! `bob-auth registry-admin anchor`: the keys of the administering body.

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list, or_dash};
use super::super::session::Global;
use super::room::Room;
use crate::crypto::algorithm::Algorithm;
use crate::flow::register::NewAnchor;
use crate::store::register::{self, AnchorRole};
use crate::value::Kid;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Anchor {
    /// Make the first key of a role; it signs at once
    #[command(after_help = "Examples:\n  bob-auth registry-admin anchor generate\n  \
        bob-auth registry-admin anchor generate --role fallback\n  \
        bob-auth registry-admin anchor generate --role response")]
    Generate(Generate),
    /// Replace the key of a role, in two steps between which nobody is left out
    #[command(after_help = "Examples:\n  bob-auth registry-admin anchor rotate\n  \
        bob-auth registry-admin anchor export > anchors.jwks\n  \
        bob-auth registry-admin anchor rotate --finish\n\n\
        The first step makes the new key: sets carry the signatures of both from then on, and the\n\
        export has both. When all participants have taken the new export, --finish retires the old key.\n\
        Whoever has not is then left with the fallback.\n\n\
        Answers carry one signature: participants need the new export of --role response before --finish.")]
    Rotate(Rotate),
    /// Print public halves as a JWKS, for the trust file of participants
    #[command(after_help = "Examples:\n  bob-auth registry-admin anchor export > anchors.jwks\n  \
        bob-auth registry-admin anchor export --answers > answers.jwks")]
    Export(Export),
    /// List all keys, retired ones among them
    #[command(after_help = "Example:\n  bob-auth registry-admin anchor list")]
    List,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Role {
    // No doc comments here: they would stretch every help text to its long form.
    #[default]
    Primary,
    Fallback,
    Response,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Generate {
    /// What for: primary and fallback sign sets, response signs answers
    #[arg(long, value_name = "ROLE", value_enum, default_value_t)]
    role: Role,
    #[command(flatten)]
    new: New,
}

#[derive(Debug, Args)]
struct New {
    /// How it signs [default: RS256 for the fallback, else ES256]
    #[arg(long, value_name = "ES256|RS256")]
    alg: Option<Algorithm>,
    /// Its id [default: <authid>:<yyyymmdd>_<n>, the first that is free]
    #[arg(long, value_name = "KID")]
    kid: Option<Kid>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    /// Whose key
    #[arg(long, value_name = "ROLE", value_enum, default_value_t)]
    role: Role,
    /// The second step: the new key stays alone
    #[arg(long, conflicts_with_all = ["cancel", "alg", "kid"])]
    finish: bool,
    /// Give the new key up
    #[arg(long, conflicts_with_all = ["alg", "kid"])]
    cancel: bool,
    #[command(flatten)]
    new: New,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// The keys that sign answers, in place of those that sign sets
    #[arg(long)]
    answers: bool,
}

#[derive(Debug, Serialize)]
struct View {
    kid: String,
    role: &'static str,
    state: &'static str,
    alg: String,
    file: String,
    created: String,
    activated: Option<String>,
    retired: Option<String>,
    public_jwk: Value,
}

impl Anchor {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global).await?;
        let Room { register, anchors, change, .. } = &room;
        match self {
            Self::Generate(Generate { role, new }) => {
                let new = wanted(&room, role, new);
                show("generated", &register.generate_anchor(anchors, &new, change).await?)
            }
            Self::Rotate(Rotate { role, finish: true, .. }) => {
                let (new, old) = register.finish_anchor_rotation(anchors, role.into(), change).await?;
                let note = format!("{} signs no more; nobody needs its file {} any longer", old.kid, old.file);
                Ok(show("in force:", &new)?.note(note))
            }
            Self::Rotate(Rotate { role, cancel: true, .. }) => {
                show("given up:", &register.cancel_anchor_rotation(role.into(), change).await?)
            }
            Self::Rotate(Rotate { role, new, .. }) => {
                let new = wanted(&room, role, new);
                let answer = show("announced", &register.rotate_anchor(anchors, &new, change).await?)?;
                Ok(answer.note(next_of_rotation(role)))
            }
            Self::Export(Export { answers }) => {
                let told =
                    if answers { register.response_anchors().await? } else { register.trusted_anchors().await? };
                let keys = told.iter().map(public_jwk).collect::<Result<Vec<_>, _>>()?;
                if keys.is_empty() {
                    let role = if answers { " --role response" } else { "" };
                    return Err(CliError::new("there is no key to export")
                        .next(format!("`bob-auth registry-admin anchor generate{role}` makes one")));
                }
                let set = json!({ "keys": keys });
                Answer::new(serde_json::to_string_pretty(&set)?, &set)
            }
            Self::List => show_all(&register.anchors().await?),
        }
    }
}

fn wanted(room: &Room, role: Role, new: New) -> NewAnchor {
    let usual = if role == Role::Fallback { Algorithm::Rs256 } else { Algorithm::Es256 };
    NewAnchor { role: role.into(), algorithm: new.alg.unwrap_or(usual), kid: new.kid, authid: room.authid }
}

fn next_of_rotation(role: Role) -> &'static str {
    match role {
        Role::Primary | Role::Fallback => {
            "sets are signed with it as well from now on: hand the new `anchor export` to all participants, wait until \
             they have taken it, then `bob-auth registry-admin anchor rotate --finish` for this role"
        }
        Role::Response => {
            "it signs nothing yet: hand the new `anchor export --answers` to all participants, wait until they have \
             taken it, then `bob-auth registry-admin anchor rotate --role response --finish`"
        }
    }
}

fn public_jwk(anchor: &register::Anchor) -> Result<Value, CliError> {
    Ok(serde_json::from_str(&anchor.public_jwk)?)
}

fn show_all(anchors: &[register::Anchor]) -> Result<Answer, CliError> {
    let mut table = Table::new(&["KID", "ROLE", "STATE", "ALG", "CREATED", "ACTIVATED", "RETIRED"]);
    for one in anchors {
        let (activated, retired) = (or_dash(one.activated.as_ref()), or_dash(one.retired.as_ref()));
        table.row(&[&one.kid, &one.role, &one.state, &one.alg, &one.created, &activated, &retired]);
    }
    list(&table, anchors.iter().map(view).collect::<Result<Vec<_>, _>>()?, None, "")
}

fn view(anchor: &register::Anchor) -> Result<View, CliError> {
    Ok(View {
        kid: anchor.kid.to_string(),
        role: anchor.role.as_str(),
        state: anchor.state.as_str(),
        alg: anchor.alg.clone(),
        file: anchor.file.clone(),
        created: anchor.created.to_string(),
        activated: anchor.activated.map(|at| at.to_string()),
        retired: anchor.retired.map(|at| at.to_string()),
        public_jwk: public_jwk(anchor)?,
    })
}

fn show(done: &str, anchor: &register::Anchor) -> Result<Answer, CliError> {
    let view = view(anchor)?;
    let text = format!("{done} {}\n", view.kid)
        + &facts(&[
            ("key", Some(view.kid.clone())),
            ("role", Some(view.role.to_owned())),
            ("state", Some(view.state.to_owned())),
            ("algorithm", Some(view.alg.clone())),
            ("file", Some(view.file.clone())),
            ("created", Some(view.created.clone())),
            ("activated", view.activated.clone()),
            ("retired", view.retired.clone()),
        ]);
    Answer::new(text, &view)
}

impl From<Role> for AnchorRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Primary => Self::Primary,
            Role::Fallback => Self::Fallback,
            Role::Response => Self::Response,
        }
    }
}
