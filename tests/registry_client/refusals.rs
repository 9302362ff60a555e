//! Refusals that the registry signed: told apart, in words, with what to do.

use bob_auth::registry_client::ClientError;

use crate::lying::{Lie, Lying, public};

async fn refusal(status: u16, body: &'static str) -> ClientError {
    let registry = Lying::start();
    registry.lies(&[Lie::Refuse(status, "", body)]);
    let error = registry.client().post_authtoken_key(&public("34:1")).await.unwrap_err();
    assert_eq!(registry.asked().len(), 1, "a refusal is a refusal: {error:?}");
    assert_eq!(registry.thing("/authtokenPublicKey/34%3A1"), None);
    error
}

#[tokio::test]
async fn every_status_has_its_own_words_and_says_what_to_do() {
    let problem = r#"{"type":"urn:x:y","reason":"kid_reused","detail":"The id was used."}"#;
    for (status, body, words, temporary) in [
        (400, r#"{"detail":"no JSON"}"#, "the registry refuses it (status 400): no JSON", false),
        (401, r#"{"reason":"pop_time"}"#, "does not accept our proof of possession: pop_time", false),
        (403, problem, "takes no key under it again: kid_reused (The id was used.)", false),
        (404, "", "the registry has no such thing", false),
        (409, "\"wait\"", "busy with other changes: wait", true),
        (412, "", "changed at the registry since it was read", true),
        (413, "", "larger than the registry takes", false),
        (422, r#""the uri\nis no https""#, r"the registry refuses it (status 422): the uri\nis no https", false),
        (418, "", "status 418, which means nothing here", false),
        (500, r#""oh""#, "the registry failed with status 500: oh", true),
    ] {
        let error = refusal(status, body).await;
        assert!(error.to_string().contains(words), "{status}: {error}");
        assert_eq!(error.is_temporary(), temporary, "{status}");
        assert!(error.next().is_some_and(|next| !next.is_empty()), "{status}");
    }
}

#[tokio::test]
async fn a_signed_answer_that_makes_no_sense_is_an_error_and_no_empty_list() {
    for body in ["", "{}", "null", "[", "\"x\""] {
        let registry = Lying::start();
        registry.lies(&[Lie::Refuse(200, "", body)]);
        let error = registry.client().authtoken_keys().await.unwrap_err();
        assert!(matches!(error, ClientError::Answer(_)), "{body}: {error:?}");
        registry.lies(&[Lie::Refuse(204, "", "")]);
        let error = registry.client().authtoken_keys().await.unwrap_err();
        assert!(matches!(error, ClientError::Unexpected { status: 204, .. }), "{error:?}");
    }
}
