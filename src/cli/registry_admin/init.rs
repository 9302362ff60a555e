//! `bob-auth registry-admin init`: from a configuration to a register that can be served.

use clap::Args;
use serde::Serialize;

use super::super::error::CliError;
use super::super::output::{Answer, facts};
use super::super::session::Global;
use super::room::Room;
use crate::crypto::algorithm::Algorithm;
use crate::flow::register::NewAnchor;
use crate::store::register::{AnchorRole, AnchorState};

#[derive(Debug, Args)]
pub(in crate::cli) struct Init {
    /// The name of the administering body, which is a participant too
    #[arg(long, value_name = "NAME")]
    name: String,
}

/// The algorithms that BoB expects: EC first, RSA for those who cannot do it.
const ANCHORS: [(AnchorRole, Algorithm); 3] = [
    (AnchorRole::Primary, Algorithm::Es256),
    (AnchorRole::Fallback, Algorithm::Rs256),
    (AnchorRole::Response, Algorithm::Es256),
];

#[derive(Debug, Serialize)]
struct View {
    store: String,
    pid: i64,
    anchors: Vec<Made>,
}

#[derive(Debug, Serialize)]
struct Made {
    role: &'static str,
    kid: String,
}

impl Init {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open_or_make(global).await?;
        let participants = room.register.participants().await?;
        if !participants.iter().any(|one| one.pid == room.authid && one.removed.is_none()) {
            room.register.add_participant(room.authid, &self.name, &room.change).await?;
        }
        for (role, algorithm) in ANCHORS {
            let known = room.register.anchors().await?;
            if !known.iter().any(|anchor| anchor.role == role) {
                let new = NewAnchor { role, algorithm, kid: None, authid: room.authid };
                room.register.generate_anchor(&room.anchors, &new, &room.change).await?;
            }
        }
        let anchors = room.register.anchors().await?.into_iter().filter(|one| one.state == AnchorState::Active);
        let anchors = anchors.map(|one| Made { role: one.role.as_str(), kid: one.kid.to_string() }).collect();
        let store = global.store_path().map(|path| path.display().to_string());
        let view = View { store: store.unwrap_or_default(), pid: room.authid.get(), anchors };
        let kid =
            |role: AnchorRole| view.anchors.iter().find(|made| made.role == role.as_str()).map(|made| made.kid.clone());
        let text = facts(&[
            ("store", Some(view.store.clone())),
            ("administering body", Some(view.pid.to_string())),
            ("signs sets", kid(AnchorRole::Primary)),
            ("signs sets too", kid(AnchorRole::Fallback)),
            ("signs answers", kid(AnchorRole::Response)),
        ]);
        let note = "hand `bob-auth registry-admin anchor export` and `anchor export --answers` to participants, add each \
                    with `participant add` and its key with `metadata-key add`, then run `bob-auth registry-server`";
        Ok(Answer::new(text, &view)?.note(note))
    }
}
