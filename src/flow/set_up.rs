//! Sets up a service in a directory, or in two, one of them for what changes: a local CA with a server certificate, the store with its first participant, and a
//! key that signs. What the configuration file says is given.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ring::rand::SecureRandom;

use super::new_files::{NewFileError, NewFiles};
use super::new_key::{self, ActivateError, KeyRoom, NewKey, NewKeyError};
use crate::crypto::algorithm::Algorithm;
use crate::crypto::cert::CertError;
use crate::crypto::issue_cert::{IssueCertError, Issuer, Profile, Purpose, self_signed, signed_by};
use crate::crypto::private_key::{PrivateKey, PrivateKeyError};
use crate::store::key_files::KeyFiles;
use crate::store::{Activation, AuthtokenKey, Change, Participant, Store, StoreError};
use crate::value::Timestamp;

/// What to set up.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where; made if it is missing.
    pub directory: PathBuf,
    /// Where store and signing keys go; made if it is missing.
    pub state: PathBuf,
    /// The first participant.
    pub participant: Participant,
    /// Names and addresses of the server beside those of this machine.
    pub server_names: Vec<String>,
    /// The text of `config.toml`.
    pub config: String,
}

/// What was set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The files, in the order in which they matter to a reader.
    pub files: Vec<PathBuf>,
    /// The key that signs.
    pub key: AuthtokenKey,
    /// When the server certificate ends.
    pub server_not_after: Timestamp,
}

