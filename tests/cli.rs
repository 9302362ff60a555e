//! The command line as its users meet it: the real program, a service in a temporary directory, text and exit codes.

#![cfg(feature = "service")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by ending")]

#[path = "cli/certificates.rs"]
mod certificates;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/home.rs"]
mod home;
#[expect(dead_code, reason = "the makers of sets are those of live_keys, and not all of what they make is needed here")]
#[path = "live_keys/issuer.rs"]
mod issuer;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/life.rs"]
mod life;
#[path = "cli/metadata.rs"]
mod metadata;
#[expect(dead_code, reason = "so is the server of sets")]
#[path = "live_keys/origin.rs"]
mod origin;
#[path = "cli/proxy_config.rs"]
mod proxy_config;
#[path = "cli/registry_admin.rs"]
mod registry_admin;
#[path = "cli/service.rs"]
mod service;
