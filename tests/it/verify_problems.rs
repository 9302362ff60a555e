//! Every reason for which a request does not pass a verification, in the words of docs/errors.md. The functions that explain
//! do not compile when a kind is missing from them.

use std::fmt::Write as _;

use bob_auth::crypto::public_key::BadSignature;
use bob_auth::flow::route_rules::{PathFault, RouteRefusal};
use bob_auth::flow::verify::{Culprit, VerifyError};
use bob_auth::protocol::strict_json::JsonFault;
use bob_auth::protocol::token_claims::ClaimError;
use bob_auth::protocol::token_text::Part;
use bob_auth::protocol::unverified::{FormError, SignatureError};
use bob_auth::value::{Sha1Fingerprint, Sha256Fingerprint, Timestamp};
use bob_auth::web::auth_token::TokenHeaderFault;
use bob_auth::web::forward_auth::{BATCH_REFUSED, BatchFault};
use bob_auth::web::identity::IdentityFault;
use bob_auth::web::problem::{Problem, TYPE_PREFIX};
use bob_auth::web::verdict::{ALL, Denial};

type Words = (&'static str, &'static str);

fn token(fault: TokenHeaderFault) -> Words {
    match fault {
        TokenHeaderFault::Missing => (
            "The request has no `X-BoB-AuthToken`, or an empty one.",
            "Look at the client; behind a proxy, at whether the proxy passes the header on to the verification.",
        ),
        TokenHeaderFault::Duplicate(_) => {
            ("`X-BoB-AuthToken` stands in the request more than once.", "Look at the client: one token, once.")
        }
        TokenHeaderFault::NotAscii => {
            ("The token holds bytes that no token has.", "Look at the client: the compact form, and nothing around it.")
        }
    }
}

/// The faults of headers themselves are explained with the token service's.
fn identity(fault: &IdentityFault) -> Words {
    match fault {
        IdentityFault::UntrustedPeer => (
            "Somebody who is not among the trusted peers asked.",
            "Add the proxy's address to `listener.verify.trusted_peers`, or keep others away from that listener.",
        ),
        IdentityFault::ProxySecret => (
            "The proxy's secret header is missing or wrong.",
            "Compare what the proxy sends with `listener.verify.secret_file`.",
        ),
        IdentityFault::DuplicateHeader(_) => (
            "An identity header stands in the request more than once: the client sent one of its own.",
            "Let the proxy remove the header from what clients send before it sets its own.",
        ),
        IdentityFault::HeaderMismatch => (
            "The fingerprint header and the certificate header speak of different certificates, or one of them is missing.",
            "Let the proxy remove both from what clients send and set both itself.",
        ),
        IdentityFault::ConnectionNotRead => (
            "A service in Rust takes certificates from connections, and nobody reads them.",
            "Give `read_certificate` to `HttpServer::on_connect`, before `bind`.",
        ),
        IdentityFault::Header { .. } | IdentityFault::Item { .. } => {
            unreachable!("its reasons are those of HeaderFault")
        }
    }
}

