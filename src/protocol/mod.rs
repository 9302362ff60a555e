//! Floor 2: what BoB and its neighbours say on the wire. Pure: no I/O, no clock, the specification named at every item.

pub mod claims;
pub mod client_cert_header;
pub mod jwk;
pub mod key_set;
pub mod metadata;
pub mod pop;
pub mod presented;
pub mod registry;
pub mod strict_json;
pub mod token;
pub mod token_claims;
pub mod token_text;
pub mod unverified;
pub mod wire;
