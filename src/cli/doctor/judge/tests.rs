//! What each reply means.

use ring::rand::SystemRandom;

use super::*;
use crate::value::Timestamp;

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn made() -> Certificate {
    Nature::Leaf.make(Timestamp::from_seconds(1_800_000_000), &SystemRandom::new()).unwrap().0
}

fn arrived(names: &[(&str, usize)]) -> Vec<Arrived> {
    names.iter().map(|(name, count)| Arrived { name: (*name).to_owned(), count: *count }).collect()
}

fn probe(identity: Option<&Certificate>, names: &[(&str, usize)]) -> Probe {
    let identity = identity.map(|one| Identity { sha1: one.sha1, sha256: Some(one.sha256) });
    Probe { peer_trusted: true, identity, identity_headers: arrived(names), ..Probe::default() }
}

fn told(probe: Probe) -> Reply {
    Reply::Answer(Answer { status: 200, probe: Some(probe), ..Answer::default() })
}

fn status(status: u16) -> Reply {
    Reply::Answer(Answer { status, ..Answer::default() })
}

fn broken_off() -> Reply {
    Reply::BrokenOff("alert".to_owned())
}

#[test]
fn before_anything_is_examined_it_is_told_why_nothing_can_be() {
    let finding = |reply: &Reply| reached(reply).unwrap_err().finding;
    assert_eq!(finding(&Reply::NoConnection(String::new())), Some(Finding::Unreachable));
    assert_eq!(finding(&Reply::ServerNotVerified(String::new())), Some(Finding::ServerNotVerified));
    assert_eq!(finding(&broken_off()), Some(Finding::NoTls));
    assert_eq!(finding(&Reply::Silent), Some(Finding::Silent));
    assert_eq!(finding(&status(404)), Some(Finding::ProbeMissing));
    assert_eq!(finding(&status(502)), Some(Finding::VerifierDown));
    assert_eq!(finding(&status(200)), Some(Finding::NotAProbe));
    let guarded = Answer { status: 401, reason: Some("token_missing".to_owned()), ..Answer::default() };
    assert_eq!(finding(&Reply::Answer(guarded)), Some(Finding::ProbeMissing));
    assert_eq!(finding(&told(Probe { peer_trusted: false, ..probe(None, &[]) })), Some(Finding::PeerUntrusted));
    let fault = Some("proxy_secret".to_owned());
    assert_eq!(finding(&told(Probe { fault, ..probe(None, &[]) })), Some(Finding::ProxySecret));
    assert_eq!(reached(&told(probe(None, &[]))), Ok(()));
}

#[test]
fn a_client_without_a_certificate_is_nobody_or_gets_a_401() {
    assert_eq!(nobody(&told(probe(None, &[]))).finding, None);
    assert_eq!(nobody(&status(401)).finding, None);
    assert_eq!(nobody(&status(400)).finding, Some(Finding::CertificateDemanded));
    assert_eq!(nobody(&broken_off()).finding, Some(Finding::CertificateDemanded));
    assert_eq!(nobody(&told(probe(Some(&made()), &[]))).finding, Some(Finding::IdentityOfNobody));
}

#[test]
fn what_becomes_of_a_certificate_is_told_apart() {
    let (own, other) = (made(), made());
    let of = |reply: &Reply, nature, proxy| certificate(reply, &own, Some(nature), proxy).finding;
    let leaf = |reply: &Reply| of(reply, Nature::Leaf, None);
    assert_eq!(leaf(&told(probe(Some(&own), &[]))), None);
    assert_eq!(leaf(&told(probe(Some(&other), &[]))), Some(Finding::WrongIdentity));
    assert_eq!(leaf(&told(probe(None, &[]))), Some(Finding::NotHandedOver));
    let fault = |fault: &str| told(Probe { fault: Some(fault.to_owned()), ..probe(None, &[]) });
    assert_eq!(leaf(&fault("header_mismatch")), Some(Finding::Unreadable));
    assert_eq!(leaf(&fault("cert_header_too_large")), Some(Finding::TooLarge));
    assert_eq!(leaf(&broken_off()), Some(Finding::BrokenOff));
    assert_eq!(leaf(&status(400)), Some(Finding::Refused400));
    assert_eq!(leaf(&status(401)), Some(Finding::Refused401));
    assert_eq!(of(&status(400), Nature::Large, None), Some(Finding::LargeRefused));
    assert_eq!(leaf(&status(431)), Some(Finding::TooLarge));
    assert_eq!(of(&status(401), Nature::Expired, None), Some(Finding::ProxyDecides));
    assert_eq!(of(&status(400), Nature::Expired, Some(Proxy::Nginx)), Some(Finding::Refused400));
    assert_eq!(of(&broken_off(), Nature::Expired, Some(Proxy::Apache)), Some(Finding::KnownLimit));
    assert_eq!(of(&broken_off(), Nature::Expired, Some(Proxy::Haproxy)), Some(Finding::BrokenOff));
    assert_eq!(of(&broken_off(), Nature::Leaf, Some(Proxy::Apache)), Some(Finding::BrokenOff));
}

