//! Tokens that no service would issue, made with the true keys of the participants, or with one that nobody published.

use super::caller::Caller;
use super::failure::Failure;
use super::federation::Participant;
use super::ground::Ground;
use crate::cli::session::randomness;
use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::SoftwareSigner;
use crate::flow::load_key::load_token_key;
use crate::protocol::claims::{Claims, HokCase, Subject, Window};
use crate::protocol::token::TokenKey;
use crate::store::key_files::KeyFiles;
use crate::store::{Access, AuthtokenKey, KeyState, Store};
use crate::value::{Clock as _, Lifetime, SystemClock};

/// All keys of a participant, as its store has them.
pub(super) async fn keys_of(ground: &Ground, participant: Participant) -> Result<Vec<AuthtokenKey>, Failure> {
    let store = Store::open(ground.path(&format!("{}/bob-auth.sqlite", participant.place)), Access::Look).await?;
    let keys = store.keys(Some(participant.pid()?)).await;
    store.close().await;
    Ok(keys?)
}

/// The key that signs for a participant.
pub(super) async fn signing_key(ground: &Ground, participant: Participant) -> Result<TokenKey, Failure> {
    let keys = keys_of(ground, participant).await?;
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    let active = active.ok_or_else(|| Failure::new(format!("no key signs for {}", participant.name)))?;
    let files = KeyFiles::new(ground.path(&format!("{}/keys", participant.place)));
    Ok(load_token_key(&files, None, active, &randomness())?)
}

/// The same key under the id of another one.
pub(super) async fn disguised(ground: &Ground, participant: Participant, kid: &str) -> Result<TokenKey, Failure> {
    let keys = keys_of(ground, participant).await?;
    let active = keys.iter().find(|key| key.state == KeyState::Active);
    let active = active.ok_or_else(|| Failure::new(format!("no key signs for {}", participant.name)))?;
    let pem = KeyFiles::new(ground.path(&format!("{}/keys", participant.place))).read(&active.file)?;
    let private = PrivateKey::from_pem(&pem, None)?;
    Ok(TokenKey::new(kid.parse()?, Box::new(SoftwareSigner::new(&private, &randomness())?)))
}

/// A key that nobody knows.
pub(super) fn unpublished(kid: &str) -> Result<TokenKey, Failure> {
    let private = PrivateKey::generate_for(Algorithm::Es256)?;
    Ok(TokenKey::new(kid.parse()?, Box::new(SoftwareSigner::new(&private, &randomness())?)))
}

/// A token in the name of this participant, for a validator with the certificate of this caller, made so many seconds ago.
pub(super) fn token(key: &TokenKey, issuer: Participant, holder: &Caller, ago: i64) -> Result<String, Failure> {
    let certificate = holder.certificate.as_ref().ok_or_else(|| Failure::new("a token is for a certificate"))?;
    let (entity, class) = ("validator37".parse()?, "val".parse()?);
    let subject = Subject { pid: issuer.pid()?, entity: &entity, class: &class, sha1: certificate.sha1, confirm: None };
    let window = Window { now: SystemClock.now().plus_seconds(-ago), lifetime: Lifetime::CUSTOMARY, backdate: 0 };
    let minted = key.mint(&Claims::new(&subject, &window, HokCase::Lower), &randomness())?;
    Ok(minted.compact.as_str().to_owned())
}
