//! Every answer that is no success is a problem document, and docs/errors.md lists them all, with every reason behind them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use bob_auth::flow::refusal::Refusal;
use bob_auth::protocol::client_cert_header::{
    CertificateDialect, DerFault, HeaderFault, Problem as HeaderProblem, SeenForm,
};
use bob_auth::value::Timestamp;
use bob_auth::web::problem::{ALL, TYPE_PREFIX, of_refusal};

use crate::client::{Client, auth};
use crate::process::Service;
use crate::site::Site;

#[test]
fn a_problem_document_has_type_title_status_and_detail_and_nothing_else() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    let answers = [
        Client::anonymous().token(service.token(), "validator37"),
        Client::example("impostors/same-name").token(service.token(), "validator37"),
        Client::example("validator37").token(service.token(), "nobody"),
        Client::example("validator37").get(service.token(), "/elsewhere"),
        Client::example("validator37").ask(service.token(), &format!("PUT {} HTTP/1.1\r\nHost: x\r\n\r\n", auth("x"))),
    ];
    for answer in answers {
        let id = answer.problem();
        let problem = ALL.iter().find(|problem| problem.id == id).expect("it is in the list");
        assert_eq!(answer.status, problem.status);
        assert_eq!(answer.text(), problem.body());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let members: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["detail", "status", "title", "type"]);
    }
}

/// What a reason means, and what the operator does about it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn explain(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::NothingHere => (
            "A path at which there is nothing: not this API's, or of no participant's base path.",
            "Look at the client's base URL; strangers who try paths are no cause for worry.",
        ),
        Refusal::MethodNotAllowed => ("A method other than GET and HEAD.", "Look at the client: tokens are read."),
        Refusal::HeadersTooLarge => (
            "More bytes of headers than `limits.header_bytes`.",
            "Let the proxy forward the leaf of the certificate only; or raise the limit.",
        ),
        Refusal::NoCertificate => (
            "The client sent no certificate, or the proxy says that it sent none.",
            "Look at the client's settings; behind a proxy, at whether the proxy asks for certificates.",
        ),
        Refusal::UnknownCertificate => (
            "Nobody enrolled this certificate for the participant that was asked.",
            "`bob-auth cert enrol ENTITY FILE`, if the fingerprint in the audit row is one that you expect.",
        ),
        Refusal::RevokedCertificate => (
            "The certificate was enrolled and then revoked.",
            "Nothing, if that was meant. Else let the client make a new one and enrol it.",
        ),
        Refusal::Impostor => (
            "The certificate has the SHA-1 of an enrolled one and another SHA-256: somebody made a collision.",
            "Treat it as an attack: keep the audit rows, and find out who sent it.",
        ),
        Refusal::ExpiredCertificate { .. } => (
            "The certificate is enrolled, its dates are over, and `token.expired_certificates` is \"refuse\".",
            "Enrol a newer certificate; `bob-auth cert list --expires-within 30d` tells of the next ones.",
        ),
        Refusal::UntrustedPeer => (
            "Somebody who is not in `listener.behind_proxy.trusted_peers` spoke to the listener behind the proxy.",
            "Add the proxy's address, or keep others away from that listener.",
        ),
        Refusal::ProxySecret => (
            "The proxy's secret header is missing or wrong.",
            "Compare what the proxy sends with `listener.behind_proxy.secret_file`.",
        ),
        Refusal::DuplicateHeader => (
            "An identity header stands in the request more than once: the client sent one of its own.",
            "Let the proxy remove the header from what clients send before it sets its own.",
        ),
        Refusal::IdentityHeader { .. } => unreachable!("its reasons are those of HeaderFault"),
        Refusal::HeaderMismatch => (
            "The fingerprint header and the certificate header speak of different certificates, or one of them is missing.",
            "Let the proxy remove both from what clients send and set both itself.",
        ),
        Refusal::MalformedEntityId => (
            "The last part of the path cannot be an entity id. It is written down nowhere.",
            "Look at the client's settings.",
        ),
        Refusal::UnknownEntity => (
            "There is no entity with this id.",
            "`bob-auth entity add ID --class CLASS`, or correct the id in the client.",
        ),
        Refusal::NotYourEntity => (
            "The entity exists, and the certificate belongs to another one.",
            "Correct the id in the client. If the client changed its name, enrol its certificate there.",
        ),
        Refusal::OwnCertificateTakesPrecedence => (
            "The participant's own certificate asked for an entity that has an active certificate of its own.",
            "Use the entity's certificate, or revoke it if the participant's is to serve.",
        ),
        Refusal::SuspendedEntity => {
            ("The entity is suspended.", "`bob-auth entity resume ID`, when the cause is gone.")
        }
        Refusal::FingerprintRate { .. } => (
            "One certificate asks more often than `limits.requests_per_fingerprint` allows.",
            "Let the client keep its token until shortly before it expires; or raise the limit.",
        ),
        Refusal::SourceRate { .. } => (
            "One source address asks more often than `limits.requests_per_source` allows.",
            "Find out whether many clients share the address; then raise the limit.",
        ),
        Refusal::NoActiveKey => (
            "The participant has no key that signs.",
            "`bob-auth key generate` and `bob-auth key activate KID`; if there is one, the log says why it cannot be loaded.",
        ),
        Refusal::KeyExpired { .. } => {
            ("The key that signs is past its last day.", "`bob-auth key generate` and `bob-auth key activate KID`.")
        }
        Refusal::SigningFailed => ("The key did not sign.", "Look at the log; then replace the key."),
        Refusal::SelfCheckFailed => (
            "A token that was just signed does not verify under its own key. It did not leave.",
            "Replace the key and look at the machine: this does not happen with sound memory.",
        ),
    }
}

