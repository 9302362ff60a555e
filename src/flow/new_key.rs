//! Makes the keys that sign tokens, and makes them sign. Loading them is `load_key`'s task.

use ring::rand::SecureRandom;
use secrecy::SecretString;

use super::load_key::{KeyLoadError, load_token_key};
use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::{PrivateKey, PrivateKeyError};
use crate::crypto::signer::{Signer as _, SignerError, SoftwareSigner};
use crate::store::key_files::{KeyFileError, KeyFiles};
use crate::store::{Activation, AuthtokenKey, Change, Conflict, KeyLife, KeyState, Store, StoreError};
use crate::value::{Kid, KidError, Pid, Timestamp};

/// Where keys are kept, and what they are made with.
#[derive(Clone, Copy)]
pub struct KeyRoom<'a> {
    /// Knows the public halves.
    pub store: &'a Store,
    /// Holds the private halves.
    pub files: &'a KeyFiles,
    /// What the files are encrypted with, if they are.
    pub passphrase: Option<&'a SecretString>,
    /// For the signer.
    pub rng: &'a dyn SecureRandom,
}

/// What the new key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Whose tokens it will sign.
    pub pid: Pid,
    /// How it will sign.
    pub algorithm: Algorithm,
    /// The size of an RSA key; `None` is 3072.
    pub bits: Option<u32>,
    /// Its id; `None` is the first of `<pid>:<yyyymmdd>_<n>` that is free.
    pub kid: Option<Kid>,
    /// Its last second.
    pub not_after: Option<Timestamp>,
    /// Whether there may be others on their way to sign.
    pub among_others: bool,
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of the private half.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The key itself.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// It would not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The id made of the date is none; does not happen with dates of the calendar.
    #[error(transparent)]
    Kid(#[from] KidError),
    /// The public half cannot be written down; does not happen.
    #[error("the public key could not be written")]
    Jwk(#[from] serde_json::Error),
    /// P-256 has one size only.
    #[error("an ES256 key is always on P-256: a size in bits goes with RS256 only")]
    BitsWithoutRsa,
    /// A file is where the private half would go.
    #[error("{0} exists already, but no key of this id is known: it is left as it is")]
    FileInTheWay(String),
}

/// Why a key was not activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not sign, so that the service would be left without a key.
    #[error("the key {kid} cannot sign and was not activated: {source}")]
    CannotSign {
        /// Which key.
        kid: Kid,
        /// Why.
        source: KeyLoadError,
    },
    /// Its last second is over.
    #[error("the key {kid} was to sign until {not_after} only and was not activated")]
    Expired {
        /// Which key.
        kid: Kid,
        /// When it ended.
        not_after: Timestamp,
    },
}

/// Makes a key that is pending: first the file with the private half, then the row with the public one. Without the row
/// there is no file either.
pub async fn generate(room: KeyRoom<'_>, new: &NewKey, change: &Change) -> Result<AuthtokenKey, NewKeyError> {
    room.store.participant(new.pid).await?;
    let kid = match &new.kid {
        Some(kid) => kid.clone(),
        None => first_free_kid(room.store, room.files, new.pid, change.at).await?,
    };
    let private = match (new.algorithm, new.bits) {
        (Algorithm::Es256, Some(_)) => return Err(NewKeyError::BitsWithoutRsa),
        (Algorithm::Rs256, Some(bits)) => PrivateKey::generate_rsa(bits)?,
        (algorithm, None) => PrivateKey::generate_for(algorithm)?,
    };
    let signer = SoftwareSigner::new(&private, room.rng)?;
    let row = AuthtokenKey {
        pid: new.pid,
        alg: signer.algorithm().as_str().to_owned(),
        state: KeyState::Pending,
        public_jwk: serde_json::to_string(&signer.public_key().to_jwk(kid.as_str()))?,
        file: KeyFiles::name_for(&kid),
        kid,
        created: change.at,
        activated: None,
        retiring_since: None,
        retired: None,
        not_after: new.not_after,
        life: KeyLife::default(),
    };
    if room.store.keys(Some(row.pid)).await?.iter().any(|key| key.kid == row.kid) {
        return Err(StoreError::from(Conflict::KidUsed { pid: row.pid, kid: row.kid }).into());
    }
    if room.files.contains(&row.file) {
        return Err(NewKeyError::FileInTheWay(row.file));
    }
    room.files.write_new(&row.file, &private.to_pkcs8_pem(room.passphrase)?)?;
    let added = if new.among_others {
        room.store.add_key(&row, change).await
    } else {
        room.store.add_successor(&row, change).await
    };
    match added {
        Ok(added) => Ok(added),
        Err(error) => {
            // The error that is told is the first one.
            let _ = room.files.remove(&row.file);
            Err(error.into())
        }
    }
}

