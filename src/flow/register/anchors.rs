//! The keys of the administering body: made, announced, put in force, told to participants.
//!
//! A rotation breaks nobody. From the announcement on, sets carry the signatures of the old key and of the new one, and both
//! are in the export: a participant that holds only the old trust file reads them, and so does one that holds only the new
//! one. When all have taken the new file, the rotation is finished and the old key signs no more.

use std::fmt;
use std::sync::Arc;

use ring::rand::SecureRandom;
use secrecy::SecretString;

use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::{PrivateKey, PrivateKeyError};
use crate::crypto::signer::{Signer as _, SignerError, SoftwareSigner};
use crate::store::key_files::{KeyFileError, KeyFiles};
use crate::store::register::{Anchor, AnchorRole, AnchorState};
use crate::store::{Change, StoreError};
use crate::value::{Kid, KidError, Pid, Timestamp};

use super::handle::Register;

/// Where the anchors are, and what they are used with.
#[derive(Clone)]
pub struct AnchorRoom {
    /// Their private halves.
    pub files: KeyFiles,
    /// What the files are encrypted with, if they are.
    pub passphrase: Option<SecretString>,
    /// For the signatures.
    pub rng: Arc<dyn SecureRandom + Send + Sync>,
}

/// What a new anchor is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnchor {
    /// What for.
    pub role: AnchorRole,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Its id; `None` is the first of `<authid>:<yyyymmdd>_<n>` that is free.
    pub kid: Option<Kid>,
    /// The pid of the authority.
    pub authid: Pid,
}

/// Why an anchor was not made, or cannot sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorFault {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of the private half.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The key itself.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// It does not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The id made of the date is none; does not happen with dates of the calendar.
    #[error(transparent)]
    Kid(#[from] KidError),
    /// The public half cannot be written down; does not happen.
    #[error("the public key could not be written")]
    Jwk(#[from] serde_json::Error),
    /// A file is where the private half would go.
    #[error("{0} exists already, but no anchor of this id is known: it is left as it is")]
    FileInTheWay(String),
    /// The file holds another key than the one that participants were told.
    #[error("the private key in the file of the anchor {0} is another one than that of its public half")]
    AnotherKey(Kid),
    /// No key for answers.
    #[error(
        "the register has no key that signs answers; `bob-auth registry-admin anchor generate --role response` makes one"
    )]
    NoResponseKey,
}

impl Register {
    /// All anchors: by role, the oldest first.
    pub async fn anchors(&self) -> Result<Vec<Anchor>, StoreError> {
        self.store.anchors().await
    }

    /// Makes the first anchor of a role. It is in force at once.
    pub async fn generate_anchor(
        &self,
        room: &AnchorRoom,
        new: &NewAnchor,
        change: &Change,
    ) -> Result<Anchor, AnchorFault> {
        self.add_anchor(room, new, AnchorState::Active, change).await
    }

    /// Makes the anchor that is to follow the active one of its role, and announces it.
    pub async fn rotate_anchor(
        &self,
        room: &AnchorRoom,
        new: &NewAnchor,
        change: &Change,
    ) -> Result<Anchor, AnchorFault> {
        self.add_anchor(room, new, AnchorState::Announced, change).await
    }

    /// Puts the announced anchor in force, after trying whether it can sign; the one that was is retired and comes second.
    pub async fn finish_anchor_rotation(
        &self,
        room: &AnchorRoom,
        role: AnchorRole,
        change: &Change,
    ) -> Result<(Anchor, Anchor), AnchorFault> {
        let anchors = self.store.anchors().await?;
        if let Some(announced) =
            anchors.iter().find(|anchor| anchor.role == role && anchor.state == AnchorState::Announced)
        {
            load(room, announced)?;
        }
        Ok(self.store.finish_anchor_rotation(role, change).await?)
    }

    /// Gives an announced anchor up.
    pub async fn cancel_anchor_rotation(&self, role: AnchorRole, change: &Change) -> Result<Anchor, StoreError> {
        self.store.cancel_anchor_rotation(role, change).await
    }

    /// The public halves that participants are to trust sets by, as JWKs in JSON: announced ones among them.
    pub async fn trusted_anchors(&self) -> Result<Vec<Anchor>, StoreError> {
        let anchors = self.store.anchors().await?;
        Ok(anchors.into_iter().filter(|anchor| anchor.role.signs_sets() && is_told(anchor)).collect())
    }

    /// The public halves that participants are to check answers by.
    pub async fn response_anchors(&self) -> Result<Vec<Anchor>, StoreError> {
        let anchors = self.store.anchors().await?;
        Ok(anchors.into_iter().filter(|anchor| anchor.role == AnchorRole::Response && is_told(anchor)).collect())
    }