fn form(error: &FormError) -> Words {
    match error {
        FormError::TooLong { .. } => ("The token is longer than any token.", "Look at the client."),
        FormError::Parts(_) => {
            ("The token has not three parts.", "Look at the client: the bare token, no scheme before it.")
        }
        FormError::Base64(_) => {
            ("A part of the token is not base64url.", "Look at what the client sends: often it is cut or escaped.")
        }
        FormError::Json(_, JsonFault::Duplicate { .. }) => (
            "A member stands twice in header or payload, so that two readers could read two tokens.",
            "Tell the issuer, if the token is its own; else treat it as an attack.",
        ),
        FormError::Json(..) => ("Header or payload is no JSON object.", "Look at the client."),
        FormError::HeaderMember(_) => (
            "The header has a member that no BoB token has and that would change what the signature means.",
            "Tell the issuer, or treat it as an attack.",
        ),
        FormError::Type => ("`typ` is there and is not JWT.", "Tell the issuer."),
        FormError::Kid => ("The header has no `kid`.", "Tell the issuer: without it no key can be found."),
        FormError::Issuer => ("`iss` is no participant id, written as a string.", "Tell the issuer."),
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn verify(error: &VerifyError) -> Words {
    match error {
        VerifyError::Form(error) => form(error),
        VerifyError::KeySetExpired { .. } => (
            "The key set is past the date after which it must not be used.",
            "Fetch the metadata again; see which source of keys fails (`bob_auth_key_source_failures_total`, the log).",
        ),
        VerifyError::DistrustedIssuer(_) => {
            ("The issuer is in `verify.distrust_issuers`.", "Nothing, as long as that is meant.")
        }
        VerifyError::DistrustedKey { .. } => (
            "The key is in `verify.distrust_kids`.",
            "Nothing, as long as that is meant; the issuer signs with another key.",
        ),
        VerifyError::UnknownIssuer(_) => (
            "No keys of this participant are known.",
            "If it is a partner: a table `[verify.issuer.PID]`, or metadata that holds it.",
        ),
        VerifyError::UnknownKey { .. } => (
            "The participant is known, and has no such key.",
            "The issuer signs with a key before it is published, or our keys are old: look when the source was last read.",
        ),
        VerifyError::Signature(SignatureError::Algorithm { .. }) => {
            ("The token says another algorithm than its key is for.", "Tell the issuer, or treat it as an attack.")
        }
        VerifyError::Signature(SignatureError::Bad(_)) => (
            "The signature is not the key's: the token was changed, or signed with another key of the same id.",
            "If all tokens of an issuer fail, compare keys with the issuer; else treat it as an attack.",
        ),
        VerifyError::Expired { .. } => {
            ("The token is over.", "Let the client fetch a new one shortly before `exp`; compare the clocks.")
        }
        VerifyError::NotYet { claim: "iat", .. } => ("The token was issued in the future.", "Compare the clocks."),
        VerifyError::NotYet { .. } => ("The token does not count yet (`nbf`).", "Compare the clocks."),
        VerifyError::TimesContradict { .. } => ("The token ends before it begins.", "Tell the issuer."),
        VerifyError::LivesTooLong { .. } => (
            "The token lives longer than `verify.max_lifetime`.",
            "Agree on a shorter lifetime with the issuer, or raise the limit.",
        ),
        VerifyError::Claim(ClaimError::Missing(_)) => ("A claim is missing.", "Tell the issuer."),
        VerifyError::Claim(ClaimError::Form { .. }) => ("A claim has another form than it must.", "Tell the issuer."),
        VerifyError::NotBound => (
            "The token is bound to no certificate (`bobHok`).",
            "Let the issuer bind its tokens. `verify.holder_of_key = \"if-present\"` accepts them as they are.",
        ),
        VerifyError::NothingPresented => (
            "The token is bound to a certificate, and none was presented.",
            "Look at whether the client uses its certificate, and whether the proxy asks for it and hands it over.",
        ),
        VerifyError::HolderMismatch { .. } => (
            "The token is bound to another certificate than the one presented.",
            "A client with a new certificate fetches a new token; else somebody uses a token that is not his.",
        ),
        VerifyError::ThumbprintMismatch { .. } => (
            "The SHA-256 of the certificate is not the one in the token, or could not be seen.",
            "Let the proxy hand over the certificate itself. If it does, somebody made a collision of SHA-1.",
        ),
        VerifyError::DistrustedCertificate(_) => {
            ("The certificate is in `verify.distrust_certificates`.", "Nothing, as long as that is meant.")
        }
        VerifyError::Audience => (
            "The token names an audience (`aud`) that is not in `verify.audience`, or none where one is wanted.",
            "Compare what the issuer writes with `verify.audience`.",
        ),
        VerifyError::NotAllowed { .. } => (
            "The caller is known, and neither `verify.allow` nor the rule for its request lets it pass.",
            "If it may call: add PID:CLASS.",
        ),
    }
}

fn route(refusal: &RouteRefusal) -> Words {
    match refusal {
        RouteRefusal::OriginalRequestMissing => (
            "There are rules, and the proxy did not say what the client asked for, or said it twice.",
            "Let the proxy set the headers of `listener.verify.original_request`, overwriting the client's.",
        ),
        RouteRefusal::PathMalformed(_) => (
            "The path could be read in two ways: dots, double slashes, escaped slashes, backslashes, escapes in escapes.",
            "If a client needs such paths, it cannot be guarded by rules; else treat it as an attack.",
        ),
        RouteRefusal::NoRule => {
            ("No rule covers method and path.", "Add a `[verify.rule.NAME]`, if the request is to pass.")
        }
        RouteRefusal::NotAllowed { .. } => unreachable!("told with the policy's own"),
    }
}

fn batch(fault: &BatchFault) -> Words {
    match fault {
        BatchFault::TooLarge { .. } => ("The body is larger than so many items can be.", "Ask in smaller batches."),
        BatchFault::Unread => ("The body did not arrive.", "Look at the client's connection."),
        BatchFault::Json(_) => ("The body is no JSON object, or names a member twice.", "Look at the client."),
        BatchFault::Form(_) => (
            "A member is missing, unknown, or no string.",
            "Compare the body with api-spec/verification.yaml; the log says more at level debug.",
        ),
        BatchFault::TooMany { .. } => ("More items than `listener.verify.batch`.", "Ask in smaller batches."),
    }
}

fn errors() -> Vec<VerifyError> {
    let (issuer, kid, at) = ("1".parse().unwrap(), "1".parse().unwrap(), Timestamp::from_seconds(0));
    let (sha1, sha256) = (Sha1Fingerprint::from_bytes([1; 20]), Sha256Fingerprint::from_bytes([1; 32]));
    let not_yet = |claim| VerifyError::NotYet { claim, from: at, now: at, leeway: 0 };
    let json = |fault| FormError::Json(Part::Header, fault);
    let forms = [
        FormError::TooLong { len: 0, most: 0 },
        FormError::Parts(0),
        FormError::Base64(Part::Header),
        json(JsonFault::Syntax),
        json(JsonFault::Duplicate { name: String::new() }),
        FormError::HeaderMember("crit"),
        FormError::Type,
        FormError::Kid,
        FormError::Issuer,
    ];
    let rest = [
        VerifyError::KeySetExpired { not_valid_after: at },
        VerifyError::DistrustedIssuer(issuer),
        VerifyError::DistrustedKey { issuer, kid },
        VerifyError::UnknownIssuer(issuer),
        VerifyError::UnknownKey { issuer, kid: "1".parse().unwrap() },
        VerifyError::Signature(SignatureError::Algorithm { said: None, key: "ES256" }),
        VerifyError::Signature(SignatureError::Bad(BadSignature)),
        VerifyError::Expired { exp: at, now: at, leeway: 0 },
        not_yet("nbf"),
        not_yet("iat"),
        VerifyError::TimesContradict { nbf: at, exp: at },
        VerifyError::LivesTooLong { seconds: 0, most: 0 },
        VerifyError::Claim(ClaimError::Missing("sub")),
        VerifyError::Claim(ClaimError::Form { name: "sub", wanted: "", found: "" }),
        VerifyError::NotBound,
        VerifyError::NothingPresented,
        VerifyError::HolderMismatch { bound: sha1, presented: sha1 },
        VerifyError::ThumbprintMismatch { bound: sha256, presented: None },
        VerifyError::DistrustedCertificate(sha1),
        VerifyError::Audience,
        VerifyError::NotAllowed { issuer, class: "val".parse().unwrap() },
    ];
    forms.into_iter().map(VerifyError::Form).chain(rest).collect()
}

/// Every denial with its words, in the order of the checks.
fn denials() -> Vec<(Denial, Words)> {
    let name = "x-ssl-client-sha1".parse().unwrap();
    let identities = [
        IdentityFault::UntrustedPeer,
        IdentityFault::ProxySecret,
        IdentityFault::DuplicateHeader(name),
        IdentityFault::HeaderMismatch,
        IdentityFault::ConnectionNotRead,
    ];
    let tokens = [TokenHeaderFault::Missing, TokenHeaderFault::Duplicate(2), TokenHeaderFault::NotAscii];
    let routes =
        [RouteRefusal::OriginalRequestMissing, RouteRefusal::PathMalformed(PathFault::Dots), RouteRefusal::NoRule];
    let mut all: Vec<(Denial, Words)> = Vec::new();
    all.extend(identities.into_iter().map(|fault| (fault.clone().into(), identity(&fault))));
    all.extend(tokens.into_iter().map(|fault| (fault.into(), token(fault))));
    all.extend(errors().into_iter().map(|error| (error.clone().into(), verify(&error))));
    all.extend(routes.into_iter().map(|refusal| (refusal.clone().into(), route(&refusal))));
    all
}

fn batches() -> [BatchFault; 5] {
    [
        BatchFault::TooLarge { most: 0 },
        BatchFault::Unread,
        BatchFault::Json(JsonFault::Syntax),
        BatchFault::Form(""),
        BatchFault::TooMany { most: 0 },
    ]
}

const fn whose(culprit: Culprit) -> &'static str {
    match culprit {
        Culprit::Caller => "caller or issuer",
        Culprit::Proxy => "proxy",
        Culprit::KeySet => "key set",
        Culprit::Policy => "policy",
    }
}

/// The part of the page about verification.
pub(crate) fn section() -> String {
    let mut page = String::from(
        "\n## Where tokens are verified\n\n\
         What the verify server (`[listener.verify]`) and the guard for services in Rust answer has the member `reason` \
         besides; the verify server says it in `X-BoB-Reason` too. The reason stands in the log, and in \
         `bob_auth_verifications_total{reason=\"ID\"}`.\n\n\
         | type | status | title | detail |\n|---|---|---|---|\n",
    );
    for Problem { id, status, title, detail } in ALL.into_iter().chain([BATCH_REFUSED]) {
        let _ = writeln!(page, "| `{TYPE_PREFIX}{id}` | {status} | {title} | {detail} |");
    }
    page.push_str(
        "\n## Why a request does not pass\n\n\
         What a proxy hands over in a header has the reasons `cert_header_*`, `fingerprint_*` and `xfcc_*` from above as \
         well; they are answered as `identity-not-established`, and the proxy is to blame.\n\n\
         | reason | answered as | whose doing | what it means | what to do |\n|---|---|---|---|---|\n",
    );
    for (denial, (meaning, action)) in denials() {
        let (reason, id, whose) = (denial.reason(), denial.problem().id, whose(denial.culprit()));
        let _ = writeln!(page, "| `{reason}` | `{id}` | {whose} | {meaning} | {action} |");
    }
    for fault in batches() {
        let ((meaning, action), reason) = (batch(&fault), fault.reason());
        let _ = writeln!(page, "| `{reason}` | `{}` | whoever asks | {meaning} | {action} |", BATCH_REFUSED.id);
    }
    page
}

#[test]
fn no_reason_has_two_meanings() {
    let mut seen = std::collections::BTreeSet::new();
    for (denial, _) in denials() {
        assert!(seen.insert(denial.reason()), "{}", denial.reason());
    }
    assert_eq!(batches().map(|fault| fault.reason()), BatchFault::KINDS);
    assert!(RouteRefusal::KINDS.iter().all(|reason| seen.contains(reason)));
}
