//! `bob-auth cert issue`: a key and a certificate for an entity, or a signed request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::cert_view::{View, facts_of, view};
use super::error::CliError;
use super::input;
use super::output::{Answer, facts};
use super::session::{Global, Session, change, randomness};
use super::words;
use crate::crypto::issue_cert::Issuer;
use crate::flow::enrol::{self, Enrolment};
use crate::flow::issue_certificate::{self, Made, SubjectKey, Wanted};
use crate::flow::new_files::NewFiles;
use crate::store::key_files::read_private;
use crate::store::{self, Change, Enrolled, Owner};
use crate::value::EntityId;

#[derive(Debug, Args)]
pub(super) struct Issue {
    /// For whom
    #[arg(value_name = "ENTITY")]
    entity: EntityId,
    /// Where <entity>.pem and <entity>.key go
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// For how long it counts
    #[arg(long, value_name = "DURATION", default_value = "3650d", value_parser = words::span)]
    valid: Duration,
    /// What kind of key is made: EC on P-256, or RSA of 3072 bits
    #[arg(long, value_enum, default_value_t = Kind::P256, conflicts_with = "csr")]
    key: Kind,
    /// Sign this request (PKCS#10): the key stays where it was made
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// The CA that signs [default: with --csr tls/ca.pem beside the configuration, else the key itself]
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_cert: Option<PathBuf>,
    /// The CA's private key [default: with --csr tls/ca.key beside the configuration]
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// Only make it
    #[arg(long)]
    no_enrol: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    P256,
    Rsa,
}

#[derive(Debug, Serialize)]
struct Issued {
    entity: String,
    certificate_file: String,
    /// `null` with --csr: the key stayed where it was made.
    key_file: Option<String>,
    enrolled: bool,
    sha1: String,
    sha256: String,
    not_after: String,
    certificate: Option<View>,
}

impl Issue {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let session = if self.no_enrol {
            None
        } else {
            let session = Session::open(global).await?;
            // Before a key is made for somebody who does not exist.
            session.store.entity(session.pid, &self.entity).await?;
            Some(session)
        };
        let change = session.as_ref().map_or_else(change, |session| session.change.clone());
        let made = self.make(global, &change)?;
        let mut new = NewFiles::default();
        let (certificate_file, key_file) = self.write(&made, &mut new)?;
        let record = match &session {
            Some(session) => Some(self.enrol(session, &made).await?),
            None => None,
        };
        new.keep();
        let issued = Issued {
            entity: self.entity.to_string(),
            certificate_file: certificate_file.display().to_string(),
            key_file: key_file.map(|file| file.display().to_string()),
            enrolled: record.is_some(),
            sha1: made.certificate.sha1.to_string(),
            sha256: made.certificate.sha256.to_string(),
            not_after: made.certificate.not_after.to_string(),
            certificate: record.as_ref().map(|record| view(record, change.at)),
        };
        Answer::new(text(&issued, record.as_ref(), &change), &issued)
    }

    fn make(&self, global: &Global, change: &Change) -> Result<Made, CliError> {
        let request = match &self.csr {
            Some(file) => Some(input::read(file)?),
            None => None,
        };
        let issuer = self.issuer(global)?;
        let subject = match (&request, self.key) {
            (Some(request), _) => SubjectKey::Request(request),
            (None, Kind::P256) => SubjectKey::NewP256,
            (None, Kind::Rsa) => SubjectKey::NewRsa,
        };
        let wanted =
            Wanted { entity: &self.entity, valid: words::seconds(self.valid), subject, issuer: issuer.as_ref() };
        Ok(issue_certificate::make(&wanted, change.at, &randomness())?)
    }

    fn issuer(&self, global: &Global) -> Result<Option<Issuer>, CliError> {
        let beside = |name: &str| global.config_file().parent().unwrap_or(Path::new("")).join("tls").join(name);
        let (certificate, key) = match (&self.ca_cert, &self.ca_key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ if self.csr.is_some() => (beside("ca.pem"), beside("ca.key")),
            _ => return Ok(None),
        };
        let pem =
            input::read(&certificate).map_err(|error| error.next("name the CA with --ca-cert FILE --ca-key FILE"))?;
        let issuer = issue_certificate::issuer(&pem, &read_private(&key)?);
        issuer.map(Some).map_err(|error| CliError::from(error).at(&key))
    }

    fn write(&self, made: &Made, new: &mut NewFiles) -> Result<(PathBuf, Option<PathBuf>), CliError> {
        let file = |ending: &str| self.out.join(format!("{}.{ending}", self.entity));
        let (certificate_file, key_file) = (file("pem"), file("key"));
        let hint = "nothing is overwritten: choose another place with --out DIR";
        new.directory(&self.out)?;
        if let Some(key) = &made.key {
            new.private(&key_file, &key.to_pkcs8_pem(None)?).map_err(|error| CliError::from(error).next(hint))?;
        }
        let pem = made.certificate.to_pem()?;
        new.public(&certificate_file, pem.as_bytes()).map_err(|error| CliError::from(error).next(hint))?;
        Ok((certificate_file, made.key.is_some().then_some(key_file)))
    }

    async fn enrol(&self, session: &Session, made: &Made) -> Result<store::Certificate, CliError> {
        let owner = Owner::Entity(self.entity.clone());
        let enrolment = Enrolment { pid: session.pid, owner, allow_weak: false };
        let outcome = enrol::enrol(&session.store, &made.certificate, &enrolment, &session.change).await?;
        match outcome.enrolled {
            Enrolled::New(record) | Enrolled::Already(record) => Ok(record),
        }
    }
}

fn text(issued: &Issued, record: Option<&store::Certificate>, change: &Change) -> String {
    let files = facts(&[
        ("certificate file", Some(issued.certificate_file.clone())),
        ("private key", issued.key_file.clone().map(|file| format!("{file} (for the device only)"))),
    ]);
    if let Some(record) = record {
        return format!("issued and enrolled for {}\n{files}{}", issued.entity, facts_of(record, change.at));
    }
    let rest = facts(&[
        ("SHA-1", Some(issued.sha1.clone())),
        ("SHA-256", Some(issued.sha256.clone())),
        ("valid until", Some(issued.not_after.clone())),
    ]);
    format!("issued for {}, not enrolled\n{files}{rest}", issued.entity)
}