/// Why nothing was set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// Something is there already.
    #[error("{} exists already: nothing was changed", list(.0))]
    Exists(Vec<PathBuf>),
    /// A file.
    #[error(transparent)]
    File(#[from] NewFileError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A private key of TLS.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// A certificate.
    #[error(transparent)]
    Issue(#[from] IssueCertError),
    /// A certificate that was made cannot be written.
    #[error(transparent)]
    Certificate(#[from] CertError),
    /// The CA that was made does not hold together; does not happen.
    #[error("the new CA's key does not belong to its certificate")]
    Ca,
    /// The key that signs.
    #[error(transparent)]
    Key(#[from] NewKeyError),
    /// The key that signs does not.
    #[error(transparent)]
    Activate(#[from] ActivateError),
}

const DAY: i64 = 86_400;
const CA_DAYS: i64 = 3_653;
/// The most that common clients take of a server certificate.
const SERVER_DAYS: i64 = 825;
/// For clocks that are behind.
const BACKDATE: i64 = 300;

struct Layout {
    config: PathBuf,
    tls: PathBuf,
    ca: [PathBuf; 2],
    server: [PathBuf; 2],
    keys: PathBuf,
    store: PathBuf,
}

/// Sets everything up, or nothing: what this run made is removed again when it fails.
pub async fn set_up(plan: &Plan, change: &Change, rng: &dyn SecureRandom) -> Result<Made, SetUpError> {
    let layout = Layout::below(&plan.directory, &plan.state);
    layout.refuse_what_exists()?;
    let mut new = NewFiles::default();
    for directory in [&plan.directory, &plan.state, &layout.tls, &layout.keys] {
        new.directory(directory)?;
    }
    let server_not_after = make_tls(&layout, plan, change.at, rng, &mut new)?;
    let store = Store::create(&layout.store).await?;
    for suffix in ["", "-wal", "-shm"] {
        let mut path = layout.store.clone().into_os_string();
        path.push(suffix);
        new.made_elsewhere(path.into());
    }
    let filled = fill_store(&store, &layout, plan, (change, rng), &mut new).await;
    store.close().await;
    let key = filled?;
    new.public(&layout.config, plan.config.as_bytes())?;
    new.keep();
    let key_file = layout.keys.join(&key.file);
    let [ca, ca_key] = layout.ca;
    let [server, server_key] = layout.server;
    let files = vec![layout.config, ca, ca_key, server, server_key, key_file, layout.store];
    Ok(Made { files, key, server_not_after })
}

/// The CA and the server certificate. Gives the end of the latter.
fn make_tls(
    layout: &Layout,
    plan: &Plan,
    now: Timestamp,
    rng: &dyn SecureRandom,
    new: &mut NewFiles,
) -> Result<Timestamp, SetUpError> {
    let validity = |days: i64| (now.plus_seconds(-BACKDATE), now.plus_seconds(days * DAY));
    let ca_key = PrivateKey::generate_p256()?;
    let common_name = format!("bob-auth CA of participant {}", plan.participant.pid);
    let ca_profile = Profile { common_name, validity: validity(CA_DAYS), purpose: Purpose::Ca };
    let ca = self_signed(&ca_profile, &ca_key, rng)?;
    let (names, addresses) = subject_alternatives(&plan.server_names);
    let profile = Profile {
        common_name: "bob-auth".to_owned(),
        validity: validity(SERVER_DAYS),
        purpose: Purpose::Server { names, addresses },
    };
    let server_key = PrivateKey::generate_p256()?;
    let issuer = Issuer::new(ca.clone(), ca_key.clone()).ok_or(SetUpError::Ca)?;
    let server = signed_by(&issuer, &profile, &server_key, rng)?;
    for (certificate, key, [certificate_path, key_path]) in
        [(&ca, &ca_key, &layout.ca), (&server, &server_key, &layout.server)]
    {
        new.private(key_path, &key.to_pkcs8_pem(None)?)?;
        new.public(certificate_path, certificate.to_pem()?.as_bytes())?;
    }
    Ok(server.not_after)
}

/// The participant and its first key, active.
async fn fill_store(
    store: &Store,
    layout: &Layout,
    plan: &Plan,
    (change, rng): (&Change, &dyn SecureRandom),
    new: &mut NewFiles,
) -> Result<AuthtokenKey, SetUpError> {
    let participant = store.add_participant(&plan.participant, change).await?;
    let files = KeyFiles::new(layout.keys.clone());
    let room = KeyRoom { store, files: &files, passphrase: None, rng };
    let wanted = NewKey {
        pid: participant.pid,
        algorithm: Algorithm::Es256,
        bits: None,
        kid: None,
        not_after: None,
        among_others: false,
    };
    let key = new_key::generate(room, &wanted, change).await?;
    new.made_elsewhere(layout.keys.join(&key.file));
    Ok(new_key::activate(room, key.pid, &key.kid, &Activation::by_hand(change.at), change).await?)
}

/// The given names and those of this machine, sorted into names and addresses, each once.
fn subject_alternatives(given: &[String]) -> (Vec<String>, Vec<IpAddr>) {
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    for name in given.iter().map(String::as_str).chain(["localhost", "127.0.0.1", "::1"]) {
        match name.parse::<IpAddr>() {
            Ok(address) if !addresses.contains(&address) => addresses.push(address),
            Err(_) if !names.iter().any(|known| known == name) => names.push(name.to_owned()),
            _ => {}
        }
    }
    (names, addresses)
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Layout {
    fn below(directory: &Path, state: &Path) -> Self {
        let tls = directory.join("tls");
        Self {
            config: directory.join("config.toml"),
            ca: [tls.join("ca.pem"), tls.join("ca.key")],
            server: [tls.join("server.pem"), tls.join("server.key")],
            tls,
            keys: state.join("keys"),
            store: state.join("bob-auth.sqlite"),
        }
    }

    fn refuse_what_exists(&self) -> Result<(), SetUpError> {
        let files = [&self.config].into_iter().chain(&self.ca).chain(&self.server).chain([&self.store]);
        let there: Vec<PathBuf> = files.filter(|path| path.symlink_metadata().is_ok()).cloned().collect();
        if there.is_empty() { Ok(()) } else { Err(SetUpError::Exists(there)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart_and_said_once() {
        let given = ["auth.example".to_owned(), "192.0.2.7".to_owned(), "localhost".to_owned()];
        let (names, addresses) = subject_alternatives(&given);
        assert_eq!(names, ["auth.example", "localhost"]);
        assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.7", "127.0.0.1", "::1"]);
    }
}
