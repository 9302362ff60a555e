//! [`CliError`]: what went wrong, where, and what to do next. Every error of the floors below becomes one here.

use std::fmt;
use std::path::Path;

use crate::app::PublisherError;
use crate::config::Faults;
use crate::crypto::cert::CertError;
use crate::crypto::issue_cert::IssueCertError;
use crate::crypto::private_key::PrivateKeyError;
use crate::flow::enrol::EnrolError;
use crate::flow::issue_certificate::{IssuerError, MakeError};
use crate::flow::load_key::KeyLoadError;
use crate::flow::new_files::NewFileError;
use crate::flow::new_key::{ActivateError, NewKeyError};
use crate::flow::publish::PublishError;
use crate::flow::register::{AnchorFault, ExportError, ImportError, MetadataKeyFault};
use crate::flow::rotate::StepError;
use crate::flow::set_up::SetUpError;
use crate::protocol::registry::body::BodyError;
use crate::registry_client::ClientError;
use crate::store::key_files::KeyFileError;
use crate::store::register::{AnchorState, RegisterFault};
use crate::store::{Conflict, KeyState, Noun, StoreError};

/// What a command that failed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CliError {
    what: String,
    place: Option<String>,
    next: Option<String>,
    /// It is about the store as a whole, whose path is known elsewhere.
    of_store: bool,
}

impl CliError {
    pub(super) fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), place: None, next: None, of_store: false }
    }

    /// Names the file (or other place) that it is about.
    pub(super) fn at(self, path: &Path) -> Self {
        Self { place: Some(path.display().to_string()), ..self }
    }

    /// Names the store if it is about that.
    pub(super) fn in_store(self, path: Option<&Path>) -> Self {
        match path {
            Some(path) if self.of_store && self.place.is_none() => self.at(path),
            _ => self,
        }
    }

    /// Says what to do next.
    pub(super) fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// What went wrong, without where and what next.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// A file that could not be read.
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot be read: {error}")).at(path).next("check the path and who may read the file")
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bob-auth: ")?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)?;
        match &self.next {
            Some(next) => write!(f, "\n  {next}"),
            None => Ok(()),
        }
    }
}

impl From<Faults> for CliError {
    fn from(faults: Faults) -> Self {
        Self::new(format!("the configuration cannot be used:\n{faults}"))
            .next("name another file with --config, or look at it with `bob-auth config check`")
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let of_store = matches!(
            error,
            StoreError::ReadOnly
                | StoreError::Busy
                | StoreError::Full
                | StoreError::Corrupt(_)
                | StoreError::Database(_)
                | StoreError::NewerSchema { .. }
                | StoreError::OlderSchema { .. }
        );
        Self { next: next_of_store(&error), of_store, ..Self::new(error) }
    }
}

fn next_of_store(error: &StoreError) -> Option<String> {
    Some(match error {
        StoreError::NotFound(noun) => match noun {
            Noun::Participant(pid) => format!("`bob-auth participant add {pid} --name NAME` makes it"),
            Noun::Entity { id, .. } => {
                format!(
                    "`bob-auth entity list` shows those that exist, `bob-auth entity add {id} --class CLASS` makes it"
                )
            }
            Noun::Certificate(_) => "`bob-auth cert list` shows those that are enrolled".to_owned(),
            Noun::Key { .. } => "`bob-auth key list` shows those that exist".to_owned(),
        },
        StoreError::Conflict(conflict) => return next_of_conflict(conflict),
        StoreError::Register(fault) => return next_of_register(fault),
        StoreError::Busy => "try again; if it stays so, look which process holds the file".to_owned(),
        StoreError::ReadOnly => "run this as the user that owns the store".to_owned(),
        StoreError::Full => "make room on the disk and try again".to_owned(),
        StoreError::Corrupt(_) => "stop the service and restore a backup".to_owned(),
        StoreError::NotAStore(_) => "correct store.path in the configuration".to_owned(),
        _ => return None,
    })
}

fn next_of_conflict(conflict: &Conflict) -> Option<String> {
    Some(match conflict {
        Conflict::ParticipantExists(pid) => format!("`bob-auth participant set {pid}` changes it"),
        Conflict::EntityExists { id, .. } => format!("`bob-auth entity set {id}` changes it"),
        Conflict::CertificateTaken { .. } => {
            "every owner needs a certificate of its own: make a new key and certificate for this one".to_owned()
        }
        Conflict::KeyState { state: KeyState::Active, wanted: KeyState::Retired, .. } => {
            "activate its successor first: `bob-auth key generate`, then `bob-auth key activate KID`".to_owned()
        }
        Conflict::ParticipantInUse { .. } => {
            "a participant that has, or ever had, any of these stays, so that nothing of it is used again".to_owned()
        }
        _ => return None,
    })
}

