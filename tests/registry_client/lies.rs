//! Answers that are not believed, and what is asked again.

use std::time::Duration;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::https::FetchError;
use bob_auth::protocol::pop::{AnswerError, PopProfile};
use bob_auth::protocol::registry::operation::Verb;
use bob_auth::registry_client::ClientError;
use bob_auth::value::{Clock, Kid};
use serde_json::json;

use crate::lying::{Lie, Lying, pop_key, public};

fn kid(text: &str) -> Kid {
    text.parse().unwrap()
}

/// Why the domain name cannot be read from a registry that lies like this.
async fn refusal(lie: Lie) -> ClientError {
    let registry = Lying::start();
    registry.put("/domainName", &json!("true.example.se"));
    registry.lies(&[Lie::None, lie]);
    let client = registry.client();
    assert_eq!(&*client.domain_name().await.unwrap().value, "true.example.se");
    let error = client.domain_name().await.unwrap_err();
    assert_eq!(registry.asked().len(), 2, "what is not believed is not asked for again at once: {error}");
    error
}

#[tokio::test]
async fn both_kinds_of_metadata_keys_and_other_headers_do() {
    let other = PopProfile { scheme: String::new(), request_header: "x-bob-pop".to_owned(), ..PopProfile::default() };
    for (algorithm, profile) in [
        (Algorithm::Es256, PopProfile::default()),
        (Algorithm::Rs256, PopProfile::default()),
        (Algorithm::Es256, other),
    ] {
        let registry = Lying::with(algorithm, profile);
        let key = public("34:a/b:1");
        registry.client().post_authtoken_key(&key).await.unwrap();
        let found = registry.client().authtoken_key(&key.kid).await;
        // The lying registry keeps only colons encoded.
        assert!(matches!(found, Err(ClientError::NotFound)), "{found:?}");
        assert_eq!(registry.client().authtoken_keys().await.unwrap().entries, [key]);
    }
}

