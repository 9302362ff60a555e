//! What a participant gets that proves who it is, and what becomes of proofs that are bent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::content::{Content, OwnKids};
use super::prover::{About, Proven, Prover, tampered};
use super::rules;
use super::stranger::{refused, status};
use crate::cli::conformance::asker::Asker;
use crate::cli::conformance::check::Check;
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::wire::Answer;
use crate::protocol::jwk::PublicJwk;
use crate::protocol::pop::{AnswerParts, verify_answer};
use crate::protocol::registry::body::{read_domain_name, read_info, read_whole};
use crate::protocol::registry::operation::{KeyList, Place};
use crate::value::{Clock as _, Pid, SystemClock};

/// An hour: more than any clocks may be apart.
const HOUR: i64 = 3_600;

/// The participant, and whom it believes.
pub(super) struct Member {
    pub(super) pid: Pid,
    pub(super) prover: Prover,
    /// Another key under the same kid.
    pub(super) impostor: Prover,
    /// The keys that sign answers; none were given if it is empty.
    pub(super) answer_keys: Vec<PublicJwk>,
}

/// Asks. Says whether the participant is let in at all.
pub(super) async fn ask(
    asker: &mut Asker,
    ledger: &mut Ledger,
    member: &Member,
    (content, unknown): (&Content, Pid),
) -> Result<bool, CliError> {
    let own = Place::Participant(member.pid);
    let proven = member.prover.ask(asker, "GET", &own, None).await?;
    ledger.enter(&rules::OWN_READ, &*proven.heard.sent, proven.heard.judged(|answer| own_read(answer, member.pid)));
    if proven.heard.answer().is_none_or(|answer| answer.status != 200) {
        // Whoever refuses everything refuses what is bent as well.
        return Ok(false);
    }
    member.judge_signature(ledger, &proven);
    lists(asker, ledger, member, content).await?;
    nothing_there(asker, ledger, member, unknown).await?;
    others(asker, ledger, member, content).await?;
    bent(asker, ledger, member, &proven).await?;
    Ok(true)
}

impl Member {
    /// Judges the signature of an answer.
    pub(super) fn judge_signature(&self, ledger: &mut Ledger, proven: &Proven) {
        let Some(answer) = proven.heard.answer() else { return };
        let sent = &*proven.heard.sent;
        let Some(signature) = answer.field(&self.prover.profile.answer_header) else {
            ledger.enter(
                &rules::ANSWER_SIGNED,
                sent,
                Judgement::broken(format!("{}, no X-BoB-Response-PoP", status(answer))),
            );
            return;
        };
        ledger.enter(&rules::ANSWER_SIGNED, sent, Judgement::holds("X-BoB-Response-PoP is there"));
        if self.answer_keys.is_empty() {
            let why = "no key was given that signs answers: --answer-trust";
            ledger.enter(&rules::ANSWER_VERIFIES, sent, Judgement::not_applicable(why));
            return;
        }
        let headers: Vec<(&str, &str)> = answer.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let parts =
            AnswerParts { status: answer.status, headers: &headers, body: &answer.body, request: &proven.proof };
        let verified = verify_answer(signature, &self.answer_keys, &self.prover.profile, &parts, SystemClock.now());
        let judgement = match verified {
            Ok(()) => Judgement::holds("it verifies"),
            Err(error) => Judgement::broken(error.to_string()),
        };
        ledger.enter(&rules::ANSWER_VERIFIES, sent, judgement);
    }
}

fn own_read(answer: &Answer, pid: Pid) -> Judgement {
    if answer.status != 200 {
        return Judgement::broken(status(answer));
    }
    match read_whole(&answer.body) {
        Ok((participant, _)) if participant.pid == pid => Judgement::holds("status 200, the participant itself"),
        Ok((participant, _)) => Judgement::broken(format!("status 200, and it is participant {}", participant.pid)),
        Err(error) => Judgement::broken(format!("status 200, but {error}")),
    }
}

/// Reads each part of what is the participant's own, and one of its keys by its id.
async fn lists(asker: &mut Asker, ledger: &mut Ledger, member: &Member, content: &Content) -> Result<(), CliError> {
    let pid = member.pid;
    let mut kids = [KeyList::Mtb, KeyList::Authtoken].map(|list| (list, None));
    for (list, found) in &mut kids {
        let proven = member.prover.ask(asker, "GET", &Place::Keys(pid, *list), None).await?;
        ledger.enter(&rules::OWN_LISTS, &*proven.heard.sent, proven.heard.judged(array));
        *found = proven.heard.answer().and_then(kids_of);
    }
    for place in [Place::Endpoints(pid), Place::Constraints(pid)] {
        let heard = member.prover.ask(asker, "GET", &place, None).await?.heard;
        ledger.enter(&rules::OWN_LISTS, &*heard.sent, heard.judged(array));
    }
    for place in [Place::DomainName(pid), Place::Info(pid)] {
        let heard = member.prover.ask(asker, "GET", &place, None).await?.heard;
        ledger.enter(&rules::OWN_LISTS, &*heard.sent, heard.judged(|answer| single(answer, &place)));
    }
    let key = kids.iter().find_map(|(list, kids)| Some((*list, kids.as_ref()?.first()?.parse().ok()?)));
    if let Some((list, kid)) = key {
        let heard = member.prover.ask(asker, "GET", &Place::Key(pid, list, kid), None).await?.heard;
        ledger.enter(&rules::OWN_LISTS, &*heard.sent, heard.judged(object));
    }
    let [(_, ticket), (_, token)] = kids;
    let judgement = match (ticket, token, &content.own_kids) {
        (Some(ticket), Some(token), Some(in_set)) => same_kids(&OwnKids { ticket, token }, in_set),
        (_, _, None) => Judgement::broken(format!("participant {pid} is not in the set")),
        _ => Judgement::not_applicable("the keys could not be read"),
    };
    ledger.enter(&rules::OWN_IN_SET, "", judgement);
    Ok(())
}