    /// The key that signs answers now.
    pub async fn response_key(&self, room: &AnchorRoom) -> Result<(Kid, SoftwareSigner), AnchorFault> {
        let anchors = self.store.anchors().await?;
        let active = anchors
            .iter()
            .find(|anchor| anchor.role == AnchorRole::Response && anchor.state == AnchorState::Active)
            .ok_or(AnchorFault::NoResponseKey)?;
        Ok((active.kid.clone(), load(room, active)?))
    }

    /// Those that are to sign and cannot, and why.
    pub async fn unusable_anchors(&self, room: &AnchorRoom) -> Result<Vec<(Kid, AnchorFault)>, StoreError> {
        let anchors = self.store.anchors().await?;
        let told = anchors.iter().filter(|anchor| is_told(anchor));
        Ok(told.filter_map(|anchor| Some((anchor.kid.clone(), load(room, anchor).err()?))).collect())
    }

    /// First the file with the private half, then the row with the public one. Without the row there is no file either.
    async fn add_anchor(
        &self,
        room: &AnchorRoom,
        new: &NewAnchor,
        state: AnchorState,
        change: &Change,
    ) -> Result<Anchor, AnchorFault> {
        let kid = match &new.kid {
            Some(kid) => kid.clone(),
            None => self.first_free_kid(room, new.authid, change.at).await?,
        };
        let private = PrivateKey::generate_for(new.algorithm)?;
        let signer = SoftwareSigner::new(&private, &*room.rng)?;
        let anchor = Anchor {
            role: new.role,
            state,
            alg: new.algorithm.to_string(),
            public_jwk: serde_json::to_string(&signer.public_key().to_jwk(kid.as_str()))?,
            file: KeyFiles::name_for(&kid),
            created: change.at,
            activated: None,
            retired: None,
            kid,
        };
        if room.files.contains(&anchor.file) {
            let known = self.store.anchors().await?.iter().any(|other| other.kid == anchor.kid);
            if !known {
                return Err(AnchorFault::FileInTheWay(anchor.file));
            }
        } else {
            room.files.write_new(&anchor.file, &private.to_pkcs8_pem(room.passphrase.as_ref())?)?;
            let added = self.store.add_anchor(&anchor, change).await;
            return added.map_err(|error| {
                // The error that is told is the first one.
                let _ = room.files.remove(&anchor.file);
                error.into()
            });
        }
        // There is an anchor of this id, with its file: the store says so better, and adds nothing.
        Ok(self.store.add_anchor(&anchor, change).await?)
    }

    /// The first of `<authid>:<yyyymmdd>_<n>` that neither the store nor the directory of the anchors has.
    async fn first_free_kid(&self, room: &AnchorRoom, authid: Pid, now: Timestamp) -> Result<Kid, AnchorFault> {
        let used = self.store.anchors().await?;
        let day = now.to_utc().map(|date| date.format("%Y%m%d").to_string()).unwrap_or_default();
        let mut n = 1_u64;
        loop {
            let kid: Kid = format!("{authid}:{day}_{n}").parse()?;
            if used.iter().all(|anchor| anchor.kid != kid) && !room.files.contains(&KeyFiles::name_for(&kid)) {
                return Ok(kid);
            }
            n += 1;
        }
    }
}

/// The anchors that sign sets now, in the order of their signatures: those in force first, the primary before the fallback.
pub(super) fn signing(anchors: &[Anchor]) -> Vec<&Anchor> {
    let mut signing: Vec<&Anchor> =
        anchors.iter().filter(|anchor| anchor.role.signs_sets() && is_told(anchor)).collect();
    signing.sort_by_key(|anchor| (anchor.state != AnchorState::Active, anchor.role));
    signing
}

/// Reads the private half of an anchor, and checks that it is that of the public one.
pub(super) fn load(room: &AnchorRoom, anchor: &Anchor) -> Result<SoftwareSigner, AnchorFault> {
    let pem = room.files.read(&anchor.file)?;
    let signer = SoftwareSigner::new(&PrivateKey::from_pem(&pem, room.passphrase.as_ref())?, &*room.rng)?;
    let public = serde_json::to_value(signer.public_key().to_jwk(anchor.kid.as_str()))?;
    let told: serde_json::Value = serde_json::from_str(&anchor.public_jwk)?;
    if public == told { Ok(signer) } else { Err(AnchorFault::AnotherKey(anchor.kid.clone())) }
}

/// Whether participants are told of it.
fn is_told(anchor: &Anchor) -> bool {
    anchor.state != AnchorState::Retired
}

impl fmt::Debug for AnchorRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnchorRoom").field("files", &self.files).finish_non_exhaustive()
    }
}