/// Makes a key the one that signs, after trying whether it can.
pub async fn activate(
    room: KeyRoom<'_>,
    pid: Pid,
    kid: &Kid,
    activation: &Activation<'_>,
    change: &Change,
) -> Result<AuthtokenKey, ActivateError> {
    let row = room.store.key(pid, kid).await?;
    if row.state.is_coming() {
        load_token_key(room.files, room.passphrase, &row, room.rng)
            .map_err(|source| ActivateError::CannotSign { kid: kid.clone(), source })?;
        if let Some(not_after) = row.not_after.filter(|not_after| *not_after < change.at) {
            return Err(ActivateError::Expired { kid: kid.clone(), not_after });
        }
    }
    Ok(room.store.activate_key(pid, kid, activation, change).await?)
}

/// The first of `<pid>:<yyyymmdd>_<n>` that neither the store nor the directory of the keys has.
async fn first_free_kid(store: &Store, files: &KeyFiles, pid: Pid, now: Timestamp) -> Result<Kid, NewKeyError> {
    let used = store.keys(Some(pid)).await?;
    let day = now.to_utc().map(|date| date.format("%Y%m%d").to_string()).unwrap_or_default();
    let mut n = 1_u64;
    loop {
        let kid: Kid = format!("{pid}:{day}_{n}").parse()?;
        if used.iter().all(|key| key.kid != kid) && !files.contains(&KeyFiles::name_for(&kid)) {
            return Ok(kid);
        }
        n += 1;
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use ring::rand::SystemRandom;
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Access, Participant};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_330_514);

    fn change() -> Change {
        Change { at: NOW, actor: "cli:tester".into() }
    }

    fn wanted() -> NewKey {
        NewKey {
            pid: Pid::new(34).unwrap(),
            algorithm: Algorithm::Es256,
            bits: None,
            kid: None,
            not_after: None,
            among_others: true,
        }
    }

    async fn home() -> (TempDir, Store, KeyFiles) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(directory.path().join("store")).await.unwrap();
        let pid = Pid::new(34).unwrap();
        let participant = Participant { pid, name: "a".into(), hosts: vec![], base_path: None, created: NOW };
        store.add_participant(&participant, &change()).await.unwrap();
        let files = KeyFiles::new(directory.path().join("keys"));
        (directory, store, files)
    }

    #[tokio::test]
    async fn ids_count_on_within_a_day_and_step_over_files_that_nobody_knows() {
        let (_directory, store, files) = home().await;
        let room = KeyRoom { store: &store, files: &files, passphrase: None, rng: &SystemRandom::new() };
        files.write_new("34%3A20261122_2.pem", b"left over").unwrap();
        for kid in ["34:20261122_1", "34:20261122_3"] {
            assert_eq!(generate(room, &wanted(), &change()).await.unwrap().kid.as_str(), kid);
        }
    }

    #[tokio::test]
    async fn without_the_row_there_is_no_file() {
        let (_directory, store, files) = home().await;
        store.close().await;
        let store = Store::open(store.path(), Access::Look).await.unwrap();
        let room = KeyRoom { store: &store, files: &files, passphrase: None, rng: &SystemRandom::new() };
        let refusal = generate(room, &wanted(), &change()).await.unwrap_err();
        assert!(matches!(refusal, NewKeyError::Store(StoreError::ReadOnly)), "{refusal}");
        assert!(!files.contains("34%3A20261122_1.pem"));
    }

    #[tokio::test]
    async fn a_key_whose_time_is_over_is_not_activated() {
        let (_directory, store, files) = home().await;
        let room = KeyRoom { store: &store, files: &files, passphrase: None, rng: &SystemRandom::new() };
        let over = NewKey { not_after: Some(NOW.plus_seconds(-1)), ..wanted() };
        let key = generate(room, &over, &change()).await.unwrap();
        let refusal = activate(room, key.pid, &key.kid, &Activation::by_hand(NOW), &change()).await.unwrap_err();
        assert!(matches!(refusal, ActivateError::Expired { .. }), "{refusal}");
    }
}
