//! What is told of each origin of keys, and of its metadata set. Worked out anew at every scrape: a reload may name other
//! origins.

use prometheus::Registry;
use prometheus::proto::MetricFamily;

use super::families::{counters, gauges, int_to_f64};
use crate::key_source::{Alarm, OriginStatus};
use crate::value::Timestamp;

/// Everything about these origins.
pub fn key_sources(origins: &[OriginStatus], now: Timestamp) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let registry = Registry::new();
    let help = "When keys were last read from a source without fault, in seconds since 1970";
    let success = gauges(&registry, "bob_auth_key_source_last_success_timestamp_seconds", help, &["source"])?;
    let help = "Readings of a source of keys that failed";
    let failures = counters(&registry, "bob_auth_key_source_failures_total", help, &["source"])?;
    for origin in origins {
        let label = [origin.name.as_str()];
        if let Some(at) = origin.last_success {
            success.with_label_values(&label).set(int_to_f64(at.as_seconds()));
        }
        failures.with_label_values(&label).inc_by(origin.failures);
    }
    metadata_sets(&registry, origins, now)?;
    Ok(registry.gather())
}

fn metadata_sets(registry: &Registry, origins: &[OriginStatus], now: Timestamp) -> Result<(), prometheus::Error> {
    let gauge = |name, help| gauges(registry, name, help, &["source"]);
    let serial = gauge("bob_auth_metadata_serial", "Serial of the metadata set in force")?;
    let age = gauge("bob_auth_metadata_age_seconds", "Seconds since a newer metadata set, or a newer copy, came last")?;
    let help = "Seconds until the signed end of the metadata set, without grace; negative afterwards";
    let expires = gauge("bob_auth_metadata_expires_in_seconds", help)?;
    let counter = |name, help| counters(registry, name, help, &["source"]);
    let help = "Metadata sets offered that were older than the one in force, or other ones with its serial";
    let rollbacks = counter("bob_auth_metadata_rollbacks_total", help)?;
    let help = "Times that the metadata set could not be kept on disk";
    let write_failures = counter("bob_auth_metadata_write_failures_total", help)?;
    let help = "1 while this alarm of the metadata set is on: rollback, freeze, age or end";
    let alarms = gauges(registry, "bob_auth_metadata_alarm", help, &["source", "alarm"])?;
    for origin in origins.iter().filter(|origin| origin.kind.is_metadata()) {
        let label = [origin.name.as_str()];
        if let Some(set) = &origin.metadata {
            // A serial is at most 2^53.
            serial.with_label_values(&label).set(int_to_f64(i64::try_from(set.serial).unwrap_or(i64::MAX)));
            expires.with_label_values(&label).set(int_to_f64(set.not_valid_after.seconds_since(now)));
        }
        if let Some(since) = origin.set.since {
            age.with_label_values(&label).set(int_to_f64(now.seconds_since(since).max(0)));
        }
        rollbacks.with_label_values(&label).inc_by(origin.set.rollbacks);
        write_failures.with_label_values(&label).inc_by(origin.set.write_failures);
        for alarm in Alarm::ALL {
            let on = origin.set.alarms.contains(&alarm);
            alarms.with_label_values(&[label[0], alarm.as_str()]).set(f64::from(u8::from(on)));
        }
    }
    Ok(())
}
