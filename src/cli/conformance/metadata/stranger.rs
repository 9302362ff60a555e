//! What somebody is told who proves nothing, or with a key that nobody knows.

use super::prover::{Prover, unsigned};
use super::rules;
use crate::cli::conformance::asker::{Ask, Asker, Heard};
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::wire::Answer;
use crate::protocol::registry::operation::{KeyList, Place};
use crate::value::Pid;

/// Whom the stranger asks about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Somebody {
    /// A participant that there is.
    pub(super) known: Pid,
    /// One that there is not.
    pub(super) unknown: Pid,
}

/// Asks. `claimed` is the kid that a proof without a signature names.
pub(super) async fn ask(
    asker: &mut Asker,
    ledger: &mut Ledger,
    (prover, claimed): (&Prover, &str),
    who: Somebody,
) -> Result<(), CliError> {
    let places = [
        Place::Participant(who.known),
        Place::DomainName(who.known),
        Place::Keys(who.known, KeyList::Mtb),
        Place::Keys(who.known, KeyList::Authtoken),
        Place::Endpoints(who.known),
        Place::Constraints(who.known),
        Place::Info(who.known),
    ];
    for place in &places {
        let target = prover.path(place);
        let heard = asker.ask(&Ask { target: &target, ..Ask::default() }).await?;
        ledger.enter(&rules::PROOF_REQUIRED, &*heard.sent, heard.judged(refused));
        ledger.enter(&rules::CHALLENGE, &*heard.sent, heard.judged(challenged));
    }
    without_proof(asker, ledger, prover, who).await?;
    with_nonsense(asker, ledger, prover, who.known).await?;
    with_unknown_key(asker, ledger, prover, who).await?;
    let path = prover.path(&Place::Participant(who.known));
    let proof = unsigned(&prover.prove(&prover.reading(&path))?, claimed);
    let heard = prover.ask_with(asker, ("GET", &path), &proof, None).await?;
    ledger.enter(&rules::ALG_NONE, &*heard.sent, heard.judged(refused));
    Ok(())
}

async fn without_proof(asker: &mut Asker, ledger: &mut Ledger, prover: &Prover, who: Somebody) -> Result<(), CliError> {
    let target = prover.path(&Place::Participant(who.known));
    let known = asker.ask(&Ask { target: &target, ..Ask::default() }).await?;
    let target = prover.path(&Place::Participant(who.unknown));
    let unknown = asker.ask(&Ask { target: &target, ..Ask::default() }).await?;
    ledger.enter(&rules::TELLS_NOTHING, both(&known, &unknown), alike(&known, &unknown, who));
    Ok(())
}

async fn with_nonsense(asker: &mut Asker, ledger: &mut Ledger, prover: &Prover, known: Pid) -> Result<(), CliError> {
    let target = prover.path(&Place::Participant(known));
    for credentials in ["PoP nonsense", "Bearer nonsense", "PoP a.b.c"] {
        let headers = vec![("Authorization", credentials.to_owned())];
        let heard = asker.ask(&Ask { target: &target, headers, ..Ask::default() }).await?;
        let judge = |answer: &Answer| Judgement::of(matches!(answer.status, 400 | 401), status(answer));
        ledger.enter(&rules::NO_PROOF, &*heard.sent, heard.judged(judge));
    }
    Ok(())
}

async fn with_unknown_key(
    asker: &mut Asker,
    ledger: &mut Ledger,
    prover: &Prover,
    who: Somebody,
) -> Result<(), CliError> {
    let known = prover.ask(asker, "GET", &Place::Participant(who.known), None).await?.heard;
    let unknown = prover.ask(asker, "GET", &Place::Participant(who.unknown), None).await?.heard;
    ledger.enter(&rules::STRANGER, &*known.sent, known.judged(refused));
    ledger.enter(&rules::STRANGER_TOLD_NOTHING, both(&known, &unknown), alike(&known, &unknown, who));
    Ok(())
}

/// 401 and nothing else.
pub(super) fn refused(answer: &Answer) -> Judgement {
    Judgement::of(answer.status == 401, status(answer))
}

/// The status in words.
pub(super) fn status(answer: &Answer) -> String {
    format!("status {}", answer.status)
}