fn same_kids(own: &OwnKids, in_set: &OwnKids) -> Judgement {
    let differing =
        |own: &BTreeSet<String>, in_set: &BTreeSet<String>| own.symmetric_difference(in_set).next().cloned();
    match differing(&own.ticket, &in_set.ticket).or_else(|| differing(&own.token, &in_set.token)) {
        Some(kid) => {
            Judgement::broken(format!("the key {} is in one of the two only", kid.chars().take(64).collect::<String>()))
        }
        None => Judgement::holds(format!("{} keys in both", own.ticket.len() + own.token.len())),
    }
}

fn value_of(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok().filter(|_| answer.status == 200)
}

fn kids_of(answer: &Answer) -> Option<BTreeSet<String>> {
    let list = value_of(answer)?;
    list.as_array()?.iter().map(|key| Some(key.get("kid")?.as_str()?.to_owned())).collect()
}

fn array(answer: &Answer) -> Judgement {
    Judgement::of(
        value_of(answer).is_some_and(|value| value.is_array()),
        format!("{}, to be 200 with an array", status(answer)),
    )
}

fn object(answer: &Answer) -> Judgement {
    Judgement::of(
        value_of(answer).is_some_and(|value| value.is_object()),
        format!("{}, to be 200 with an object", status(answer)),
    )
}

fn single(answer: &Answer, place: &Place) -> Judgement {
    let good = match (answer.status, place) {
        (404, _) => true,
        (200, Place::DomainName(_)) => read_domain_name(&answer.body).is_ok(),
        (200, _) => read_info(&answer.body).is_ok(),
        _ => false,
    };
    Judgement::of(good, format!("{}, to be 404, or 200 with a proper body", status(answer)))
}

async fn nothing_there(asker: &mut Asker, ledger: &mut Ledger, member: &Member, unknown: Pid) -> Result<(), CliError> {
    let Ok(kid) = "bob-auth-conformance:no-such-key".parse() else { return Ok(()) };
    let kid: crate::value::Kid = kid;
    for place in [
        Place::Key(member.pid, KeyList::Authtoken, kid.clone()),
        Place::Key(member.pid, KeyList::Mtb, kid),
        Place::Endpoint(member.pid, 9_007_199_254_740_991),
        Place::Constraint(member.pid, unknown),
    ] {
        let proven = member.prover.ask(asker, "GET", &place, None).await?;
        let judge = |answer: &Answer| Judgement::of(answer.status == 404, status(answer));
        ledger.enter(&rules::UNKNOWN_THING, &*proven.heard.sent, proven.heard.judged(judge));
        if matches!(place, Place::Endpoint(..)) {
            member.judge_signature(ledger, &proven);
        }
    }
    Ok(())
}

async fn others(asker: &mut Asker, ledger: &mut Ledger, member: &Member, content: &Content) -> Result<(), CliError> {
    let Some(other) = content.pids.iter().find(|pid| **pid != member.pid) else {
        ledger.enter(&rules::OTHERS, "", Judgement::not_applicable("there is no other participant"));
        return Ok(());
    };
    for place in [Place::Participant(*other), Place::Keys(*other, KeyList::Authtoken)] {
        let heard = member.prover.ask(asker, "GET", &place, None).await?.heard;
        let judge = |answer: &Answer| Judgement::of(matches!(answer.status, 401 | 403 | 404), status(answer));
        ledger.enter(&rules::OTHERS, &*heard.sent, heard.judged(judge));
    }
    Ok(())
}

async fn bent(asker: &mut Asker, ledger: &mut Ledger, member: &Member, used: &Proven) -> Result<(), CliError> {
    let prover = &member.prover;
    let own = prover.path(&Place::Participant(member.pid));
    let elsewhere = prover.path(&Place::Keys(member.pid, KeyList::Authtoken));
    let right = prover.reading(&own);
    let at = |seconds| About { at: right.at.plus_seconds(seconds), ..right };
    let proofs: [(&'static Check, String, &str); 8] = [
        (&rules::REPLAY, used.proof.clone(), "the proof of the request before, once more"),
        (&rules::TAMPERED, tampered(&prover.prove(&right)?), "with another signature"),
        (&rules::TAMPERED, member.impostor.prove(&right)?, "signed with another key, under the participant's kid"),
        (&rules::OTHER_PATH, prover.prove(&About { path: &elsewhere, ..right })?, "signed for the token keys"),
        (&rules::OTHER_METHOD, prover.prove(&About { method: "PUT", ..right })?, "signed for PUT"),
        (
            &rules::OTHER_HOST,
            prover.prove(&About { host: "another-registry.invalid", ..right })?,
            "signed for another host",
        ),
        (&rules::OLD, prover.prove(&at(-HOUR))?, "signed an hour ago"),
        (&rules::FUTURE, prover.prove(&at(HOUR))?, "signed an hour ahead"),
    ];
    for (check, proof, how) in proofs {
        let heard = prover.ask_with(asker, ("GET", &own), &proof, None).await?;
        ledger.enter(check, format!("{}\n({how})", heard.sent), heard.judged(refused));
    }
    Ok(())
}
