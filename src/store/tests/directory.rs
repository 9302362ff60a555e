//! The snapshot against the store that it was read from.

use super::*;
use crate::store::{Directory, EntityPatch, Fingerprint, OwnerView};
use crate::value::Lifetime;

#[tokio::test]
async fn an_empty_store_gives_an_empty_snapshot() {
    let (_directory, store) = empty().await;
    let snapshot = Directory::load(&store).await.unwrap();
    assert_eq!((snapshot.revision(), snapshot.participants().len(), snapshot.expiring(9).count()), (0, 0, 0));
}

#[tokio::test]
async fn a_participant_is_found_by_pid_host_and_base_path() {
    let (_directory, store) = empty().await;
    for number in [75, 74] {
        let hosts = vec![format!("h{number}")];
        let wanted = Participant { hosts, base_path: Some(format!("/p/{number}")), ..participant(number) };
        store.add_participant(&wanted, &change()).await.unwrap();
    }
    let snapshot = Directory::load(&store).await.unwrap();
    for found in
        [snapshot.participant(pid(75)), snapshot.participant_by_host("h75"), snapshot.participant_by_base_path("/p/75")]
    {
        assert_eq!(found.unwrap().name(), "Participant 75");
    }
    assert!(snapshot.participant_by_host("h76").is_none() && snapshot.participant(pid(76)).is_none());
}

#[tokio::test]
async fn an_entity_is_found_with_what_its_tokens_need() {
    let (_directory, store) = peopled().await;
    let patch = EntityPatch {
        class: Some("ins".parse().unwrap()),
        lifetime: Some(Lifetime::from_seconds(u32::MAX)),
        ..EntityPatch::default()
    };
    store.set_entity(pid(74), &id("a"), &patch, &change()).await.unwrap();
    store.suspend_entity(pid(74), &id("b"), &change()).await.unwrap();
    let snapshot = Directory::load(&store).await.unwrap();
    let here = snapshot.participant(pid(74)).unwrap();
    let (a, b) = (here.entity("a").unwrap(), here.entity("b").unwrap());
    assert_eq!((a.id, a.class.as_str(), a.lifetime), ("a", "ins", Lifetime::from_seconds(u32::MAX)));
    assert_eq!((a.state, b.state), (EntityState::Active, EntityState::Suspended));
    assert_eq!((b.id, b.class.as_str(), b.lifetime), ("b", "val", None));
    for unknown in ["", "A", "ab", "c", "a "] {
        assert!(here.entity(unknown).is_none(), "{unknown}");
    }
}

#[tokio::test]
async fn a_certificate_leads_to_its_owner_and_a_revoked_one_says_so() {
    let (_directory, store) = peopled().await;
    let (mine, old, common) =
        (certificate(74, own("b"), 1), certificate(74, own("b"), 2), certificate(74, Owner::Participant, 3));
    for one in [&mine, &old, &common] {
        store.enrol(one, &change()).await.unwrap();
    }
    store.revoke(&Fingerprint::Sha1(old.sha1), &change()).await.unwrap();
    let snapshot = Directory::load(&store).await.unwrap();
    let here = snapshot.participant(pid(74)).unwrap();
    let (a, b) = (here.entity("a").unwrap(), here.entity("b").unwrap());
    let found = here.certificate(&mine.sha1).unwrap();
    assert_eq!((found.owner, found.state), (OwnerView::Entity(b.index), CertificateState::Active));
    assert_eq!((found.sha256, found.not_after), (mine.sha256, mine.not_after));
    assert_eq!(here.certificate(&old.sha1).unwrap().state, CertificateState::Revoked);
    assert_eq!(here.certificate(&common.sha1).unwrap().owner, OwnerView::Participant);
    assert!((!a.has_certificate) && b.has_certificate && a.index != b.index);
    assert!(here.certificate(&certificate(74, own("a"), 4).sha1).is_none());

    store.revoke(&Fingerprint::Sha1(mine.sha1), &change()).await.unwrap();
    store.remove_entity(pid(74), &id("b"), &change()).await.unwrap();
    let snapshot = Directory::load(&store).await.unwrap();
    let found = snapshot.participant(pid(74)).unwrap().certificate(&mine.sha1).unwrap();
    assert_eq!((found.owner, found.state), (OwnerView::Removed, CertificateState::Revoked));
}

#[tokio::test]
async fn a_certificate_belongs_to_its_participant_only() {
    let (_directory, store) = peopled().await;
    store.add_participant(&participant(75), &change()).await.unwrap();
    let known = certificate(74, own("a"), 1);
    store.enrol(&known, &change()).await.unwrap();
    let snapshot = Directory::load(&store).await.unwrap();
    assert!(snapshot.participant(pid(75)).unwrap().certificate(&known.sha1).is_none());
}

#[tokio::test]
async fn an_entity_whose_only_certificate_is_revoked_has_none() {
    let (_directory, store) = peopled().await;
    store.enrol(&certificate(74, own("a"), 1), &change()).await.unwrap();
    store.revoke(&Fingerprint::Sha1(certificate(74, own("a"), 1).sha1), &change()).await.unwrap();
    let snapshot = Directory::load(&store).await.unwrap();
    assert!(!snapshot.participant(pid(74)).unwrap().entity("a").unwrap().has_certificate);
}

#[tokio::test]
async fn thousands_are_all_found_and_the_soonest_expire_first() {
    let (_directory, store) = empty().await;
    store.add_participant(&participant(74), &change()).await.unwrap();
    let many: Vec<_> = (0..5_000_u64)
        .map(|n| {
            // Names whose order is not the order of adding.
            let name = format!("device-{:x}", n.wrapping_mul(2_654_435_761) % 1_000_003);
            let mut one = certificate(74, own(&name), n);
            one.not_after = at(i64::try_from(n * 7_919 % 5_000).unwrap() - 100);
            (entity(74, &name), one)
        })
        .collect();
    store.enrol_many(&many, &change()).await.unwrap();
    let snapshot = Directory::load(&store).await.unwrap();
    let here = snapshot.participant(pid(74)).unwrap();
    assert_eq!((here.entity_count(), snapshot.certificate_count()), (5_000, 5_000));
    for (entity, certificate) in &many {
        let found = here.entity(entity.id.as_str()).unwrap();
        let view = here.certificate(&certificate.sha1).unwrap();
        assert_eq!((view.owner, view.sha256), (OwnerView::Entity(found.index), certificate.sha256));
        assert_eq!((view.not_after, found.id), (certificate.not_after, entity.id.as_str()));
    }
    let ends: Vec<_> = snapshot.expiring(1_000).map(|(_, e)| e.not_after.as_seconds()).collect();
    assert_eq!(ends, (-100..0).collect::<Vec<_>>());
    assert_eq!(snapshot.expiring(1).next().unwrap().1.entity.as_ref(), Some(&many[0].0.id));
}
