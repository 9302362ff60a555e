//! Publishing, twice and with answers that are lost.

use bob_auth::flow::publish::{PublishError, Published, Withdrawn};
use bob_auth::protocol::metadata::{EndpointCall, MtbKey, MtbScope, SignatureConstraint};
use bob_auth::protocol::registry::body::{read_endpoint_call, read_info};
use bob_auth::registry_client::ClientError;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::lying::{Lie, Lying, public};

const KEY: &str = "/authtokenPublicKey/34%3A1";

fn call(uri: &str) -> EndpointCall {
    let call = json!({ "type": "validation", "version": 1, "uri": uri });
    read_endpoint_call(call.to_string().as_bytes()).unwrap()
}

fn constraint(lifetime: &str) -> SignatureConstraint {
    SignatureConstraint { acceptable_pid: "41".parse().unwrap(), signature_lifetime: lifetime.parse().unwrap() }
}

#[tokio::test]
async fn what_is_there_unchanged_is_a_success_that_says_so() {
    let registry = Lying::start();
    let (publisher, key) = (registry.publisher(), public("34:1"));
    assert_eq!(publisher.publish_authtoken_key(&key).await.unwrap(), Published::Now);
    assert_eq!(registry.asked(), [format!("GET {KEY}"), "POST /authtokenPublicKey".to_owned()]);
    assert_eq!(publisher.publish_authtoken_key(&key).await.unwrap(), Published::AlreadyThere);
    assert_eq!(registry.asked(), [format!("GET {KEY}")], "nothing is changed");
    assert_eq!(publisher.withdraw_authtoken_key(&key.kid).await.unwrap(), Withdrawn::Now);
    assert_eq!(publisher.withdraw_authtoken_key(&key.kid).await.unwrap(), Withdrawn::AlreadyGone);
    let again = publisher.publish_authtoken_key(&key).await.unwrap_err();
    assert!(matches!(again, PublishError::Client(ClientError::KidUsedUp { .. })), "{again:?}");
    assert!(!again.is_temporary());
}