fn next_of_register(fault: &RegisterFault) -> Option<String> {
    let verb = |words: &str| Some(format!("`bob-auth registry-admin {words}"));
    match fault {
        RegisterFault::NotRegistered(pid) => verb(&format!("participant add {pid} --name NAME` makes it one")),
        RegisterFault::Registered(pid) => verb(&format!("participant rename {pid}` gives it another name")),
        RegisterFault::NoMetadataKey { pid, .. } => verb(&format!("metadata-key list {pid}` shows those that it has")),
        RegisterFault::MetadataKid { .. } | RegisterFault::MetadataKeyKnown { .. } => {
            Some("ask the participant for a new key with a new id".to_owned())
        }
        RegisterFault::AnchorThere { role, state: AnchorState::Announced, .. } => {
            verb(&format!("anchor rotate --role {role} --finish` puts it in force, --cancel gives it up"))
        }
        RegisterFault::AnchorThere { role, .. } => verb(&format!("anchor rotate --role {role}` replaces it")),
        RegisterFault::NoneInState { role, state: AnchorState::Announced } => {
            verb(&format!("anchor rotate --role {role}` announces one"))
        }
        RegisterFault::NoneInState { role, .. } => verb(&format!("anchor generate --role {role}` makes one")),
        RegisterFault::NoAnchor(_) => verb("anchor list` shows those that there are"),
        RegisterFault::NotEmpty => Some("name a store of its own in store.path for the register that moves".to_owned()),
        _ => None,
    }
}

impl From<AnchorFault> for CliError {
    fn from(error: AnchorFault) -> Self {
        match error {
            AnchorFault::Store(error) => error.into(),
            AnchorFault::File(error) => error.into(),
            AnchorFault::FileInTheWay(_) => {
                Self::new(error).next("move that file out of the anchors directory, or choose another id with --kid")
            }
            other => Self::new(other),
        }
    }
}

impl From<MetadataKeyFault> for CliError {
    fn from(error: MetadataKeyFault) -> Self {
        match error {
            MetadataKeyFault::Store(error) => error.into(),
            MetadataKeyFault::NoKey(BodyError::Private { .. }) => {
                Self::new(error).next("tell the participant: it needs a new key, and sends the public half only")
            }
            other => Self::new(other),
        }
    }
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Json(_) => Self::new(error),
        }
    }
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            other => Self::new(other).next("nothing of it was taken in"),
        }
    }
}

impl From<EnrolError> for CliError {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Store(error) => error.into(),
            weak @ EnrolError::Weak { .. } => Self::new(weak)
                .next("make a new key (EC P-256, or RSA of at least 2048 bits), or insist with --allow-weak"),
        }
    }
}

impl From<NewKeyError> for CliError {
    fn from(error: NewKeyError) -> Self {
        match error {
            NewKeyError::Store(error) => error.into(),
            NewKeyError::File(error) => error.into(),
            NewKeyError::FileInTheWay(_) => {
                Self::new(error).next("move that file out of the keys directory, or choose another id with --kid")
            }
            NewKeyError::BitsWithoutRsa => Self::new(error).next("leave --bits out, or add --alg RS256"),
            other => Self::new(other),
        }
    }
}

impl From<StepError> for CliError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error.into(),
            StepError::Publish(error) => error.into(),
            StepError::NewKey(error) => error.into(),
            StepError::Activate(error) => error.into(),
            other => Self::new(other),
        }
    }
}

impl From<ActivateError> for CliError {
    fn from(error: ActivateError) -> Self {
        match error {
            ActivateError::Store(error) => error.into(),
            other => Self::new(other).next("make another one with `bob-auth key generate`, or mend its file"),
        }
    }
}

impl From<SetUpError> for CliError {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Store(error) => error.into(),
            SetUpError::Key(error) => error.into(),
            SetUpError::Activate(error) => error.into(),
            SetUpError::Exists(_) => {
                Self::new(error).next("choose another directory, or move these files away if nobody needs them")
            }
            other => Self::new(other),
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let next = error.next().map(str::to_owned);
        Self { next, ..Self::new(error) }
    }
}

impl From<PublishError> for CliError {
    fn from(error: PublishError) -> Self {
        let next = error.next().map(str::to_owned);
        Self { next, ..Self::new(error) }
    }
}

impl From<PublisherError> for CliError {
    fn from(error: PublisherError) -> Self {
        let next = match &error {
            PublisherError::NoMetadataKey(pid) => {
                format!(
                    "write one with metadata_key and metadata_kid, or name another participant than {pid} with --pid"
                )
            }
            PublisherError::KeyFile(KeyFileError::Io { .. }) => {
                "`bob-auth registry metadata-key generate` makes the metadata key where the configuration says"
                    .to_owned()
            }
            PublisherError::Trust { .. } => {
                "get the keys of the registry from the administering body, by a way that you trust".to_owned()
            }
            _ => return Self::new(error),
        };
        Self::new(error).next(next)
    }
}

macro_rules! plain {
    ($($error:ty),*) => { $(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        }
    )* };
}

plain!(
    CertError,
    IssueCertError,
    IssuerError,
    KeyFileError,
    KeyLoadError,
    MakeError,
    NewFileError,
    PrivateKeyError,
    serde_json::Error
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do_next() {
        let error = CliError::new("is empty").at(Path::new("a.pem")).next("write something into it");
        assert_eq!(error.to_string(), "bob-auth: a.pem: is empty\n  write something into it");
    }

    #[test]
    fn an_error_of_the_store_as_a_whole_names_its_file() {
        let error = CliError::from(StoreError::ReadOnly).in_store(Some(Path::new("a.sqlite")));
        assert!(error.to_string().starts_with("bob-auth: a.sqlite: the store is read-only"), "{error}");
        let other = CliError::new("no").in_store(Some(Path::new("a.sqlite")));
        assert_eq!(other, CliError::new("no"));
    }
}
