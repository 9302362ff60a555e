//! What may be together in one store, and what may not.

use super::*;
use crate::store::{
    AuditFilter, CertificateFilter, Conflict, Enrolled, EntityFilter, EntityPatch, Fingerprint, Noun, ParticipantPatch,
    StoreError,
};

/// The conflict in an error, or a failed test.
macro_rules! assert_conflict {
    ($result:expr, $pattern:pat) => {
        match $result {
            Err(StoreError::Conflict($pattern)) => {}
            other => panic!("not the conflict expected: {other:?}"),
        }
    };
}

#[tokio::test]
async fn a_participant_is_kept_field_for_field() {
    let (_directory, store) = empty().await;
    let wanted = Participant {
        hosts: vec!["tokens.example.se".into(), "a.example.se".into()],
        base_path: Some("/p/74".into()),
        created: at(1_000),
        ..participant(74)
    };
    assert_eq!(store.add_participant(&wanted, &change()).await.unwrap(), wanted);
    assert_eq!(store.participants().await.unwrap(), [wanted]);
}

#[tokio::test]
async fn hosts_and_base_paths_belong_to_one_participant() {
    let (_directory, store) = empty().await;
    let first = Participant { hosts: vec!["h".into()], base_path: Some("/p".into()), ..participant(1) };
    store.add_participant(&first, &change()).await.unwrap();
    assert_conflict!(store.add_participant(&first, &change()).await, Conflict::ParticipantExists(_));
    let host = Participant { hosts: vec!["x".into(), "h".into()], ..participant(2) };
    assert_conflict!(store.add_participant(&host, &change()).await, Conflict::HostTaken { .. });
    let path = Participant { base_path: Some("/p".into()), ..participant(2) };
    assert_conflict!(store.add_participant(&path, &change()).await, Conflict::BasePathTaken { .. });
    assert_eq!(store.participants().await.unwrap().len(), 1, "a refused change leaves nothing");

    let freed = ParticipantPatch { hosts: Some(vec![]), base_path: Some(None), ..Default::default() };
    store.set_participant(pid(1), &freed, &change()).await.unwrap();
    store.add_participant(&host, &change()).await.unwrap();
}

#[tokio::test]
async fn hosts_and_base_paths_have_one_spelling() {
    let (_directory, store) = empty().await;
    for host in ["", "Example.se", "a b", "a/b", "a,b"] {
        let bad = Participant { hosts: vec![host.into()], ..participant(1) };
        let result = store.add_participant(&bad, &change()).await;
        assert!(matches!(result, Err(StoreError::Invalid { field: "hosts", .. })), "{host}: {result:?}");
    }
    for path in ["", "/", "p", "/p/", "//p", "/p/../q", "/p%41", "/å", "/p?q"] {
        let bad = Participant { base_path: Some(path.into()), ..participant(1) };
        let result = store.add_participant(&bad, &change()).await;
        assert!(matches!(result, Err(StoreError::Invalid { field: "base_path", .. })), "{path}: {result:?}");
    }
}

#[tokio::test]
async fn only_a_participant_with_nothing_can_be_removed() {
    let (_directory, store) = peopled().await;
    let in_use = store.remove_participant(pid(74), &change()).await;
    assert_conflict!(in_use, Conflict::ParticipantInUse { entities: 2, certificates: 0, keys: 0, .. });
    for name in ["a", "b"] {
        store.remove_entity(pid(74), &id(name), &change()).await.unwrap();
    }
    store.remove_participant(pid(74), &change()).await.unwrap();
    let gone = store.participant(pid(74)).await;
    assert!(matches!(gone, Err(StoreError::NotFound(Noun::Participant(_)))), "{gone:?}");
}

#[tokio::test]
async fn an_entity_id_is_unique_inside_its_participant_only() {
    let (_directory, store) = peopled().await;
    assert_conflict!(store.add_entity(&entity(74, "a"), &change()).await, Conflict::EntityExists { .. });
    store.add_participant(&participant(75), &change()).await.unwrap();
    store.add_entity(&entity(75, "a"), &change()).await.unwrap();
    let nobody = store.add_entity(&entity(76, "a"), &change()).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(Noun::Participant(_)))), "{nobody:?}");
}

#[tokio::test]
async fn an_entity_changes_field_by_field() {
    let (_directory, store) = peopled().await;
    let patch = EntityPatch {
        class: Some("tvm".parse().unwrap()),
        lifetime: Some(crate::value::Lifetime::from_seconds(60)),
        email: Some(Some("a@example.se".into())),
        external_id: Some(Some("X-1".into())),
    };
    let later = Change { at: at(2_000), ..change() };
    let changed = store.set_entity(pid(74), &id("a"), &patch, &later).await.unwrap();
    assert_eq!(changed, store.entity(pid(74), &id("a")).await.unwrap());
    assert_eq!((changed.class.as_str(), changed.created, changed.changed), ("tvm", at(1_000), at(2_000)));
    let emptied = EntityPatch { email: Some(None), ..EntityPatch::default() };
    let changed = store.set_entity(pid(74), &id("a"), &emptied, &later).await.unwrap();
    assert_eq!((changed.email, changed.external_id.as_deref()), (None, Some("X-1")));
    let suspended = store.suspend_entity(pid(74), &id("a"), &later).await.unwrap();
    assert_eq!(suspended.state, EntityState::Suspended);
    assert_eq!(store.resume_entity(pid(74), &id("a"), &later).await.unwrap().state, EntityState::Active);
}