fn challenged(answer: &Answer) -> Judgement {
    match (answer.status, answer.field("www-authenticate")) {
        (401, Some(challenge)) => {
            Judgement::holds(format!("WWW-Authenticate: {}", challenge.chars().take(96).collect::<String>()))
        }
        (401, None) => Judgement::broken("401 without WWW-Authenticate"),
        _ => Judgement::not_applicable(format!("{}, not 401", status(answer))),
    }
}

fn both(one: &Heard, other: &Heard) -> String {
    format!("{}\n{}", one.sent, other.sent)
}

/// Whether two answers differ in nothing but the pid that was asked about.
fn alike(known: &Heard, unknown: &Heard, who: Somebody) -> Judgement {
    let (Some(one), Some(other)) = (known.answer(), unknown.answer()) else {
        return Judgement::not_applicable("there is no answer to compare");
    };
    if one.status != 401 {
        return Judgement::not_applicable(format!("{}, not 401", status(one)));
    }
    let raw = [one, other].map(told);
    let [of_known, of_unknown] = if raw[0] == raw[1] {
        raw
    } else {
        [(&raw[0], who.known), (&raw[1], who.unknown)].map(|(told, pid)| without(told, pid))
    };
    let differs = if of_known.0 != of_unknown.0 {
        format!("status {} for one that exists, {} for one that does not", of_known.0, of_unknown.0)
    } else if of_known.1 != of_unknown.1 {
        "the headers differ".to_owned()
    } else if of_known.2 != of_unknown.2 {
        "the bodies differ".to_owned()
    } else {
        return Judgement::holds("status, headers and body are the same for one that exists and one that does not");
    };
    Judgement::broken(differs)
}

/// What an answer tells: its status, the headers that say something, its body.
type Told = (u16, Vec<(String, String)>, String);

fn told(answer: &Answer) -> Told {
    const TELLING: [&str; 4] = ["content-type", "www-authenticate", "cache-control", "x-bob-reason"];
    let told = |(name, value): &(String, String)| {
        let name = name.to_ascii_lowercase();
        TELLING.contains(&name.as_str()).then(|| (name, value.clone()))
    };
    let mut fields: Vec<_> = answer.fields.iter().filter_map(told).collect();
    fields.sort();
    (answer.status, fields, String::from_utf8_lossy(&answer.body).into_owned())
}

/// The same without the pid that was asked about, where it stands by itself: 1 is not in 401.
fn without((status, fields, body): &Told, pid: Pid) -> Told {
    let pid = pid.to_string();
    let fields = fields.iter().map(|(name, value)| (name.clone(), by_itself(value, &pid))).collect();
    (*status, fields, by_itself(body, &pid))
}

fn by_itself(text: &str, pid: &str) -> String {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(pid) {
        let (before, found) = rest.split_at(at);
        let after = found.get(pid.len()..).unwrap_or_default();
        out.push_str(before);
        let part = digit(out.chars().next_back()) || digit(after.chars().next());
        out.push_str(if part { pid } else { "PID" });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, body: &str) -> Heard {
        let answer = Answer { status, body: body.as_bytes().to_vec(), complete: true, ..Answer::default() };
        Heard {
            sent: String::new(),
            reply: Some(crate::cli::wire::Reply::Answer(answer)),
            version: None,
            resumed: false,
        }
    }

    fn judged(known: &str, unknown: &str) -> bool {
        let [one, other] = [1, 999].map(|number| Pid::new(number).unwrap());
        let who = Somebody { known: one, unknown: other };
        matches!(alike(&heard(401, known), &heard(401, unknown), who), Judgement::Holds(_))
    }

    #[test]
    fn answers_that_are_the_same_but_for_the_pid_are_alike() {
        assert!(judged(r#"{"status":401}"#, r#"{"status":401}"#));
        assert!(judged(r#"{"status":401,"path":"/1/x"}"#, r#"{"status":401,"path":"/999/x"}"#));
        assert!(!judged(r#"{"status":401,"a":"known"}"#, r#"{"status":401,"a":"unknown"}"#));
        assert_eq!(by_itself("1 401 /1/ 11 x1", "1"), "PID 401 /PID/ 11 xPID");
    }

    #[test]
    fn another_status_is_told() {
        let who = Somebody { known: Pid::new(1).unwrap(), unknown: Pid::new(2).unwrap() };
        let judgement = alike(&heard(401, ""), &heard(404, ""), who);
        assert_eq!(judgement, Judgement::broken("status 401 for one that exists, 404 for one that does not"));
    }
}
