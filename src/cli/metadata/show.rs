//! `bob-auth metadata show`: who is in a set, with which keys and endpoints.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::given::{Believing, notes_of_skipped};
use crate::cli::error::CliError;
use crate::cli::output::{Answer, Table, facts, or_dash};
use crate::cli::session::Global;
use crate::cli::words;
use crate::protocol::metadata::{MetadataSet, Participant};
use crate::value::{Clock as _, SystemClock, Timestamp};

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The set: a file, or where it is fetched [default: the registry of the configuration]
    #[arg(value_name = "FILE-or-URL")]
    set: Option<String>,
    #[command(flatten)]
    believing: Believing,
}

/// What the authority says about a set, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    serial: u64,
    authid: i64,
    not_valid_after: String,
    interval_seconds: Option<u64>,
    signed_by: Vec<String>,
    participants: usize,
    authtoken_keys: usize,
    left_out: usize,
}

#[derive(Debug, Serialize)]
struct View<'a> {
    set: Summary,
    participants: Vec<&'a Participant>,
}

impl Show {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let trust = self.believing.read(global, self.set.is_none())?;
        let loaded = trust.load(self.set.as_deref()).await?;
        let (set, now) = (&loaded.set, SystemClock.now());
        let shown: Vec<&Participant> = match global.pid {
            None => set.participants().iter().collect(),
            Some(pid) => vec![set.participant(pid).ok_or_else(|| {
                CliError::new(format!("{}: there is no participant {pid} in the set", loaded.name))
                    .next("leave --pid out to see all of them")
            })?],
        };
        let text = format!("{}\n{}", summary(set, now), tables(&shown));
        let view = View { set: Summary::of(set), participants: shown };
        let answer = Answer::new(text, &view)?.notes(trust.notes);
        let answer = match set.header().check_time(now) {
            Ok(()) => answer,
            Err(error) => answer.note(format!("it must not be used any more: {error}")),
        };
        Ok(answer.notes(notes_of_skipped(set)))
    }
}

impl Summary {
    pub(super) fn of(set: &MetadataSet) -> Self {
        let header = set.header();
        Self {
            serial: header.serial,
            authid: header.authid.get(),
            not_valid_after: header.not_valid_after.to_string(),
            interval_seconds: header.interval.map(|interval| interval.as_secs()),
            signed_by: header.anchors.iter().map(ToString::to_string).collect(),
            participants: set.participants().len(),
            authtoken_keys: set.participants().iter().map(|participant| participant.authtoken_keys.len()).sum(),
            left_out: set.skipped().len(),
        }
    }
}

/// What the authority says about a set, for people.
pub(super) fn summary(set: &MetadataSet, now: Timestamp) -> String {
    let Summary {
        serial,
        authid,
        not_valid_after,
        interval_seconds,
        signed_by,
        participants,
        authtoken_keys,
        left_out,
    } = Summary::of(set);
    let left = set.header().not_valid_after.seconds_since(now);
    let end = if left < 0 {
        format!("{not_valid_after}, {} ago", words::in_words(-left))
    } else {
        format!("{not_valid_after}, in {}", words::in_words(left))
    };
    let seconds = |seconds: u64| words::in_words(i64::try_from(seconds).unwrap_or(i64::MAX));
    facts(&[
        ("serial", Some(serial.to_string())),
        ("authority", Some(authid.to_string())),
        ("signed by", Some(signed_by.join(", "))),
        ("not valid after", Some(end)),
        ("interval", interval_seconds.map(seconds)),
        ("participants", Some(participants.to_string())),
        ("token keys", Some(authtoken_keys.to_string())),
        ("entries left out", (left_out > 0).then(|| left_out.to_string())),
    ])
}

fn tables(participants: &[&Participant]) -> String {
    let mut text = String::new();
    let mut who = Table::new(&["PID", "NAME", "DOMAIN", "TOKEN KEYS", "TICKET KEYS", "ENDPOINTS"]);
    let mut keys = Table::new(&["PID", "KEY", "ALG", "CHECKS"]);
    let mut endpoints = Table::new(&["PID", "ENDPOINT", "TYPE", "VERSION", "URI", "TLSA"]);
    let mut constraints = Table::new(&["PID", "ACCEPTS TICKETS OF", "FOR"]);
    let mut infos = Table::new(&["PID", "INFO"]);
    for participant in participants {
        let Participant { pid, organisation_name, domain_name, mtb_keys, authtoken_keys, .. } = participant;
        let counts = [authtoken_keys.len(), mtb_keys.len(), participant.endpoints.len()];
        who.row(&[pid, organisation_name, &or_dash(domain_name.as_ref()), &counts[0], &counts[1], &counts[2]]);
        for key in authtoken_keys {
            keys.row(&[pid, &key.kid, &key.key.algorithm(), &"tokens"]);
        }
        for key in mtb_keys {
            let scope = key
                .scope
                .as_ref()
                .map_or_else(|| "tickets".to_owned(), |scope| format!("tickets ({})", scope.as_str()));
            keys.row(&[pid, &key.kid, &key.key.algorithm(), &scope]);
        }
        for endpoint in &participant.endpoints {
            let call = &endpoint.call;
            let tlsa = call.tlsa.as_ref().map(|t| format!("{} {} {} {}", t.usage, t.selector, t.matching_type, t.data));
            let tlsa = or_dash(tlsa.as_ref());
            endpoints.row(&[pid, &endpoint.endpoint_id, &call.interface.as_str(), &call.version, &call.uri, &tlsa]);
        }
        for constraint in &participant.signature_constraints {
            constraints.row(&[pid, &constraint.acceptable_pid, &constraint.signature_lifetime]);
        }
        if let Some(info) = &participant.info {
            infos.row(&[pid, &info.as_str()]);
        }
    }
    for table in [who, keys, endpoints, constraints, infos] {
        if !table.is_empty() {
            let _ = write!(text, "{}{table}", if text.is_empty() { "" } else { "\n" });
        }
    }
    text
}
