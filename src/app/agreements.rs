//! What was agreed upon with a registry, or set for the life of keys, and is laxer than it should be where it counts. Said
//! at every start, and when a configuration is checked.

use crate::config::{RegistryServerSettings, RotationSettings, SetSettings};
use crate::protocol::pop::{Part, PopProfile};

/// One sentence for each.
pub(super) fn lax(rotation: Option<&RotationSettings>, server: Option<&RegistryServerSettings>) -> Vec<String> {
    let mut found = server.map(|server| lax_profile(&server.pop)).unwrap_or_default();
    found.extend(server.into_iter().flat_map(|server| late_readers(&server.set)).map(str::to_owned));
    if let Some(rotation) = rotation.filter(|rotation| rotation.automatic) {
        if rotation.wait.is_zero() {
            found.push(
                "rotation.wait is 0s: a key signs before every partner can know it, and they refuse its tokens".into(),
            );
        }
        if rotation.leeway.is_zero() {
            found.push(
                "rotation.leeway is 0s: a key is withdrawn while partners with late clocks still take its tokens"
                    .into(),
            );
        }
    }
    found
}

/// What a participant's client signs is everything, whatever its own configuration says: this is about whoever checks it.
fn lax_profile(profile: &PopProfile) -> Vec<String> {
    let mut found = Vec::new();
    let unsigned: Vec<String> =
        Part::ALL.into_iter().filter(|part| !profile.requires(*part)).map(|part| part.to_string()).collect();
    if !unsigned.is_empty() {
        let parts = unsigned.join(", ");
        found.push(format!(
            "registry_server.pop_required leaves out the {parts}: a proof that is overheard counts for other requests too"
        ));
    }
    if !profile.headers.iter().any(|name| name == "if-match") {
        found.push(
            "registry_server.pop_headers leaves out If-Match: whoever is on the way can take a condition away"
                .to_owned(),
        );
    }
    found
}

/// Whether readers who keep to what the set and its server tell them may be left with a set that has ended.
fn late_readers(set: &SetSettings) -> Vec<&'static str> {
    let mut found = Vec::new();
    if set.renew_after + set.interval.unwrap_or_default() > set.valid_for {
        found.push(
            "registry_server.renew_after and interval together are longer than set_valid_for: who fetches once per interval may \
             hold a set that has ended",
        );
    }
    if set.max_age > set.valid_for.saturating_sub(set.renew_after) {
        found.push(
            "registry_server.max_age is longer than a set has left when it is renewed: who keeps it for so long has no new one \
             when it ends",
        );
    }
    found
}

/// Says it in the log.
pub(super) fn warn_of(lax: Vec<String>) {
    for laxity in lax {
        tracing::warn!("{laxity}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_that_ends_before_its_readers_come_again_is_told() {
        let hours = std::time::Duration::from_hours;
        let set = SetSettings {
            valid_for: hours(7 * 24),
            renew_after: hours(24),
            interval: Some(hours(24)),
            max_age: hours(1),
        };
        assert!(late_readers(&set).is_empty(), "the defaults are right");
        let told = late_readers(&SetSettings { valid_for: hours(2), renew_after: hours(1), ..set });
        assert!(told.len() == 1 && told[0].contains("interval"), "{told:?}");
        let told = late_readers(&SetSettings { interval: None, max_age: hours(200), ..set });
        assert!(told.len() == 1 && told[0].contains("max_age"), "{told:?}");
    }

    #[test]
    fn a_profile_that_leaves_parts_out_is_told_and_the_assumed_one_is_not() {
        assert!(lax_profile(&PopProfile::default()).is_empty());
        let required = vec![Part::Time, Part::Host, Part::Path];
        let told = lax_profile(&PopProfile { required, headers: Vec::new(), ..PopProfile::default() });
        assert!(told[0].contains("leaves out the method, query, headers, body:"), "{told:?}");
        assert!(told[1].contains("If-Match"), "{told:?}");
    }
}
