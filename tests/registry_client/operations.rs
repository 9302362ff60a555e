//! The client and the real server: all 28 operations of the Participant Metadata API, many at once, and a server that is
//! killed in between.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bob_auth::crypto::algorithm::Algorithm;
use bob_auth::flow::publish::{PublishError, Published, Publisher};
use bob_auth::https::{HttpsClient, HttpsUrl};
use bob_auth::protocol::jwk::{JwkSet, PublicJwk};
use bob_auth::protocol::metadata::{Environment, MtbKey, MtbScope, SignatureConstraint, SignedSet, TrustAnchors};
use bob_auth::protocol::registry::body::{read_endpoint_call, read_info};
use bob_auth::registry_client::{ClientError, Pace, Party, RegistryClient, World};
use bob_auth::value::{Clock as _, SystemClock};

use tokio::task::JoinSet;

use crate::registry_site::{Running, Site, new_key, pid, rng, until, wait_for};

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
    let site = Site::new();
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
    assert_eq!(client.mtb_keys().await.unwrap().entries, std::slice::from_ref(&repaired));
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
    assert_eq!(client.endpoints().await.unwrap().entries, std::slice::from_ref(&endpoint));
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

#[test]
fn of_many_that_publish_under_one_id_one_wins_and_all_others_are_told() {
    let site = Site::new();
    let registry = site.start();
    let publisher = Publisher::new(client(&site, &registry));
    wait_for(async {
        let mut tasks = JoinSet::new();
        for key in (0..8).map(|_| public("34:1")) {
            let publisher = publisher.clone();
            tasks.spawn(async move { (publisher.publish_authtoken_key(&key).await, key) });
        }
        let (won, lost): (Vec<_>, Vec<_>) =
            tasks.join_all().await.into_iter().partition(|(outcome, _)| outcome.is_ok());
        assert!(lost.iter().all(|(outcome, _)| matches!(outcome, Err(PublishError::OtherKey { .. }))), "{lost:?}");
        let [(_, key)] = &won[..] else { panic!("{won:?}") };
        assert_eq!(client(&site, &registry).authtoken_keys().await.unwrap().entries, std::slice::from_ref(key));
        let mut same = JoinSet::new();
        for (publisher, key) in (0..8).map(|_| (publisher.clone(), key.clone())) {
            same.spawn(async move { publisher.publish_authtoken_key(&key).await });
        }
        assert!(same.join_all().await.iter().all(|outcome| matches!(outcome, Ok(Published::AlreadyThere))));
    });
}

#[test]
fn nothing_is_lost_or_doubled_when_the_registry_is_killed_again_and_again() {
    const KEYS: usize = 40;
    let site = Site::new();
    let registry = site.start();
    let publisher = Publisher::new(client(&site, &registry));
    let done = Arc::new(AtomicUsize::new(0));
    let of_thread = Arc::clone(&done);
    let publishing = thread::spawn(move || {
        let mut keys = Vec::new();
        for number in 0..KEYS {
            let key = public(&format!("34:{number:02}"));
            // As a timer would: again until it works.
            let publish = || {
                wait_for(publisher.publish_authtoken_key(&key))
                    .map_err(|error| assert!(error.is_temporary(), "{error:?}"))
            };
            until("the key is published", || publish().ok());
            keys.push(key);
            of_thread.store(number + 1, Ordering::SeqCst);
        }
        keys
    });
    let mut running = registry;
    for killed_after in [5, 15, 25] {
        until("some keys are published", || (done.load(Ordering::SeqCst) >= killed_after).then_some(()));
        running.kill();
        running = site.start();
    }
    let keys = publishing.join().unwrap();
    let client = client(&site, &running);
    let mut found = wait_for(client.authtoken_keys()).unwrap().entries;
    found.sort_by(|a, b| a.kid.cmp(&b.kid));
    assert_eq!(found, keys);
}
