//! `bob-auth cert`: the certificates that entities prove themselves with.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::cert_enrol::Enrol;
use super::cert_issue::Issue;
use super::cert_view::{show, show_page};
use super::error::CliError;
use super::output::Answer;
use super::session::{Global, Session};
use super::words;
use crate::crypto;
use crate::store::{self, CertificateFilter, CertificateState, Fingerprint, Owner};
use crate::value::EntityId;

#[derive(Debug, Subcommand)]
pub(super) enum Cert {
    /// Enrol certificates that exist, for an entity or for all entities of the participant
    #[command(after_help = "Examples:\n  bob-auth cert enrol validator37 validator37.pem\n  \
        bob-auth cert enrol --participant gateway.pem")]
    Enrol(Enrol),
    /// Make a key and a certificate for an entity, or sign its request, and enrol it
    #[command(after_help = "Examples:\n  bob-auth cert issue validator37 --out /media/usb\n  \
        bob-auth cert issue tvm8 --csr tvm8.csr --valid 730d")]
    Issue(Issue),
    /// List certificates in the order of enrolment
    #[command(after_help = "Example:\n  bob-auth cert list --state active --expires-within 30d")]
    List(List),
    /// Show one certificate
    #[command(after_help = "Example:\n  bob-auth cert show 0a9a063eb8d540cbf7dfba7697c674d14a174f7d")]
    Show(Show),
    /// Revoke a certificate for ever
    #[command(after_help = "Example:\n  bob-auth cert revoke 0a9a063eb8d540cbf7dfba7697c674d14a174f7d")]
    Revoke(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// SHA-1 or SHA-256, as any tool prints it
    #[arg(value_name = "FINGERPRINT", value_parser = words::fingerprint)]
    fingerprint: Fingerprint,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Print the certificate itself
    #[arg(long)]
    pem: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only of this entity
    #[arg(long, value_name = "ID", conflicts_with = "participant")]
    entity: Option<EntityId>,
    /// Only those that serve all entities of the participant
    #[arg(long)]
    participant: bool,
    /// Only active or only revoked ones
    #[arg(long, value_name = "active|revoked")]
    state: Option<CertificateState>,
    /// Only those that have expired or will within this time
    #[arg(long, value_name = "DURATION", value_parser = words::span)]
    expires_within: Option<Duration>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on after this certificate
    #[arg(long, value_name = "SHA1", value_parser = words::fingerprint)]
    after: Option<Fingerprint>,
}

impl Cert {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Enrol(enrol) => enrol.run(&Session::open(global).await?).await,
            Self::Issue(issue) => issue.run(global).await,
            Self::List(list) => list.run(&Session::open(global).await?).await,
            Self::Show(which) => which.run(&Session::open_for_any(global).await?, global).await,
            Self::Revoke(Which { fingerprint }) => {
                let session = Session::open_for_any(global).await?;
                refuse_another_participant(global, &session.store.certificate(&fingerprint).await?)?;
                let revoked = session.store.revoke(&fingerprint, &session.change).await?;
                show("revoked", &revoked, session.now())
            }
        }
    }
}

impl List {
    async fn run(self, session: &Session) -> Result<Answer, CliError> {
        let owner = if self.participant { Some(Owner::Participant) } else { self.entity.map(Owner::Entity) };
        let expiring_before = self.expires_within.map(|within| session.now().plus_seconds(words::seconds(within)));
        let filter = CertificateFilter { owner, state: self.state, expiring_before };
        let after = match &self.after {
            Some(fingerprint) => Some(session.store.certificate_position(fingerprint).await?),
            None => None,
        };
        let page = session.store.certificates(session.pid, &filter, after, self.limit).await?;
        show_page(&page, session.now())
    }
}

impl Show {
    async fn run(self, session: &Session, global: &Global) -> Result<Answer, CliError> {
        let certificate = session.store.certificate(&self.which.fingerprint).await?;
        refuse_another_participant(global, &certificate)?;
        let answer = show("", &certificate, session.now())?;
        if !self.pem {
            return Ok(answer);
        }
        Ok(answer.with_text(crypto::cert::Certificate::from_der(&certificate.der)?.to_pem()?))
    }
}

/// A fingerprint is unique over all participants, so none needs to be named; but one that is named must be the right one.
fn refuse_another_participant(global: &Global, certificate: &store::Certificate) -> Result<(), CliError> {
    let Some(pid) = global.pid.filter(|pid| *pid != certificate.pid) else { return Ok(()) };
    let what = format!("the certificate {} belongs to participant {}, not {pid}", certificate.sha1, certificate.pid);
    Err(CliError::new(what).next("name the right one with --pid, or leave --pid out"))
}
