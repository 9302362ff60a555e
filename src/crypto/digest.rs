//! SHA-1 and SHA-256, the fingerprints they make of a certificate's DER, and HMAC.

use ring::digest::{SHA256, digest};
use ring::hmac;
use sha1::{Digest as _, Sha1};

use crate::value::{Sha1Fingerprint, Sha256Fingerprint};

/// The SHA-1 fingerprint of a certificate, BoB's name for it.
pub fn sha1_fingerprint(der: &[u8]) -> Sha1Fingerprint {
    Sha1Fingerprint::from_bytes(Sha1::digest(der).into())
}

/// The SHA-256 fingerprint of a certificate (`x5t#S256`, RFC 8705 section 3.1).
pub fn sha256_fingerprint(der: &[u8]) -> Sha256Fingerprint {
    Sha256Fingerprint::from_bytes(sha256(der))
}

/// SHA-256 of any bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// HMAC with SHA-256 (RFC 2104), what `HS256` signs with. No BoB token is signed so: it shows who falls for it.
pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, message).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_abc_are_those_of_the_standard() {
        assert_eq!(sha1_fingerprint(b"abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            sha256_fingerprint(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_hmac_of_the_second_case_of_rfc_4231_is_that_of_the_rfc() {
        let hex = hmac_sha256(b"Jefe", b"what do ya want for nothing?")
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
