//! All 28 operations of the Participant Metadata API, from the client to the real server.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::https::{HttpsClient, HttpsUrl};
use bob_auth::protocol::jwk::{JwkSet, PublicJwk};
use bob_auth::protocol::metadata::{Environment, MtbKey, MtbScope, SignatureConstraint, SignedSet, TrustAnchors};
use bob_auth::protocol::registry::body::{read_endpoint_call, read_info};
use bob_auth::registry_client::{ClientError, Pace, Party, RegistryClient, World};
use bob_auth::value::{Clock as _, SystemClock};

use crate::registry_site::{Running, Site, new_key, pid, rng, wait_for};

fn client(site: &Site, registry: &Running) -> RegistryClient {
    let files = site.files();
    let party = Party {
        pid: pid(34),
        api: HttpsUrl::parse(&registry.url()).unwrap(),
        key: site.key(34),
        trusted: JwkSet::parse(&fs::read(files.answer_trust).unwrap()).unwrap().keys,
        profile: bob_auth::protocol::pop::PopProfile::default(),
    };
    let http = HttpsClient::new(Some(&fs::read(files.ca).unwrap()), Duration::from_secs(10)).unwrap();
    let world = World { clock: Arc::new(SystemClock), rng: Arc::new(rng()) };
    RegistryClient::new(party, http, world, Pace::default())
}

fn public(kid: &str) -> PublicJwk {
    let key = new_key(kid, Algorithm::Es256);
    PublicJwk { kid: key.kid, key: key.signer.public_key().clone() }
}

#[test]
fn every_operation_is_one_call() {
    let mut site = Site::new();
    let registry = site.start();
    let client = client(&site, &registry);
    wait_for(async {
        keys(&client).await;
        places(&client).await;
        let (participant, skipped) = client.participant().await.unwrap();
        assert_eq!((participant.pid, skipped.len()), (pid(34), 0));
        let set = client.whole_set().await.unwrap();
        let anchors = TrustAnchors::parse(&fs::read(site.files().trust).unwrap(), Environment::Production).unwrap();
        let set = SignedSet::verify(&set, &anchors, SystemClock.now()).unwrap();
        assert!(set.participant(pid(34)).is_some());
    });
}

async fn keys(client: &RegistryClient) {
    let (key, other) = (public("34:1"), public("34:1"));
    let created = client.post_authtoken_key(&key).await.unwrap();
    assert_eq!((created.status, created.body.len()), (201, 0));
    assert!(created.location.unwrap().ends_with("/participantMetadata/34/authtokenPublicKey/34%3A1"));
    assert!(matches!(client.post_authtoken_key(&other).await, Err(ClientError::KidUsedUp { .. })));
    let found = client.authtoken_key(&key.kid).await.unwrap();
    assert_eq!(found.value, key);
    let stale = client.put_authtoken_key(&key, Some("\"stale\"")).await;
    assert!(matches!(stale, Err(ClientError::ChangedMeanwhile)), "{stale:?}");
    let repaired = client.put_authtoken_key(&key, found.etag.as_deref()).await.unwrap();
    assert!(repaired.status == 200 && repaired.location.is_some(), "{repaired:?}");
    assert!(matches!(client.put_authtoken_key(&other, None).await, Err(ClientError::KidUsedUp { .. })));
    assert_eq!(client.authtoken_keys().await.unwrap().entries, std::slice::from_ref(&key));
    assert_eq!(client.delete_authtoken_key(&key.kid, None).await.unwrap().status, 204);
    assert!(matches!(client.delete_authtoken_key(&key.kid, None).await, Err(ClientError::NotFound)));
    let PublicJwk { kid, key } = public("34:mtb");
    let mtb = MtbKey { kid, key, scope: Some(MtbScope::Ticket) };
    assert_eq!(client.post_mtb_key(&mtb).await.unwrap().status, 201);
    assert_eq!(client.mtb_key(&mtb.kid).await.unwrap().value, mtb);
    let repaired = MtbKey { scope: Some(MtbScope::Id), ..mtb };
    assert_eq!(client.put_mtb_key(&repaired, None).await.unwrap().status, 200);
    assert_eq!(client.mtb_keys().await.unwrap().entries, [repaired.clone()]);
    assert_eq!(client.delete_mtb_key(&repaired.kid, None).await.unwrap().status, 204);
}

async fn places(client: &RegistryClient) {
    assert_eq!(client.put_domain_name("a.example.se", None).await.unwrap().status, 204);
    let etag = client.domain_name().await.unwrap().etag;
    assert_eq!(client.delete_domain_name(etag.as_deref()).await.unwrap().status, 204);
    let call = read_endpoint_call(br#"{"version":1,"type":"ticket","uri":"https://a.example.se/"}"#).unwrap();
    let endpoint = client.post_endpoint(&call).await.unwrap();
    assert_eq!(client.endpoint(endpoint.endpoint_id).await.unwrap().value, endpoint);
    assert_eq!(client.put_endpoint(&endpoint, None).await.unwrap().status, 204);
    assert_eq!(client.endpoints().await.unwrap().entries, [endpoint.clone()]);
    assert_eq!(client.delete_endpoint(endpoint.endpoint_id, None).await.unwrap().status, 204);
    let of =
        |lifetime: &str| SignatureConstraint { acceptable_pid: pid(41), signature_lifetime: lifetime.parse().unwrap() };
    assert_eq!(client.post_constraint(&of("P3W")).await.unwrap().status, 201);
    assert_eq!(client.put_constraint(&of("P1W"), None).await.unwrap().status, 204);
    assert_eq!(client.constraint(pid(41)).await.unwrap().value, of("P1W"));
    assert_eq!(client.constraints().await.unwrap().entries, [of("P1W")]);
    assert_eq!(client.delete_constraint(pid(41), None).await.unwrap().status, 204);
    let info = read_info(br#"{"b":1,"a":[{}]}"#).unwrap();
    assert_eq!(client.put_info(&info, None).await.unwrap().status, 201);
    assert_eq!(client.info().await.unwrap().value, info);
    assert_eq!(client.delete_info(None).await.unwrap().status, 204);
}
