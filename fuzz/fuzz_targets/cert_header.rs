//! Any bytes as what a proxy says of a certificate, in every dialect.
#![no_main]

use bob_auth::protocol::client_cert_header::{CertificateDialect, parse_certificate, parse_fingerprint};
use bob_auth::protocol::presented::Presented;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Ok(Some(sha1)) = parse_fingerprint(value) {
        // It prints in its one spelling, which reads back as itself.
        assert_eq!(parse_fingerprint(sha1.to_string().as_bytes()).unwrap(), Some(sha1));
    }
    for dialect in CertificateDialect::ALL {
        match parse_certificate(dialect, value) {
            Ok(Some(der)) => {
                assert!(!der.is_empty() && der[0] == 0x30, "a certificate is a SEQUENCE");
                let _ = Presented::of_certificate(&der);
            }
            Ok(None) => {}
            Err(fault) => assert!(!fault.reason().is_empty()),
        }
    }
});