#[tokio::test]
async fn entities_are_listed_by_page_and_filter() {
    let (_directory, store) = peopled().await;
    for name in ["c", "dev-1", "dev-2"] {
        store.add_entity(&entity(74, name), &change()).await.unwrap();
    }
    store.suspend_entity(pid(74), &id("c"), &change()).await.unwrap();
    let all = EntityFilter::default();
    let first = store.entities(pid(74), &all, None, 2).await.unwrap();
    assert_eq!(first.items.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let second = store.entities(pid(74), &all, first.next.as_ref(), 3).await.unwrap();
    assert_eq!((second.items.len(), second.next), (3, None));
    let count = async |filter: EntityFilter| store.entities(pid(74), &filter, None, 10).await.unwrap().items.len();
    assert_eq!(count(EntityFilter { id_contains: Some("ev-".into()), ..all.clone() }).await, 2);
    assert_eq!(count(EntityFilter { state: Some(EntityState::Suspended), ..all.clone() }).await, 1);
    assert_eq!(count(EntityFilter { class: Some("ins".parse().unwrap()), ..all.clone() }).await, 0);
    assert_eq!(count(EntityFilter { email: Some("x@y".into()), ..all }).await, 0);
}

#[tokio::test]
async fn enrolling_the_same_certificate_for_the_same_owner_again_changes_nothing() {
    let (_directory, store) = peopled().await;
    let new = certificate(74, own("a"), 1);
    let Enrolled::New(enrolled) = store.enrol(&new, &change()).await.unwrap() else { panic!("it is new") };
    let revision = store.revision().await.unwrap();
    assert_eq!(store.enrol(&new, &change()).await.unwrap(), Enrolled::Already(enrolled.clone()));
    assert_eq!(store.revision().await.unwrap(), revision);
    for fingerprint in [Fingerprint::Sha1(new.sha1), Fingerprint::Sha256(new.sha256)] {
        assert_eq!(store.certificate(&fingerprint).await.unwrap(), enrolled);
    }
}

#[tokio::test]
async fn a_certificate_cannot_serve_two_owners() {
    let (_directory, store) = peopled().await;
    store.add_participant(&participant(75), &change()).await.unwrap();
    store.add_entity(&entity(75, "a"), &change()).await.unwrap();
    store.enrol(&certificate(74, own("a"), 1), &change()).await.unwrap();
    for other in [
        certificate(74, own("b"), 1),
        certificate(74, Owner::Participant, 1),
        certificate(75, own("a"), 1),
        certificate(75, Owner::Participant, 1),
    ] {
        assert_conflict!(store.enrol(&other, &change()).await, Conflict::CertificateTaken { .. });
    }
}

#[tokio::test]
async fn two_certificates_with_one_sha_1_are_refused() {
    let (_directory, store) = peopled().await;
    store.enrol(&certificate(74, own("a"), 1), &change()).await.unwrap();
    let forged = Certificate { sha1: certificate(74, own("a"), 1).sha1, ..certificate(74, own("a"), 2) };
    assert_conflict!(store.enrol(&forged, &change()).await, Conflict::Sha1Collision { .. });
    store.revoke(&Fingerprint::Sha1(forged.sha1), &change()).await.unwrap();
    assert_conflict!(store.enrol(&forged, &change()).await, Conflict::Sha1Collision { .. });
}

#[tokio::test]
async fn a_revoked_certificate_cannot_be_enrolled_again() {
    let (_directory, store) = peopled().await;
    let known = certificate(74, own("a"), 1);
    store.enrol(&known, &change()).await.unwrap();
    let revoked = store.revoke(&Fingerprint::Sha256(known.sha256), &change()).await.unwrap();
    assert_eq!(revoked.state, CertificateState::Revoked);
    store.revoke(&Fingerprint::Sha256(known.sha256), &change()).await.unwrap();
    for owner in [own("a"), own("b"), Owner::Participant] {
        let result = store.enrol(&certificate(74, owner, 1), &change()).await;
        assert_conflict!(result, Conflict::CertificateRevoked { .. });
    }
}

#[tokio::test]
async fn removing_an_entity_revokes_its_certificates_for_good() {
    let (_directory, store) = peopled().await;
    let known = certificate(74, own("a"), 1);
    store.enrol(&known, &change()).await.unwrap();
    assert_eq!(store.remove_entity(pid(74), &id("a"), &change()).await.unwrap(), 1);
    let left = store.certificate(&Fingerprint::Sha1(known.sha1)).await.unwrap();
    assert_eq!((left.state, left.owner), (CertificateState::Revoked, own("a")));
    store.add_entity(&entity(74, "a"), &change()).await.unwrap();
    assert_conflict!(store.enrol(&known, &change()).await, Conflict::CertificateRevoked { .. });
    assert_conflict!(
        store.remove_participant(pid(74), &change()).await,
        Conflict::ParticipantInUse { certificates: 1, .. }
    );
}

#[tokio::test]
async fn certificates_are_listed_by_page_and_filter() {
    let (_directory, store) = peopled().await;
    for seed in 1..=3 {
        let mut one = certificate(74, own("a"), seed);
        one.not_after = at(i64::try_from(seed).unwrap() * 100);
        store.enrol(&one, &change()).await.unwrap();
    }
    store.enrol(&certificate(74, Owner::Participant, 9), &change()).await.unwrap();
    let all = CertificateFilter::default();
    let first = store.certificates(pid(74), &all, None, 3).await.unwrap();
    let second = store.certificates(pid(74), &all, first.next, 3).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (3, 1, None));
    let count = async |filter| store.certificates(pid(74), &filter, None, 9).await.unwrap().items.len();
    assert_eq!(count(CertificateFilter { owner: Some(own("a")), ..all.clone() }).await, 3);
    assert_eq!(count(CertificateFilter { owner: Some(Owner::Participant), ..all.clone() }).await, 1);
    assert_eq!(count(CertificateFilter { expiring_before: Some(at(200)), ..all.clone() }).await, 1);
    assert_eq!(count(CertificateFilter { state: Some(CertificateState::Revoked), ..all }).await, 0);
}

