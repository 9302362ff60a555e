//! Certificates for the servers of these tests, and the files that the probe is given.

use std::fs;
use std::path::{Path, PathBuf};

use bob_auth::crypto::cert::Certificate;
use bob_auth::crypto::issue_cert::{Profile, Purpose, self_signed};
use bob_auth::crypto::private_key::PrivateKey;
use bob_auth::value::{Clock as _, SystemClock, Timestamp};
use ring::rand::SystemRandom;

/// A file of keys-example, as an argument.
pub(crate) fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("keys-example").join(name).to_str().unwrap().to_owned()
}

/// A certificate of keys-example.
pub(crate) fn example_certificate(name: &str) -> Certificate {
    Certificate::read_all(&fs::read(example(&format!("{name}.pem"))).unwrap()).unwrap().remove(0)
}

/// A server's certificate for this name or address, self-signed, with its key.
pub(crate) fn of_server(name: &str) -> (Certificate, PrivateKey) {
    let purpose = match name.parse() {
        Ok(address) => Purpose::Server { names: Vec::new(), addresses: vec![address] },
        Err(_) => Purpose::Server { names: vec![name.to_owned()], addresses: Vec::new() },
    };
    let validity = (now().plus_seconds(-3_600), now().plus_seconds(86_400));
    let profile = Profile { common_name: "a server".to_owned(), validity, purpose };
    let key = PrivateKey::generate_p256().unwrap();
    #[expect(clippy::disallowed_methods, reason = "tests are an edge")]
    let certificate = self_signed(&profile, &key, &SystemRandom::new()).unwrap();
    (certificate, key)
}

/// Writes a certificate as PEM.
pub(crate) fn write(certificate: &Certificate, file: PathBuf) -> PathBuf {
    fs::write(&file, certificate.to_pem().unwrap()).unwrap();
    file
}

/// Now, in whole seconds.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
