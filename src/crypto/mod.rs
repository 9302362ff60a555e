//! Floor 1: digests, certificates, keys and signatures, each a thin and typed face of a library.
//!
//! The only room (besides `web::tls`) that names openssl, ring, sha1 and jsonwebtoken. No cryptography is invented here,
//! and nothing here knows what a BoB token holds.

pub mod algorithm;
pub mod cert;
pub mod digest;
pub mod issue_cert;
pub mod jws;
pub mod private_key;
#[cfg(feature = "service")]
pub mod probe_cert;
pub mod public_key;
pub mod signer;
#[cfg(feature = "service")]
pub mod tls_client;
pub mod tls_fault;
