//! Changes, for those who want them tried: an endpoint, a domain name and an info that say what they are, added, changed and
//! removed again. What was there before is left alone, and whatever happens, what was added is looked for and removed.

use std::time::Duration;

use serde_json::{Value, json};

use super::envelope::Envelope;
use super::member::Member;
use super::prover::{About, Proven};
use super::rules;
use super::serving::{fetch, uncoded};
use super::stranger::{refused, status};
use crate::cli::conformance::asker::{Ask, Asker, Heard};
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::wire::Answer;
use crate::protocol::registry::operation::Place;

/// Where the endpoint is said to be. Nobody is there (RFC 6761 section 6.4).
const URI: &str = "https://bob-auth-conformance.invalid/";
/// Where it is said to be after PUT.
const OTHER_URI: &str = "https://bob-auth-conformance.invalid/changed";
/// The domain name.
const DOMAIN: &str = "bob-auth-conformance.invalid";
/// So often, a second apart, the set is looked at for the change.
const LOOKS: usize = 6;

/// What was added, in words, and what could not be removed.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) added: Vec<String>,
    pub(super) left: Vec<String>,
}

/// Tries changes, and leaves things as they were.
pub(super) async fn attempt(
    asker: &mut Asker,
    ledger: &mut Ledger,
    member: &Member,
    (target, before): (&str, Option<&Envelope>),
) -> Result<Trace, CliError> {
    let mut trace = Trace::default();
    let tried = changes(asker, ledger, member, (target, before, &mut trace)).await;
    // A server that was silent all the time is asked all the same.
    asker.insist();
    let cleaned = clean_up(asker, member, &mut trace).await;
    tried.and(cleaned).map(|()| trace)
}

type Around<'a> = (&'a str, Option<&'a Envelope>, &'a mut Trace);

async fn changes(
    asker: &mut Asker,
    ledger: &mut Ledger,
    member: &Member,
    (target, before, trace): Around<'_>,
) -> Result<(), CliError> {
    unacceptable(asker, ledger, member).await?;
    let created = add(asker, ledger, member).await?;
    if let Some(id) = created {
        trace.added.push(format!("endpoint {id}"));
        let place = Place::Endpoint(member.pid, id);
        read_back(asker, ledger, member, &place).await?;
        rises(asker, ledger, (target, before), URI).await?;
        replace(asker, ledger, member, (&place, id)).await?;
        unproven(asker, ledger, member, (&place, id)).await?;
        remove(asker, ledger, member, &place).await?;
    }
    let info = json!({ "bob-auth-conformance": "a test; it is removed at once" });
    let info = (&rules::INFO_CHANGES, Place::Info(member.pid), info, "an info", 201);
    for (check, place, value, name, answered) in
        [info, (&rules::DOMAIN_CHANGES, Place::DomainName(member.pid), json!(DOMAIN), "a domain name", 204)]
    {
        let one = Single { place, value, answered };
        let (sent, judgement, added) = one.attempt(asker, member).await?;
        if added {
            trace.added.push(name.to_owned());
        }
        ledger.enter(check, sent, judgement);
    }
    Ok(())
}