/// The same for what a proxy sent.
fn explain_header(fault: &HeaderFault) -> (&'static str, &'static str) {
    match fault {
        HeaderFault::TooLarge { .. } => {
            ("The header is longer than a certificate can be.", "Let the proxy send the leaf only.")
        }
        HeaderFault::Placeholder => (
            "The proxy sent the name of a variable, or `(null)`, instead of a value.",
            "Correct the variable's name in the proxy; update Caddy.",
        ),
        HeaderFault::Md5 => ("An MD5 fingerprint (F5 BIG-IP).", "Let the proxy send the certificate instead."),
        HeaderFault::Sha256 => (
            "A SHA-256 fingerprint, which BoB cannot use (Envoy, Caddy, Google Cloud).",
            "Let the proxy send the certificate instead.",
        ),
        HeaderFault::RawDigest => ("Raw bytes of a digest.", "In HAProxy write `ssl_c_sha1,hex`."),
        HeaderFault::OfNothing => (
            "The fingerprint of an empty input: there was no certificate.",
            "Let the proxy leave the header away then; do not compute fingerprints in Apache expressions.",
        ),
        HeaderFault::Fingerprint { .. } => (
            "Something that is no SHA-1 fingerprint.",
            "Look at what the proxy puts into the header: 40 hex digits are wanted.",
        ),
        HeaderFault::Malformed { .. } => (
            "Something that is not in the configured dialect.",
            "Compare the proxy with `listener.behind_proxy.certificate_dialect`.",
        ),
        HeaderFault::OtherForm { .. } => {
            ("A certificate in another dialect than the configured one.", "Change `certificate_dialect`.")
        }
        HeaderFault::NotDer(_) => {
            ("What was decoded is no certificate.", "Look at what the proxy puts into the header.")
        }
        HeaderFault::XfccWithoutCert { .. } => {
            ("Envoy's header holds no certificate.", "Set `set_current_client_cert_details.cert: true` in Envoy.")
        }
        HeaderFault::XfccAfterNames => (
            "Envoy's header holds names that the client chose, unescaped, before the certificate.",
            "Use SANITIZE_SET and switch `uri` and `dns` off in Envoy.",
        ),
    }
}

