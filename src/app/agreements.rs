//! What was agreed upon with a registry, or set for the life of keys, and is laxer than it should be where it counts. Said
//! at every start, and when a configuration is checked.

use crate::config::{RegistryServerSettings, RegistrySettings, RotationSettings, SetSettings};
use crate::protocol::pop::{Part, PopProfile};

/// One sentence for each.
pub(super) fn lax(
    registry: Option<&RegistrySettings>,
    rotation: Option<&RotationSettings>,
    server: Option<&RegistryServerSettings>,
) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(registry.and_then(|registry| lax_profile("registry", &registry.pop)));
    found.extend(server.and_then(|server| lax_profile("registry_server", &server.pop)));
    found.extend(server.into_iter().flat_map(|server| late_readers(&server.set)).map(str::to_owned));
    if let Some(rotation) = rotation.filter(|rotation| rotation.automatic) {
        if registry.is_some_and(|registry| registry.participants.is_empty()) {
            found.push(
                "rotation.automatic is true and there is no table [registry.participant.PID]: no key moves".into(),
            );
        }
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

fn lax_profile(table: &str, profile: &PopProfile) -> Option<String> {
    let unsigned: Vec<String> =
        Part::ALL.into_iter().filter(|part| !profile.requires(*part)).map(|part| part.to_string()).collect();
    if unsigned.is_empty() {
        return None;
    }
    let parts = unsigned.join(", ");
    Some(format!(
        "{table}.pop_required leaves out the {parts}: a proof that is overheard counts for other requests too"
    ))
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
        assert_eq!(lax_profile("registry", &PopProfile::default()), None);
        let profile = PopProfile { required: vec![Part::Time, Part::Host, Part::Path], ..PopProfile::default() };
        let told = lax_profile("registry_server", &profile).unwrap();
        assert!(
            told.starts_with("registry_server.pop_required leaves out the method, query, headers, body:"),
            "{told}"
        );
    }
}
