//! `bob-auth cert enrol`: certificates from files.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::cert_view::{View, view};
use super::error::CliError;
use super::input;
use super::output::Answer;
use super::session::Session;
use crate::crypto::cert::Certificate;
use crate::flow::enrol::{self, Enrolment, Outcome};
use crate::store::{Enrolled, Owner};
use crate::value::EntityId;

#[derive(Debug, Args)]
pub(super) struct Enrol {
    /// The entity, then files in PEM (with one or several certificates) or DER; with --participant, files only
    #[arg(value_name = "ENTITY|FILE", required = true)]
    words: Vec<PathBuf>,
    /// For every entity of the participant that has no active certificate of its own
    #[arg(long)]
    participant: bool,
    /// Enrol also keys that can be forged with today's means
    #[arg(long)]
    allow_weak: bool,
}

/// What became of one certificate, or of a file that holds none.
#[derive(Debug, Serialize)]
struct Item {
    file: String,
    /// `enrolled`, `already_enrolled` or `refused`.
    result: &'static str,
    reason: Option<String>,
    certificate: Option<View>,
}

#[derive(Debug, Default)]
struct Report {
    items: Vec<Item>,
    lines: Vec<String>,
    notes: Vec<String>,
    refused: bool,
}

#[derive(Debug, Serialize)]
struct Items<'a> {
    items: &'a [Item],
}

impl Enrol {
    pub(super) async fn run(self, session: &Session) -> Result<Answer, CliError> {
        let (owner, files) = self.owner_and_files()?;
        if let Owner::Entity(id) = &owner {
            session.store.entity(session.pid, id).await?;
        }
        let enrolment = Enrolment { pid: session.pid, owner, allow_weak: self.allow_weak };
        let mut report = Report::default();
        for file in files {
            let name = file.display().to_string();
            match read(file, &name, &mut report) {
                Ok(certificates) => {
                    for certificate in &certificates {
                        let result = enrol::enrol(&session.store, certificate, &enrolment, &session.change).await;
                        match result {
                            Ok(outcome) => report.enrolled(&name, &outcome, session),
                            Err(error) => report.refused(&name, &error.into()),
                        }
                    }
                }
                Err(error) => report.refused(&name, &error),
            }
        }
        let answer = Answer::new(report.lines.join("\n"), &Items { items: &report.items })?;
        Ok(answer.notes(report.notes).failed_if(report.refused))
    }

    fn owner_and_files(&self) -> Result<(Owner, &[PathBuf]), CliError> {
        if self.participant {
            return Ok((Owner::Participant, &self.words));
        }
        let usage = "write `bob-auth cert enrol ENTITY FILE...`, or `bob-auth cert enrol --participant FILE...`";
        match self.words.split_first() {
            Some((entity, files)) if !files.is_empty() => {
                let id: EntityId = entity.to_string_lossy().parse().map_err(|e| CliError::new(e).next(usage))?;
                Ok((Owner::Entity(id), files))
            }
            _ => Err(CliError::new("there is no file to enrol").next(usage)),
        }
    }
}

fn read(file: &std::path::Path, name: &str, report: &mut Report) -> Result<Vec<Certificate>, CliError> {
    let bytes = input::read(file)?;
    let read = enrol::read(&bytes).map_err(|error| CliError::from(error).at(file))?;
    if read.holds_private_key {
        report.notes.push(format!(
            "warning: {name} holds a private key as well; it was not used and does not belong here: a private key stays \
             with the device that it is for"
        ));
    }
    Ok(read.certificates)
}

impl Report {
    fn enrolled(&mut self, file: &str, outcome: &Outcome, session: &Session) {
        let (result, words, record) = match &outcome.enrolled {
            Enrolled::New(record) => ("enrolled", "enrolled", record),
            Enrolled::Already(record) => ("already_enrolled", "already enrolled", record),
        };
        self.lines.push(format!("{words} {} for {} ({}, {file})", record.sha1, record.owner, record.subject));
        if outcome.expired {
            self.notes.push(format!(
                "warning: the certificate {} expired {}; whether it still gets tokens is decided by \
                 token.expired_certificates in the configuration",
                record.sha1, record.not_after
            ));
        }
        if let Some(weakness) = outcome.weakness {
            self.notes.push(format!("warning: the certificate {} is weak: {weakness}", record.sha1));
        }
        let certificate = Some(view(record, session.now()));
        self.items.push(Item { file: file.to_owned(), result, reason: None, certificate });
    }

    fn refused(&mut self, file: &str, error: &CliError) {
        self.refused = true;
        self.notes.push(error.to_string());
        let reason = Some(error.what().to_owned());
        self.items.push(Item { file: file.to_owned(), result: "refused", reason, certificate: None });
    }
}