fn call(uri: &str) -> Value {
    json!({ "version": 1, "type": "resource", "uri": uri })
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn with_id(uri: &str, id: i64) -> Value {
    let mut endpoint = call(uri);
    endpoint["endpointId"] = id.into();
    endpoint
}

/// Endpoints that are none. Should one be taken, the clean-up finds it by its address.
async fn unacceptable(asker: &mut Asker, ledger: &mut Ledger, member: &Member) -> Result<(), CliError> {
    let mut none = call(URI);
    none["version"] = 0.into();
    // A SHA-256 of one byte: of the right form, and wrong.
    let mut odd = call(URI);
    odd["tlsa"] = json!({ "usage": 3, "selector": 1, "type": 1, "data": "00" });
    for (endpoint, how) in [(none, "version 0"), (odd, "a tlsa of type 1 with one byte of data")] {
        let place = Place::Endpoints(member.pid);
        let heard = member.prover.ask(asker, "POST", &place, Some(bytes(&endpoint))).await?.heard;
        let sent = format!("{}\n({how})", heard.sent);
        if endpoint["version"] == 0 {
            let judge = |answer: &Answer| Judgement::of(matches!(answer.status, 400 | 422), status(answer));
            ledger.enter(&rules::UNACCEPTABLE, &*sent, heard.judged(judge));
        }
        ledger.enter(&rules::REASON, sent, heard.judged(reason));
    }
    Ok(())
}

fn reason(answer: &Answer) -> Judgement {
    match (answer.status, serde_json::from_slice::<String>(&answer.body)) {
        (422, Ok(reason)) => Judgement::holds(format!("status 422: {}", shown(&reason))),
        (422, Err(_)) => Judgement::broken("status 422, and the body is no JSON string"),
        _ => Judgement::not_applicable(format!("{}, not 422", status(answer))),
    }
}

async fn add(asker: &mut Asker, ledger: &mut Ledger, member: &Member) -> Result<Option<i64>, CliError> {
    let proven = member.prover.ask(asker, "POST", &Place::Endpoints(member.pid), Some(bytes(&call(URI)))).await?;
    let Proven { heard, .. } = &proven;
    ledger.enter(&rules::CREATED, &*heard.sent, heard.judged(|a| Judgement::of(a.status == 201, status(a))));
    let Some(answer) = heard.answer().filter(|answer| (200..300).contains(&answer.status)) else { return Ok(None) };
    member.judge_signature(ledger, &proven);
    let in_body = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|body| body.get("endpointId")?.as_i64());
    let location = answer.field("location").unwrap_or_default();
    let last = location.rsplit('/').next().and_then(|last| last.parse::<i64>().ok());
    let judgement = match (last, in_body) {
        (Some(last), Some(id)) if last == id => {
            let place = member.prover.path(&Place::Endpoint(member.pid, id));
            Judgement::of(location.ends_with(&place), format!("Location: {}", shown(location)))
        }
        (None, _) => Judgement::broken(format!(
            "Location: {}",
            if location.is_empty() { "none".to_owned() } else { shown(location) }
        )),
        (_, None) => Judgement::broken("the body has no endpointId"),
        (Some(last), Some(id)) => {
            Judgement::broken(format!("Location leads to {last}, the body has the endpointId {id}"))
        }
    };
    ledger.enter(&rules::LOCATION, &*heard.sent, judgement);
    Ok(in_body.or(last))
}

fn shown(text: &str) -> String {
    text.chars().take(128).collect()
}

/// Whether an answer is this endpoint.
fn is_at(answer: &Answer, uri: &str) -> Judgement {
    let read = serde_json::from_slice::<Value>(&answer.body).ok();
    let right = read.is_some_and(|read| read["uri"] == uri && read["version"] == 1 && read["type"] == "resource");
    let words = if right { "as it was written" } else { "and not as it was written" };
    Judgement::of(answer.status == 200 && right, format!("{}, {words}", status(answer)))
}

async fn read_back(asker: &mut Asker, ledger: &mut Ledger, member: &Member, place: &Place) -> Result<(), CliError> {
    let heard = member.prover.ask(asker, "GET", place, None).await?.heard;
    ledger.enter(&rules::READ_BACK, &*heard.sent, heard.judged(|answer| is_at(answer, URI)));
    Ok(())
}

/// Looks for the change in the set.
async fn rises(
    asker: &mut Asker,
    ledger: &mut Ledger,
    (target, before): (&str, Option<&Envelope>),
    uri: &str,
) -> Result<(), CliError> {
    let Some(before) = before.and_then(Envelope::serial) else { return Ok(()) };
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let heard = fetch(asker, target, "GET", &[]).await?;
        let set = heard.answer().filter(|answer| answer.status == 200).and_then(uncoded);
        let Some(set) = set.and_then(|bytes| Envelope::read(&bytes).ok()) else { continue };
        if !set.payload.windows(uri.len()).any(|window| window == uri.as_bytes()) {
            continue;
        }
        let serial = set.serial();
        let words = format!("the serial was {before}, and {} with the change", serial.unwrap_or_default());
        ledger.enter(&rules::SERIAL_RISES, &*heard.sent, Judgement::of(serial.is_some_and(|now| now > before), words));
        return Ok(());
    }
    let words = format!("the set did not show the change within {LOOKS} seconds");
    ledger.enter(&rules::SERIAL_RISES, "", Judgement::not_applicable(words));
    Ok(())
}

async fn replace(
    asker: &mut Asker,
    ledger: &mut Ledger,
    member: &Member,
    (place, id): (&Place, i64),
) -> Result<(), CliError> {
    let put = member.prover.ask(asker, "PUT", place, Some(bytes(&with_id(OTHER_URI, id)))).await?.heard;
    ledger.enter(&rules::PUT, &*put.sent, put.judged(|answer| Judgement::of(answer.status == 204, status(answer))));
    if put.answer().is_some_and(|answer| answer.status == 204) {
        let heard = member.prover.ask(asker, "GET", place, None).await?.heard;
        ledger.enter(&rules::PUT, &*heard.sent, heard.judged(|answer| is_at(answer, OTHER_URI)));
    }
    Ok(())
}