#[tokio::test]
async fn a_key_goes_forward_only_and_one_is_active() {
    let (_directory, store) = peopled().await;
    let (one, two): (crate::value::Kid, crate::value::Kid) = ("74:1".parse().unwrap(), "74:2".parse().unwrap());
    for kid in ["74:1", "74:2"] {
        store.add_key(&key(74, kid), &change()).await.unwrap();
    }
    assert_eq!(store.activate_key(pid(74), &one, &by_hand(), &change()).await.unwrap().state, KeyState::Active);
    let again = store.activate_key(pid(74), &one, &by_hand(), &change()).await;
    assert_conflict!(again, Conflict::KeyState { state: KeyState::Active, wanted: KeyState::Active, .. });
    let early = store.retire_key(pid(74), &one, &change()).await;
    assert_conflict!(early, Conflict::KeyState { state: KeyState::Active, wanted: KeyState::Retired, .. });
    store.activate_key(pid(74), &two, &by_hand(), &Change { at: at(2_000), ..change() }).await.unwrap();
    let first = store.key(pid(74), &one).await.unwrap();
    assert_eq!((first.state, first.retiring_since), (KeyState::Retiring, Some(at(2_000))));
    let retired = store.retire_key(pid(74), &one, &change()).await.unwrap();
    assert_eq!((retired.state, retired.retired), (KeyState::Retired, Some(at(1_000))));
    let back = store.activate_key(pid(74), &one, &by_hand(), &change()).await;
    assert_conflict!(back, Conflict::KeyState { state: KeyState::Retired, .. });
    let states: Vec<_> = store.keys(None).await.unwrap().iter().map(|key| key.state).collect();
    assert_eq!(states, [KeyState::Retired, KeyState::Active]);
}

#[tokio::test]
async fn a_kid_is_never_used_twice() {
    let (_directory, store) = peopled().await;
    let kid = "74:1".parse().unwrap();
    store.add_key(&key(74, "74:1"), &change()).await.unwrap();
    store.retire_key(pid(74), &kid, &change()).await.unwrap();
    assert_conflict!(store.add_key(&key(74, "74:1"), &change()).await, Conflict::KidUsed { .. });
    store.add_participant(&participant(75), &change()).await.unwrap();
    store.add_key(&key(75, "74:1"), &change()).await.unwrap();
}

#[tokio::test]
async fn every_change_leaves_an_audit_row_and_a_new_revision() {
    let (_directory, store) = peopled().await;
    assert_eq!(store.revision().await.unwrap(), 3);
    let lines = store.audit(&AuditFilter::default(), None, 10).await.unwrap().items;
    let actions: Vec<_> = lines.iter().map(|line| line.row.action.as_ref()).collect();
    assert_eq!(actions, ["entity.add", "entity.add", "participant.add"]);
    assert!(lines.iter().all(|line| line.row.actor == "cli:tester" && line.row.at == at(1_000)));
    assert_eq!(lines[0].row.entity_id, Some(id("b")));
}
