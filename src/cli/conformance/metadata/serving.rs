//! The set as it is served: asked for in several ways, and what the answers show.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;

use super::envelope::Envelope;
use super::rules::{self, Finding};
use crate::cli::conformance::asker::{Ask, Asker, Heard};
use crate::cli::conformance::ledger::{Judgement, Ledger};
use crate::cli::error::CliError;
use crate::cli::wire::Answer;
use crate::protocol::metadata::SignedSet;
use crate::value::Timestamp;

/// So often it is asked for while changes are folded into it.
const TRIES: usize = 5;
/// Nobody is told to wait longer than that between two tries.
const LONGEST_WAIT: u64 = 5;

/// Asks for the set, and again while it is being updated.
pub(super) async fn fetch(
    asker: &mut Asker,
    target: &str,
    method: &str,
    headers: &[(&'static str, String)],
) -> Result<Heard, CliError> {
    let mut tries = 1;
    loop {
        let heard = asker.ask(&Ask { method, target, headers: headers.to_vec(), ..Ask::default() }).await?;
        let wait = heard.answer().filter(|answer| answer.status == 409).map(|answer| {
            let wish = answer.field("retry-after").and_then(|wish| wish.parse::<u64>().ok());
            Duration::from_secs(wish.unwrap_or(1).min(LONGEST_WAIT))
        });
        match wait {
            Some(wait) if tries < TRIES => tokio::time::sleep(wait).await,
            _ => return Ok(heard),
        }
        tries += 1;
    }
}

/// Asks for the set, and gives its bytes if there are any.
pub(super) async fn first(asker: &mut Asker, ledger: &mut Ledger, target: &str) -> Result<Option<Served>, CliError> {
    let heard = fetch(asker, target, "GET", &[]).await?;
    ledger.enter(&rules::SERVED, &*heard.sent, heard.judged(served));
    let Some(answer) = heard.answer().filter(|answer| answer.status == 200 && answer.complete) else { return Ok(None) };
    for (check, judgement) in of_first(answer) {
        ledger.enter(check, &*heard.sent, judgement);
    }
    Ok(Some(Served {
        sent: heard.sent.clone(),
        etag: answer.field("etag").map(str::to_owned),
        cache_control: answer.field("cache-control").map(str::to_owned),
        bytes: uncoded(answer),
    }))
}

/// The set as it came at first.
pub(super) struct Served {
    pub(super) sent: String,
    etag: Option<String>,
    pub(super) cache_control: Option<String>,
    /// None if it came in a coding that is not known here.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Asks for the same again in other ways.
pub(super) async fn again(
    asker: &mut Asker,
    ledger: &mut Ledger,
    target: &str,
    (served, envelope): (&Served, &Envelope),
) -> Result<(), CliError> {
    match &served.etag {
        Some(etag) => {
            let heard = fetch(asker, target, "GET", &[("If-None-Match", etag.clone())]).await?;
            ledger.enter(&rules::NOT_MODIFIED, &*heard.sent, heard.judged(not_modified));
        }
        None => ledger.enter(&rules::NOT_MODIFIED, "", Judgement::not_applicable("the set has no ETag")),
    }
    let heard = fetch(asker, target, "HEAD", &[]).await?;
    ledger.enter(&rules::HEAD, &*heard.sent, heard.judged(|answer| head(answer, served.etag.is_some())));
    let heard = fetch(asker, target, "GET", &[("Accept-Encoding", "gzip".to_owned())]).await?;
    ledger.enter(&rules::GZIP, &*heard.sent, heard.judged(compressed));
    ledger.enter(&rules::STEADY, &*heard.sent, heard.judged(|answer| steady(answer, envelope)));
    Ok(())
}

fn served(answer: &Answer) -> Judgement {
    match (answer.status, answer.complete) {
        (200, true) => Judgement::holds(format!("status 200, {} bytes", answer.body.len())),
        (200, false) => Judgement::broken(format!("status 200, but the body ends after {} bytes", answer.body.len())),
        (409, _) => Judgement::broken(format!("status 409, {TRIES} times: changes are being folded in without end")),
        (status, _) => Judgement::broken(format!("status {status}")),
    }
}

fn of_first(answer: &Answer) -> Vec<Finding> {
    let media = answer.field("content-type").unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = matches!(essence.as_str(), "application/json" | "application/jose+json");
    let coding = answer.field("content-encoding").unwrap_or("identity");
    let etag = answer.field("etag").unwrap_or_default();
    let well_formed = etag.strip_prefix("W/").unwrap_or(etag);
    let well_formed = well_formed.len() > 2 && well_formed.starts_with('"') && well_formed.ends_with('"');
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.chars().take(96).collect() };
    vec![
        (&rules::CONTENT_TYPE, Judgement::of(json, format!("Content-Type: {}", or_none(media)))),
        (&rules::UNCODED, Judgement::of(coding == "identity", format!("Content-Encoding: {}", or_none(coding)))),
        (&rules::ETAG, Judgement::of(well_formed, format!("ETag: {}", or_none(etag)))),
    ]
}

/// What `Cache-Control` says of a set that ends then.
pub(super) fn max_age(cache_control: Option<&str>, end: Option<Timestamp>, now: Timestamp) -> Judgement {
    let directives = cache_control.unwrap_or_default().split(',').map(str::trim);
    let named = directives.filter_map(|one| one.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("max-age"));
    let seconds =
        named.and_then(|(_, value)| value.trim_matches('"').parse::<i64>().ok()).filter(|seconds| *seconds > 0);
    let words: String = cache_control.unwrap_or("none").chars().take(96).collect();
    let left = end.map(|end| end.seconds_since(now)).filter(|left| *left >= 0);
    match (seconds, left) {
        (None, _) => Judgement::broken(format!("Cache-Control: {words}")),
        // A second may have passed since it was written.
        (Some(seconds), Some(left)) if seconds > left + 1 => {
            Judgement::broken(format!("Cache-Control: {words}, and the set ends in {left} seconds"))
        }
        _ => Judgement::holds(format!("Cache-Control: {words}")),
    }
}

fn not_modified(answer: &Answer) -> Judgement {
    Judgement::of(answer.status == 304, format!("status {}", answer.status))
}

fn head(answer: &Answer, has_etag: bool) -> Judgement {
    let (status, bytes) = (answer.status, answer.body.len());
    let same = answer.field("etag").is_some() == has_etag;
    let words = match (status, bytes, same) {
        (200, 0, true) => return Judgement::holds("status 200, and no body"),
        (200, 0, false) => "one of GET and HEAD has an ETag, the other has none".to_owned(),
        (200, ..) => format!("status 200, and {bytes} bytes of body"),
        _ => format!("status {status}"),
    };
    Judgement::broken(words)
}

fn compressed(answer: &Answer) -> Judgement {
    let coding = answer.field("content-encoding").unwrap_or("identity");
    if answer.status != 200 {
        return Judgement::broken(format!("status {}", answer.status));
    }
    if !is_gzip(coding) {
        return Judgement::broken(format!("Content-Encoding: {}", coding.chars().take(96).collect::<String>()));
    }
    match uncoded(answer) {
        Some(set) => Judgement::holds(format!("{} bytes instead of {}", answer.body.len(), set.len())),
        None => Judgement::broken("Content-Encoding: gzip, and the body is not"),
    }
}

fn steady(answer: &Answer, before: &Envelope) -> Judgement {
    let after = uncoded(answer).filter(|_| answer.status == 200).and_then(|bytes| Envelope::read(&bytes).ok());
    let Some(after) = after else { return Judgement::not_applicable("the set could not be read a second time") };
    match (before.serial(), after.serial()) {
        (Some(before), Some(after)) if after < before => {
            Judgement::broken(format!("the serial was {before}, and {after} the next time"))
        }
        (Some(old), Some(new)) if old == new && before.payload != after.payload => {
            Judgement::broken(format!("two fetches have the serial {old}, and different contents"))
        }
        (Some(old), Some(new)) => Judgement::holds(format!("serial {old}, then {new}")),
        _ => Judgement::not_applicable("the set has no serial"),
    }
}

fn is_gzip(coding: &str) -> bool {
    coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip")
}

/// The body without its coding; no more of it than a set may have.
pub(super) fn uncoded(answer: &Answer) -> Option<Vec<u8>> {
    match answer.field("content-encoding") {
        None | Some("identity") => Some(answer.body.clone()),
        Some(coding) if is_gzip(coding) => {
            let mut bytes = Vec::new();
            let most = SignedSet::MAX_BYTES as u64;
            GzDecoder::new(&*answer.body).take(most + 1).read_to_end(&mut bytes).ok()?;
            (bytes.len() <= SignedSet::MAX_BYTES).then_some(bytes)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_kept_for_a_while_and_not_beyond_its_end() {
        let now = Timestamp::from_seconds(1_000);
        let judged =
            |text, end: i64| Judgement::is_kept(&max_age(text, Some(Timestamp::from_seconds(1_000 + end)), now));
        assert!(judged(Some("max-age=3600"), 7_200) && judged(Some("public, Max-Age=\"60\""), 7_200));
        assert!(!judged(None, 7_200) && !judged(Some("no-cache"), 7_200) && !judged(Some("max-age=0"), 7_200));
        assert!(!judged(Some("max-age=3600"), 60));
        // That it is over is another rule's affair.
        assert!(judged(Some("max-age=3600"), -60));
    }

    #[test]
    fn a_set_that_grows_without_end_is_not_unpacked() {
        let mut packed = flate2::read::GzEncoder::new(std::io::repeat(0).take(65 << 20), flate2::Compression::fast());
        let mut body = Vec::new();
        packed.read_to_end(&mut body).unwrap();
        let fields = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
        let answer = Answer { status: 200, fields, body, complete: true };
        assert_eq!(uncoded(&answer), None);
        assert!(matches!(compressed(&answer), Judgement::Broken(_)));
    }
}
