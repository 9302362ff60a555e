//! Every reason for which a registry refuses a request, in the words of docs/errors.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bob_auth::web::problem::{Problem, TYPE_PREFIX};
use bob_auth::web::registry::{ALL, REASONS};

/// A reason, what it means, and what to do.
const WORDS: [(&str, &str, &str); 29] = [
    (
        "malformed_body",
        "The body is not the JSON that the operation takes; the answer says where.",
        "Correct it. Nothing was changed.",
    ),
    (
        "malformed_header",
        "`If-Match` does not read, or a header that is signed stands in the request twice.",
        "Look at the client, and at proxies that add headers.",
    ),
    (
        "body_unread",
        "The body did not arrive within `limits.header_time`, or the connection ended.",
        "Look at the network; send `Content-Length` truthfully.",
    ),
    (
        "pop_missing",
        "There is no proof in the header.",
        "Look at the client, and at whether a proxy takes `Authorization` away.",
    ),
    (
        "pop_malformed",
        "More than one proof, another scheme, or no compact JWS of type `pop` in good form.",
        "Compare the profile of both sides (`pop_*`).",
    ),
    (
        "pop_unknown_key",
        "The participant in the path has no such metadata key in force. Callers are told this also for the next two reasons.",
        "`bob-auth registry-admin metadata-key list` shows which there are; compare pid, kid and thumbprint with the participant's.",
    ),
    (
        "pop_algorithm",
        "The proof names another algorithm than that of its key.",
        "Look at the client. It may be an attack.",
    ),
    (
        "pop_signature",
        "There is a key of this id, and the signature is not its.",
        "The participant's file holds another key than the registered one, or somebody tries ids.",
    ),
    (
        "pop_unsigned_part",
        "The proof does not sign a part that the request has and `pop_required` names.",
        "Compare the profile of both sides; a proxy may have added a query or a header.",
    ),
    (
        "pop_other_request",
        "A part of the request is not what was signed: the host is another, or something was changed on the way.",
        "Compare the participant's URL with `hosts`; let proxies pass path and headers as they came.",
    ),
    (
        "pop_time",
        "The proof was signed more than `pop_window` ago, or in the future; for reading, also before the registry started.",
        "Set the clocks right, the participant's most likely.",
    ),
    (
        "pop_replayed",
        "The proof was shown before.",
        "A client signs every request anew, also a second try. It may be an attack.",
    ),
    (
        "not_yours",
        "The thing belongs to another participant. Does not happen: the path says whose proof counts.",
        "Tell us.",
    ),
    ("kid_reused", "The id names or named another key, or its key was deleted.", "Give the new key a new id."),
    ("nothing_here", "A path that is no place of the API.", "Look at the client's base URL."),
    ("not_found", "The participant has nothing there.", "Publish it first; a PUT of a key or an endpoint makes none."),
    ("method_not_allowed", "The place has no such operation; `Allow` says which it has.", "Look at the client."),
    (
        "set_changing",
        "Changes are being folded into the set.",
        "Readers come again after `Retry-After`. `while_folding` gives them the last set instead.",
    ),
    (
        "precondition_failed",
        "What is there is not what `If-Match` names: somebody else was faster.",
        "Read it again, and decide again.",
    ),
    ("body_too_large", "More bytes than `body_bytes`.", "Look at the client; or raise the limit."),
    ("unacceptable", "The body reads, and cannot be taken; the answer says why in words.", "Correct it."),
    ("too_many_entries", "More of its kind than one participant may have.", "Delete what is not used any more."),
    (
        "participant_rate",
        "One participant asks more often than `requests_per_participant` allows.",
        "Look at the client; or raise the limit.",
    ),
    (
        "source_rate",
        "One address asks more often than `limits.requests_per_source` allows.",
        "Find out whether many share the address; behind a proxy write `trusted_peers` and `source_header`.",
    ),
    (
        "headers_too_large",
        "More bytes of headers than `limits.header_bytes`.",
        "Look at the client; or raise the limit.",
    ),
    (
        "proofs_full",
        "There is no room to remember another proof, and one that is not remembered does not count.",
        "Raise `proofs`; look in the log who sends so many.",
    ),
    (
        "no_set",
        "There is no set, or the one that there is has ended.",
        "The log says why none is built: most often an anchor whose file cannot be read.",
    ),
    (
        "no_answer_key",
        "No key signs answers, and nobody would believe one without.",
        "`bob-auth registry-admin anchor generate --role response`; if there is one, the log says why it cannot be used.",
    ),
    ("store_failed", "The store cannot be read or written. Nothing was changed.", "Look at the log, and at the disk."),
];

/// What it means, and what to do.
fn words(reason: &str) -> (&'static str, &'static str) {
    let known = WORDS.iter().find(|(known, ..)| *known == reason);
    let (_, means, next) = known.unwrap_or_else(|| panic!("{reason} is not explained"));
    (means, next)
}

/// What the answer is.
fn answered_as(reason: &str, status: u16) -> String {
    let by_status: Vec<&Problem> = ALL.iter().filter(|problem| problem.status == status).collect();
    match (reason, by_status.as_slice()) {
        (_, []) => format!("{status}, a JSON string"),
        ("pop_missing", _) => "`proof-required`".to_owned(),
        (_, [.., last]) if status == 401 => format!("`{}`", last.id),
        ("malformed_header", _) => "`malformed-header`".to_owned(),
        (_, [first, ..]) => format!("`{}`", first.id),
    }
}

/// The section of the page.
pub(crate) fn section() -> String {
    let mut page = String::from(
        "\n## Where a registry runs\n\n\
         What a registry answers has the member `reason` besides. Of a proof that does not count callers learn no more than that; \
         the log has the rest.\n\n\
         | type | status | title | detail |\n|---|---|---|---|\n",
    );
    for Problem { id, status, title, detail } in ALL {
        let _ = writeln!(page, "| `{TYPE_PREFIX}{id}` | {status} | {title} | {detail} |");
    }
    page.push_str(
        "\n## Why a registry refuses\n\n\
         The reason stands in the access line, and in `bob_auth_registry_refusals_total{reason=\"ID\"}`.\n\n\
         | reason | answered as | what it means | what to do |\n|---|---|---|---|\n",
    );
    for (reason, status) in REASONS {
        let (meaning, action) = words(reason);
        let _ = writeln!(page, "| `{reason}` | {} | {meaning} | {action} |", answered_as(reason, status));
    }
    page
}

#[test]
fn no_reason_of_a_registry_has_two_meanings() {
    let seen: BTreeSet<&str> = REASONS.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(seen.len(), REASONS.len());
}