fn header_faults() -> [HeaderFault; 12] {
    let (configured, problem) = (CertificateDialect::UrlPem, HeaderProblem::NoPem);
    [
        HeaderFault::TooLarge { length: 0 },
        HeaderFault::Placeholder,
        HeaderFault::Md5,
        HeaderFault::Sha256,
        HeaderFault::RawDigest,
        HeaderFault::OfNothing,
        HeaderFault::Fingerprint { length: 0 },
        HeaderFault::Malformed { dialect: configured, problem },
        HeaderFault::OtherForm { configured, seen: SeenForm::Pem },
        HeaderFault::NotDer(DerFault::NotSequence),
        HeaderFault::XfccWithoutCert { hash: true },
        HeaderFault::XfccAfterNames,
    ]
}

/// One of every kind but those of headers; [`explain`] does not compile when a kind is missing from it.
fn refusals() -> [Refusal; 23] {
    let (not_after, retry_after) = (Timestamp::from_seconds(0), Duration::ZERO);
    [
        Refusal::NothingHere,
        Refusal::MethodNotAllowed,
        Refusal::HeadersTooLarge,
        Refusal::NoCertificate,
        Refusal::UnknownCertificate,
        Refusal::RevokedCertificate,
        Refusal::Impostor,
        Refusal::ExpiredCertificate { not_after },
        Refusal::UntrustedPeer,
        Refusal::ProxySecret,
        Refusal::DuplicateHeader,
        Refusal::HeaderMismatch,
        Refusal::MalformedEntityId,
        Refusal::UnknownEntity,
        Refusal::NotYourEntity,
        Refusal::OwnCertificateTakesPrecedence,
        Refusal::SuspendedEntity,
        Refusal::FingerprintRate { retry_after },
        Refusal::SourceRate { retry_after },
        Refusal::NoActiveKey,
        Refusal::KeyExpired { not_after },
        Refusal::SigningFailed,
        Refusal::SelfCheckFailed,
    ]
}

fn page() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Every answer that is no success is a problem document (RFC 9457, `application/problem+json`) with the members \
         `type`, `title`, `status` and `detail`. The type is stable; the texts are for people.\n\n\
         This page is generated from `src/web/problem`, `src/web/verdict.rs`, `src/web/registry/refusal.rs` and the reasons of a refusal; a test compares them.\n\n\
         ## What a caller sees\n\n\
         | type | status | title | detail |\n|---|---|---|---|\n",
    );
    for problem in ALL {
        let _ = writeln!(
            page,
            "| `{TYPE_PREFIX}{}` | {} | {} | {} |",
            problem.id, problem.status, problem.title, problem.detail
        );
    }
    page.push_str(
        "\nA 401 says nothing of entities, and all kinds of 404 for an entity are equal to the last byte: callers learn \
         nothing of who exists. Answers 429 say in `Retry-After` how many seconds to wait, answers 405 in `Allow` what is \
         allowed.\n\n\
         ## Why, for the operator\n\n\
         The reason id stands in the access line (`reason`), in the audit row (`bob-auth audit list --reason ID`) and in \
         the metric `bob_auth_refusals_total{reason=\"ID\"}`, never in the answer.\n\n\
         | reason | answered as | what it means | what to do |\n|---|---|---|---|\n",
    );
    let mut line = |reason: &str, refusal: &Refusal, (meaning, action): (&str, &str)| {
        let _ = writeln!(page, "| `{reason}` | `{}` | {meaning} | {action} |", of_refusal(refusal).id);
    };
    for refusal in refusals() {
        line(refusal.reason(), &refusal, explain(&refusal));
    }
    for fault in header_faults() {
        line(fault.reason(), &Refusal::IdentityHeader { reason: fault.reason() }, explain_header(&fault));
    }
    page.push_str(&crate::verify_problems::section());
    page.push_str(&crate::registry_problems::section());
    page
}

#[test]
fn the_page_of_errors_is_what_the_program_answers() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let page = page();
    if std::env::var_os("BOB_AUTH_BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), page, "run the tests once with BOB_AUTH_BLESS=1");
}