/// Nobody proves anything, or something else.
async fn unproven(
    asker: &mut Asker,
    ledger: &mut Ledger,
    member: &Member,
    (place, id): (&Place, i64),
) -> Result<(), CliError> {
    let path = member.prover.path(place);
    let heard = asker.ask(&Ask { method: "DELETE", target: &path, ..Ask::default() }).await?;
    ledger.enter(&rules::UNPROVEN_CHANGE, &*heard.sent, heard.judged(refused));
    let signed = with_id(URI, id).to_string();
    let about = About { method: "PUT", body: signed.as_bytes(), ..member.prover.reading(&path) };
    let proof = member.prover.prove(&about)?;
    let sent = Some(bytes(&with_id("https://bob-auth-conformance.invalid/other", id)));
    let heard = member.prover.ask_with(asker, ("PUT", &path), &proof, sent).await?;
    ledger.enter(&rules::OTHER_BODY, format!("{}\n(signed for another body)", heard.sent), heard.judged(refused));
    Ok(())
}

async fn remove(asker: &mut Asker, ledger: &mut Ledger, member: &Member, place: &Place) -> Result<(), CliError> {
    let heard = member.prover.ask(asker, "DELETE", place, None).await?.heard;
    ledger.enter(
        &rules::DELETED,
        &*heard.sent,
        heard.judged(|answer| Judgement::of(answer.status == 204, status(answer))),
    );
    let heard = member.prover.ask(asker, "GET", place, None).await?.heard;
    let judge = |answer: &Answer| Judgement::of(answer.status == 404, format!("{} after DELETE", status(answer)));
    ledger.enter(&rules::DELETED, &*heard.sent, heard.judged(judge));
    Ok(())
}

/// Something of which a participant has one or none.
struct Single {
    place: Place,
    value: Value,
    /// What PUT answers.
    answered: u16,
}

impl Single {
    /// Puts, reads and deletes it, if there is none yet. Says whether it was put.
    async fn attempt(&self, asker: &mut Asker, member: &Member) -> Result<(String, Judgement, bool), CliError> {
        let prover = &member.prover;
        let before = prover.ask(asker, "GET", &self.place, None).await?.heard;
        if before.answer().is_none_or(|answer| answer.status != 404) {
            let why = "there is one already, which is left alone";
            return Ok((before.sent, Judgement::not_applicable(why), false));
        }
        let put = prover.ask(asker, "PUT", &self.place, Some(bytes(&self.value))).await?.heard;
        let sent = put.sent.clone();
        let read = prover.ask(asker, "GET", &self.place, None).await?.heard;
        let deleted = prover.ask(asker, "DELETE", &self.place, None).await?.heard;
        let gone = prover.ask(asker, "GET", &self.place, None).await?.heard;
        let status = |heard: &Heard| heard.answer().map_or(0, |answer| answer.status);
        let same = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body).is_ok_and(|read| read == self.value);
        let statuses = [&put, &read, &deleted, &gone].map(status);
        let kept = statuses == [self.answered, 200, 204, 404] && read.answer().is_some_and(same);
        let [put, read, deleted, gone] = statuses;
        let words = format!("PUT {put}, GET {read}, DELETE {deleted}, GET {gone}");
        Ok((sent, Judgement::of(kept, words), true))
    }
}

/// Looks for everything that could have been added, and removes it.
async fn clean_up(asker: &mut Asker, member: &Member, trace: &mut Trace) -> Result<(), CliError> {
    let prover = &member.prover;
    let listed = prover.ask(asker, "GET", &Place::Endpoints(member.pid), None).await?.heard;
    let list = listed.answer().and_then(|answer| serde_json::from_slice::<Vec<Value>>(&answer.body).ok());
    if list.is_none() && !trace.added.is_empty() {
        trace.left.push("endpoints: the list of them cannot be read".to_owned());
    }
    for endpoint in list.unwrap_or_default() {
        let ours = endpoint["uri"].as_str().is_some_and(|uri| uri.starts_with(URI));
        let Some(id) = endpoint["endpointId"].as_i64().filter(|_| ours) else { continue };
        let heard = prover.ask(asker, "DELETE", &Place::Endpoint(member.pid, id), None).await?.heard;
        if heard.answer().is_none_or(|answer| answer.status != 204) {
            trace.left.push(format!("endpoint {id}"));
        }
    }
    for (place, name) in [(Place::Info(member.pid), "an info"), (Place::DomainName(member.pid), "a domain name")] {
        if !trace.added.iter().any(|added| added == name) {
            continue;
        }
        let is_there = |heard: &Heard| {
            heard.answer().is_some_and(|answer| {
                answer.status == 200 && String::from_utf8_lossy(&answer.body).contains("bob-auth-conformance")
            })
        };
        if is_there(&prover.ask(asker, "GET", &place, None).await?.heard) {
            let heard = prover.ask(asker, "DELETE", &place, None).await?.heard;
            if heard.answer().is_none_or(|answer| answer.status != 204) {
                trace.left.push(name.to_owned());
            }
        }
    }
    Ok(())
}
