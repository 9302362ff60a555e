//! `bob-auth registry participant show`: everything about the participant in one answer.

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::json;

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, or_dash, printable};
use super::super::session::Global;
use super::room::Room;
use crate::protocol::metadata::{MtbScope, Participant as Metadata};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Participant {
    /// Show everything that the registry has about the participant
    #[command(after_help = "Example:\n  bob-auth registry participant show")]
    Show,
}

impl Participant {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let Self::Show = self;
        let room = Room::open(global)?;
        let (participant, skipped) = room.client().participant().await?;
        let notes = skipped.iter().map(|skipped| {
            let id = or_dash(skipped.id.as_ref());
            printable(&format!("{} {id} is not shown: {}", skipped.list, skipped.why))
        });
        let answer = Answer::new(text(&participant), &json!({ "participant": participant }))?;
        Ok(answer.notes(notes.collect()))
    }
}

fn text(participant: &Metadata) -> String {
    let mut text = facts(&[
        ("participant", Some(participant.pid.to_string())),
        ("name", Some(participant.organisation_name.to_string())),
        ("domain name", participant.domain_name.as_ref().map(ToString::to_string)),
        ("info", participant.info.as_ref().map(|info| info.as_str().to_owned())),
    ]);
    let mut keys = Table::new(&["KEY", "FOR", "ALG", "THUMBPRINT"]);
    for key in &participant.authtoken_keys {
        keys.row(&[&key.kid, &"tokens", &key.key.algorithm().as_str(), &key.key.thumbprint()]);
    }
    for key in &participant.mtb_keys {
        let scope =
            key.scope.as_ref().map_or("tickets".to_owned(), |scope: &MtbScope| format!("tickets ({})", scope.as_str()));
        keys.row(&[&key.kid, &scope, &key.key.algorithm().as_str(), &key.key.thumbprint()]);
    }
    let mut endpoints = Table::new(&["ENDPOINT", "TYPE", "VERSION", "URI"]);
    for endpoint in &participant.endpoints {
        let call = &endpoint.call;
        endpoints.row(&[&endpoint.endpoint_id, &call.interface.as_str(), &call.version, &call.uri]);
    }
    let mut constraints = Table::new(&["ACCEPTED ISSUER", "LIFETIME"]);
    for constraint in &participant.signature_constraints {
        constraints.row(&[&constraint.acceptable_pid, &constraint.signature_lifetime.as_str()]);
    }
    let counts = [
        participant.authtoken_keys.len() + participant.mtb_keys.len(),
        participant.endpoints.len(),
        participant.signature_constraints.len(),
    ];
    for (table, count) in [keys, endpoints, constraints].iter().zip(counts) {
        if count > 0 {
            let _ = write!(text, "\n{table}");
        }
    }
    text
}