#[tokio::test]
async fn an_answer_without_signature_is_never_believed_whatever_its_status() {
    let error = refusal(Lie::Unsigned).await;
    assert!(matches!(error, ClientError::Unsigned { status: 200, .. }), "{error:?}");
    for status in [200, 201, 204, 400, 401, 403, 404, 409, 412, 422, 500, 501] {
        let error = refusal(Lie::RefuseUnsigned(status, r#"{"reason":"\u001b[2Jlies"}"#)).await;
        let ClientError::Unsigned { status: said, .. } = &error else { panic!("{status}: {error:?}") };
        assert_eq!(*said, status);
        if status != 204 {
            assert!(error.to_string().contains(r"it says: \u{1b}[2Jlies"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_answer_with_a_wrong_signature_is_never_believed() {
    let why = async |lie| match refusal(lie).await {
        ClientError::Untrusted { why, .. } => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(Lie::Stranger).await, AnswerError::UnknownKey { kid: "16:stranger".to_owned() });
    assert_eq!(why(Lie::Impostor).await, AnswerError::Signature);
    assert_eq!(why(Lie::AnswerToAnother).await, AnswerError::Differs("request"));
    assert_eq!(why(Lie::Body("\"false.example.se\"")).await, AnswerError::Differs("body"));
    assert_eq!(why(Lie::Status(201)).await, AnswerError::Differs("status"));
    assert_eq!(why(Lie::Etag("\"999\"")).await, AnswerError::Differs("headers"));
    assert!(matches!(why(Lie::Old(301)).await, AnswerError::Time { .. }));
    assert!(matches!(why(Lie::Old(-400)).await, AnswerError::Time { .. }));
    let twice = refusal(Lie::Twice).await;
    assert!(matches!(twice, ClientError::Unsigned { .. }), "{twice:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_an_endless_answer_is_not_read_to_its_end() {
    let redirect = refusal(Lie::Redirect).await;
    assert!(matches!(redirect, ClientError::Fetch(FetchError::Redirect(302))), "{redirect:?}");
    let endless = refusal(Lie::Endless).await;
    assert!(matches!(endless, ClientError::Fetch(FetchError::TooLarge { .. })), "{endless:?}");
}

#[tokio::test]
async fn what_does_no_harm_is_asked_again_with_a_new_proof_each_time() {
    let registry = Lying::start();
    registry.put("/domainName", &json!("a.example.se"));
    // The registry refuses proofs that it has seen.
    registry.lies(&[Lie::ResetBefore, Lie::Gateway(502), Lie::ResetAfter]);
    assert_eq!(&*registry.client().domain_name().await.unwrap().value, "a.example.se");
    assert_eq!(registry.asked(), ["GET /domainName"; 4]);
    registry.lies(&[Lie::Refuse(500, "", ""), Lie::Refuse(503, "", "")]);
    registry.client().put_domain_name("b.example.se", None).await.unwrap();
    assert_eq!(registry.asked(), ["PUT /domainName"; 3]);
    registry.lies(&[Lie::Gateway(503), Lie::Gateway(504)]);
    registry.client().delete_domain_name(None).await.unwrap();
    assert_eq!(registry.asked(), ["DELETE /domainName"; 3]);
    registry.lies(&[const { Lie::Gateway(502) }; 9]);
    let error = registry.client().domain_name().await.unwrap_err();
    assert!(matches!(error, ClientError::Gateway { status: 502, .. }) && error.is_temporary(), "{error:?}");
    assert_eq!(registry.asked().len(), 4, "it is not asked for ever");
}

#[tokio::test]
async fn a_post_whose_fate_is_unknown_is_not_repeated_by_itself() {
    for lie in [Lie::ResetBefore, Lie::ResetAfter, Lie::Gateway(502), Lie::Torn, Lie::Refuse(500, "", "")] {
        let registry = Lying::start();
        registry.lies(std::slice::from_ref(&lie));
        let error = registry.client().post_authtoken_key(&public("34:1")).await.unwrap_err();
        assert!(error.leaves_doubt() && error.is_temporary(), "{lie:?}: {error:?}");
        assert_eq!(registry.asked(), ["POST /authtokenPublicKey"], "{lie:?}");
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_tried_and_named_as_a_connection_that_there_is_not() {
    let registry = Lying::start();
    let client = registry.client();
    drop(registry);
    let error = client.post_authtoken_key(&public("34:1")).await.unwrap_err();
    assert!(matches!(error, ClientError::Fetch(FetchError::Unreachable(_))), "{error:?}");
    assert!(error.is_temporary() && !error.leaves_doubt(), "nothing was sent");
}

#[tokio::test]
async fn a_slow_registry_is_given_up_in_time() {
    let registry = Lying::with_hasty_clients();
    registry.put("/domainName", &json!("a.example.se"));
    registry.lies(&[Lie::Late(Duration::from_mins(1))]);
    let begin = std::time::Instant::now();
    let found = registry.client().domain_name().await.unwrap();
    assert_eq!(&*found.value, "a.example.se", "the second try was answered");
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn the_registry_is_waited_for_as_long_as_it_asks_and_no_longer_than_there_is_time() {
    let registry = Lying::start();
    registry.put("/domainName", &json!("a.example.se"));
    registry.lies(&[Lie::Refuse(429, "retry-after: 1", ""), Lie::Refuse(409, "retry-after: 1", "")]);
    let begin = std::time::Instant::now();
    registry.client().domain_name().await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(2), "{:?}", begin.elapsed());
    registry.lies(&[Lie::Refuse(429, "retry-after: 86400", "")]);
    let error = registry.client().domain_name().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_hours(24)), "{error:?}");
    // Whatever somebody without a signature wishes for.
    for wish in ["18446744073709551615", "99999999999999999999999", "-1", "soon", ""] {
        registry.lies(&[Lie::Wish(503, wish), Lie::Wish(503, wish), Lie::Wish(503, wish), Lie::Wish(503, wish)]);
        let error = registry.client().domain_name().await.unwrap_err();
        assert!(matches!(error, ClientError::Gateway { status: 503, .. }), "{wish}: {error:?}");
        assert!(error.retry_after().is_none_or(|wish| wish <= Duration::from_hours(24)), "{error:?}");
        registry.forget_lies();
    }
    registry.lies(&[Lie::Refuse(409, "", "\"for ever\"")]);
    let error = registry.client().domain_name().await.unwrap_err();
    assert!(matches!(error, ClientError::Conflict { retry_after: None, .. }), "{error:?}");
}

#[tokio::test]
async fn a_proof_that_the_registry_does_not_know_says_what_to_compare() {
    let registry = Lying::start();
    let stranger = pop_key("34:m9", Algorithm::Es256);
    let client = registry.client_with(|party| party.key = stranger);
    let error = client.participant().await.unwrap_err();
    assert_eq!(error.to_string(), "the registry does not accept our proof of possession: pop_unknown_key");
    assert!(error.next().unwrap().contains("metadata-key show") && !error.is_temporary());
    assert_eq!(registry.asked(), ["GET "]);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_so() {
    struct Late;
    impl Clock for Late {
        fn now(&self) -> bob_auth::value::Timestamp {
            bob_auth::value::SystemClock.now().plus_seconds(-3600)
        }
    }
    let registry = Lying::start();
    let world = bob_auth::registry_client::World {
        clock: std::sync::Arc::new(Late),
        rng: std::sync::Arc::new(ring::rand::SystemRandom::new()),
    };
    let error = registry.client_in(world).domain_name().await.unwrap_err();
    // The registry says so too, but its answer is an hour in the future for us.
    assert!(matches!(error, ClientError::Untrusted { status: 401, why: AnswerError::Time { .. } }), "{error:?}");
    assert!(error.next().unwrap().contains("clock"));
}

#[tokio::test]
async fn a_key_id_that_is_a_step_in_a_path_is_refused_before_anything_is_sent() {
    let registry = Lying::start();
    for text in ["..", "."] {
        let error = registry.client().delete_authtoken_key(&kid(text), None).await.unwrap_err();
        assert!(matches!(error, ClientError::Unaddressable(_)), "{error:?}");
    }
    let error = registry.client().authtoken_key(&kid("../domainName")).await.unwrap_err();
    assert!(matches!(error, ClientError::NotFound), "{error:?}");
    assert_eq!(registry.asked(), ["GET /authtokenPublicKey/..%2FdomainName"]);
    let place = bob_auth::protocol::registry::operation::Place::WholeSet;
    assert!(registry.client().call(Verb::Get, &place, None, None).await.is_err());
}