#[tokio::test]
async fn another_key_under_the_same_id_is_loud_and_is_left_alone() {
    let registry = Lying::start();
    let (ours, theirs) = (public("34:1"), public("34:1"));
    registry.publisher().publish_authtoken_key(&theirs).await.unwrap();
    let error = registry.publisher().publish_authtoken_key(&ours).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ANOTHER key under the id 34:1") && text.contains(&theirs.key.thumbprint()), "{text}");
    assert!(!error.is_temporary());
    assert_eq!(registry.publisher().publish_authtoken_key(&theirs).await.unwrap(), Published::AlreadyThere);
    assert_eq!(registry.publisher().replace_authtoken_key(&ours).await.unwrap(), Published::Now);
    assert_eq!(registry.publisher().publish_authtoken_key(&ours).await.unwrap(), Published::AlreadyThere);
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_ends_in_success() {
    for lie in [Lie::ResetAfter, Lie::Torn, Lie::Unsigned, Lie::Stranger, Lie::Status(500), Lie::Body("x")] {
        let registry = Lying::start();
        registry.lies(&[Lie::None, lie.clone()]);
        let key = public("34:1");
        assert_eq!(registry.publisher().publish_authtoken_key(&key).await.unwrap(), Published::Now, "{lie:?}");
        assert_eq!(registry.asked().iter().filter(|asked| asked.starts_with("POST")).count(), 1, "{lie:?}");
        assert_eq!(registry.publisher().publish_authtoken_key(&key).await.unwrap(), Published::AlreadyThere);
    }
}

#[tokio::test]
async fn a_post_that_did_not_arrive_is_made_again() {
    for lie in [Lie::ResetBefore, Lie::Gateway(502), Lie::Refuse(503, "", "")] {
        let registry = Lying::start();
        registry.lies(&[Lie::None, lie.clone(), Lie::None, lie.clone()]);
        assert_eq!(registry.publisher().publish_authtoken_key(&public("34:1")).await.unwrap(), Published::Now);
        assert_eq!(registry.asked().iter().filter(|asked| asked.starts_with("POST")).count(), 3, "{lie:?}");
    }
    let registry = Lying::start();
    registry.lies(&[Lie::None, Lie::RefuseUnsigned(201, "")]);
    let error = registry.publisher().publish_authtoken_key(&public("34:1")).await.unwrap_err();
    assert!(matches!(error, PublishError::Client(ClientError::Unsigned { status: 201, .. })), "{error:?}");
    assert_eq!(registry.thing(KEY), None);
}

#[tokio::test]
async fn somebody_who_was_quicker_with_the_same_key_is_a_success() {
    let registry = Lying::start();
    let key = public("34:1");
    registry.publisher().publish_authtoken_key(&key).await.unwrap();
    // The first look says that it is not there yet.
    registry.lies(&[Lie::Refuse(404, "", "")]);
    assert_eq!(registry.publisher().publish_authtoken_key(&key).await.unwrap(), Published::Now);
    // And with another key under its id.
    registry.lies(&[Lie::Refuse(404, "", "")]);
    let error = registry.publisher().publish_authtoken_key(&public("34:1")).await.unwrap_err();
    assert!(matches!(error, PublishError::OtherKey { .. }), "{error:?}");
}

#[tokio::test]
async fn a_withdrawal_whose_answer_is_lost_ends_in_success() {
    let registry = Lying::start();
    let key = public("34:1");
    registry.publisher().publish_authtoken_key(&key).await.unwrap();
    registry.lies(&[Lie::ResetAfter]);
    assert_eq!(registry.publisher().withdraw_authtoken_key(&key.kid).await.unwrap(), Withdrawn::AlreadyGone);
    assert_eq!(registry.thing(KEY), None);
}

#[tokio::test]
async fn ticket_keys_are_published_with_their_scope() {
    let registry = Lying::start();
    let of = |scope: Option<MtbScope>| {
        let key = public("34:mtb");
        MtbKey { kid: key.kid, key: key.key, scope }
    };
    let key = of(Some(MtbScope::Ticket));
    let publisher = registry.publisher();
    assert_eq!(publisher.publish_mtb_key(&key).await.unwrap(), Published::Now);
    assert_eq!(registry.thing("/mtbPublicKey/34%3Amtb").unwrap()["bob_sc"], "ticket");
    assert_eq!(publisher.publish_mtb_key(&key).await.unwrap(), Published::AlreadyThere);
    let other = MtbKey { scope: Some(MtbScope::Id), ..key.clone() };
    assert!(matches!(publisher.publish_mtb_key(&other).await, Err(PublishError::OtherScope(_))));
    assert!(matches!(publisher.publish_mtb_key(&of(None)).await, Err(PublishError::OtherKey { .. })));
    assert_eq!(publisher.replace_mtb_key(&other).await.unwrap(), Published::Now);
    assert_eq!(publisher.replace_mtb_key(&other).await.unwrap(), Published::AlreadyThere);
    assert_eq!(publisher.withdraw_mtb_key(&key.kid).await.unwrap(), Withdrawn::Now);
    let missing = publisher.replace_mtb_key(&key).await.unwrap_err();
    assert!(matches!(missing, PublishError::Client(ClientError::NotFound)), "{missing:?}");
}

#[tokio::test]
async fn endpoints_are_added_once_whatever_becomes_of_the_answers() {
    let registry = Lying::start();
    let publisher = registry.publisher();
    let (outcome, first) = publisher.add_endpoint(&call("https://a.example.se/")).await.unwrap();
    assert_eq!((outcome, first.endpoint_id), (Published::Now, 1));
    let (outcome, again) = publisher.add_endpoint(&call("https://a.example.se/")).await.unwrap();
    assert_eq!((outcome, again.endpoint_id), (Published::AlreadyThere, 1));
    registry.lies(&[Lie::None, Lie::ResetAfter]);
    let (outcome, second) = publisher.add_endpoint(&call("https://b.example.se/")).await.unwrap();
    assert_eq!((outcome, second.endpoint_id), (Published::Now, 2));
    let mut changed = second.clone();
    changed.call = call("https://c.example.se/");
    registry.lies(&[Lie::None, Lie::ResetAfter]);
    // The second try of the change meets its own first.
    assert_eq!(publisher.set_endpoint(&changed).await.unwrap(), Published::Now);
    assert_eq!(registry.thing("/interfaceEndpoint/2").unwrap()["uri"], "https://c.example.se/");
    assert_eq!(publisher.set_endpoint(&changed).await.unwrap(), Published::AlreadyThere);
    assert_eq!(publisher.client().endpoints().await.unwrap().entries.len(), 2);
    assert_eq!(publisher.remove_endpoint(2).await.unwrap(), Withdrawn::Now);
    assert_eq!(publisher.remove_endpoint(2).await.unwrap(), Withdrawn::AlreadyGone);
    assert!(publisher.set_endpoint(&changed).await.is_err(), "only the registry gives ids");
}

#[tokio::test]
async fn domain_name_and_info_are_set_once_whatever_becomes_of_the_answers() {
    let registry = Lying::start();
    let publisher = registry.publisher();
    registry.lies(&[Lie::None, Lie::ResetAfter]);
    assert_eq!(publisher.set_domain_name("a.example.se").await.unwrap(), Published::Now);
    assert_eq!(publisher.set_domain_name("a.example.se").await.unwrap(), Published::AlreadyThere);
    registry.lies(&[Lie::None, Lie::ResetAfter]);
    assert_eq!(publisher.set_domain_name("b.example.se").await.unwrap(), Published::Now);
    assert_eq!(registry.thing("/domainName").unwrap(), "b.example.se");
    assert_eq!(publisher.set_domain_name("B.Example.SE").await.unwrap(), Published::AlreadyThere);
    assert_eq!(publisher.remove_domain_name().await.unwrap(), Withdrawn::Now);
    assert_eq!(publisher.remove_domain_name().await.unwrap(), Withdrawn::AlreadyGone);
    let info = read_info(br#"{"support":{"phone":"08-1"},"b":1}"#).unwrap();
    assert_eq!(publisher.set_info(&info).await.unwrap(), Published::Now);
    assert_eq!(publisher.set_info(&info).await.unwrap(), Published::AlreadyThere);
    assert_eq!(publisher.remove_info().await.unwrap(), Withdrawn::Now);
}

#[tokio::test]
async fn somebody_elses_change_in_between_is_not_overwritten() {
    let registry = Lying::start();
    registry.put("/domainName", &json!("a.example.se"));
    // What is read is older than what is there when the change comes.
    registry.lies(&[Lie::None, Lie::Refuse(412, "", "")]);
    let error = registry.publisher().set_domain_name("b.example.se").await.unwrap_err();
    assert!(matches!(error, PublishError::Client(ClientError::ChangedMeanwhile)) && error.is_temporary(), "{error:?}");
    assert_eq!(registry.thing("/domainName").unwrap(), "a.example.se");
}

#[tokio::test]
async fn constraints_are_added_set_and_removed() {
    let registry = Lying::start();
    let publisher = registry.publisher();
    assert_eq!(publisher.add_constraint(&constraint("P3W")).await.unwrap(), Published::Now);
    assert_eq!(publisher.add_constraint(&constraint("P3W")).await.unwrap(), Published::AlreadyThere);
    let other = publisher.add_constraint(&constraint("P1W")).await.unwrap_err();
    assert!(matches!(other, PublishError::OtherConstraint(_)), "{other:?}");
    assert_eq!(publisher.set_constraint(&constraint("P1W")).await.unwrap(), Published::Now);
    assert_eq!(registry.thing("/issuerSignatureConstraint/41").unwrap()["signatureLifetime"], "P1W");
    assert_eq!(publisher.remove_constraint("41".parse().unwrap()).await.unwrap(), Withdrawn::Now);
    assert_eq!(publisher.set_constraint(&constraint("P1W")).await.unwrap(), Published::Now);
}

fn any_lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        3 => Just(Lie::None),
        1 => Just(Lie::Unsigned),
        1 => Just(Lie::Stranger),
        1 => Just(Lie::Impostor),
        1 => Just(Lie::Old(400)),
        1 => Just(Lie::Body("{}")),
        1 => Just(Lie::Status(200)),
        1 => Just(Lie::Status(404)),
        1 => Just(Lie::Twice),
        2 => Just(Lie::Gateway(502)),
        1 => Just(Lie::Wish(503, "18446744073709551615")),
        1 => Just(Lie::Refuse(500, "", "")),
        1 => Just(Lie::Refuse(429, "", "")),
        1 => Just(Lie::RefuseUnsigned(404, "")),
        1 => Just(Lie::RefuseUnsigned(201, "")),
        2 => Just(Lie::ResetAfter),
        1 => Just(Lie::ResetBefore),
        1 => Just(Lie::Torn),
        1 => Just(Lie::Redirect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lies only: nothing that the registry itself signed is ever false.
    #[test]
    fn a_success_means_that_it_is_so_whatever_the_lies_before(lies in vec(any_lie(), 0..8), withdrawn in vec(any_lie(), 0..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let registry = Lying::start();
        let (publisher, key) = (registry.publisher(), public("34:1"));
        registry.lies(&lies);
        let first = runtime.block_on(publisher.publish_authtoken_key(&key));
        match &first {
            Ok(_) => prop_assert_eq!(&registry.thing(KEY).unwrap()["kid"], "34:1"),
            Err(error) => prop_assert!(error.is_temporary(), "{lies:?}: {error:?}"),
        }
        registry.forget_lies();
        let again = runtime.block_on(publisher.publish_authtoken_key(&key));
        prop_assert!(again.is_ok(), "{lies:?}: {again:?}");
        prop_assert!(registry.thing(KEY).is_some());
        registry.lies(&withdrawn);
        if runtime.block_on(publisher.withdraw_authtoken_key(&key.kid)).is_ok() {
            prop_assert_eq!(registry.thing(KEY), None);
        }
    }
}

#[test]
fn publishing_can_be_left_to_a_task_of_its_own() {
    fn is_send<T: Send>(_: &T) {}
    let registry = Lying::start();
    let (publisher, key) = (registry.publisher(), public("34:1"));
    is_send(&publisher.publish_authtoken_key(&key));
    is_send(&publisher.withdraw_authtoken_key(&key.kid));
}