#[test]
fn a_sha256_of_another_certificate_is_another_certificate() {
    let (own, other) = (made(), made());
    let mixed = Probe { identity: Some(Identity { sha1: own.sha1, sha256: Some(other.sha256) }), ..probe(None, &[]) };
    assert_eq!(certificate(&told(mixed), &own, None, None).finding, Some(Finding::WrongIdentity));
    let bare = Probe { identity: Some(Identity { sha1: own.sha1, sha256: None }), ..probe(None, &[]) };
    assert_eq!(certificate(&told(bare), &own, None, None).finding, None);
}

#[test]
fn a_forged_header_must_neither_count_nor_arrive() {
    let (own, victim) = (made(), made());
    let usual = arrived(&[("x-ssl-client-sha1", 1)]);
    let alone = |reply: &Reply| forgery(reply, Usual { own: None, headers: &[] }, &victim).finding;
    let with = |reply: &Reply| forgery(reply, Usual { own: Some(&own), headers: &usual }, &victim).finding;
    assert_eq!(alone(&told(probe(None, &[]))), None);
    assert_eq!(alone(&status(401)), None);
    assert_eq!(alone(&broken_off()), None);
    assert_eq!(alone(&status(502)), Some(Finding::OtherStatus));
    assert_eq!(alone(&told(probe(Some(&victim), &[("x-ssl-client-sha1", 1)]))), Some(Finding::ForgedIdentity));
    assert_eq!(alone(&told(probe(Some(&own), &[]))), Some(Finding::IdentityOfNobody));
    assert_eq!(alone(&told(probe(None, &[("x-bob-pid", 1)]))), Some(Finding::ForgedHeader));
    assert_eq!(alone(&told(probe(None, &[("x_bob_pid", 1)]))), Some(Finding::UnderscoreHeader));
    assert_eq!(with(&told(probe(Some(&own), &[("x-ssl-client-sha1", 1)]))), None);
    assert_eq!(with(&told(probe(Some(&victim), &[("x-ssl-client-sha1", 1)]))), Some(Finding::ForgedIdentity));
    assert_eq!(with(&told(probe(None, &[("x-ssl-client-sha1", 2)]))), Some(Finding::ForgedHeader));
    assert_eq!(with(&told(probe(None, &[]))), Some(Finding::ConnectionOption));
}

#[test]
fn of_two_tokens_two_arrive_or_none_passes() {
    let arrive = |count| told(Probe { token_headers: count, ..probe(None, &[]) });
    assert_eq!(tokens(&arrive(2), 2).finding, None);
    assert_eq!(tokens(&status(400), 2).finding, None);
    assert_eq!(tokens(&arrive(1), 2).finding, Some(Finding::TokensJoined));
    assert_eq!(tokens(&arrive(0), 1).finding, Some(Finding::TokenLost));
}

#[test]
fn a_session_that_is_taken_up_again_is_that_of_its_first_certificate() {
    let (first, other) = (made(), made());
    let of = |identity: Option<&Certificate>, resumed, shown| {
        session(&told(probe(identity, &[])), resumed, &first, shown).finding
    };
    assert_eq!(of(Some(&first), true, None), None);
    assert_eq!(of(Some(&first), true, Some(&other)), None);
    assert_eq!(of(Some(&other), true, Some(&other)), Some(Finding::SessionIdentity));
    assert_eq!(of(Some(&other), false, Some(&other)), None);
    assert_eq!(of(Some(&first), false, None), Some(Finding::SessionIdentity));
    assert_eq!(of(None, true, Some(&first)), Some(Finding::NotHandedOver));
}

#[test]
fn of_several_verdicts_the_worst_is_told() {
    let verdicts =
        vec![("alone", Verdict::ok("nobody")), ("with one", Verdict::of(Finding::ForgedHeader, "arrived: x"))];
    let told = worst(verdicts);
    assert_eq!((told.finding, told.seen.as_str()), (Some(Finding::ForgedHeader), "with one: arrived: x"));
}
