//! Client keys on curves that keys are no longer agreed on with: old devices have them, and TLS 1.2 carries them.

use std::process::Command;

use crate::client::{Identity, auth, get, s_client};
use crate::process::Service;
use crate::site::Site;

#[test]
fn certificates_on_old_curves_are_strangers_until_they_are_enrolled() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    for curve in ["secp224r1", "secp256k1", "brainpoolP256r1", "brainpoolP384r1"] {
        let identity = self_signed(&site, curve);
        let ask = || {
            let request = get(&auth(curve)).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
            // A client names the curve of its key among those that it speaks (RFC 8422 section 5.1).
            let groups = format!("X25519:P-256:{curve}");
            s_client(service.token(), Some(&identity), &["-tls1_2", "-groups", &groups], &request)
        };
        let answer = ask();
        assert!(answer.contains("HTTP/1.1 401") && answer.contains("certificate-not-accepted"), "{curve}: {answer}");
        site.run(&["entity", "add", curve, "--class", "val"]);
        site.run(&["cert", "enrol", curve, identity.file.to_str().unwrap(), "--allow-weak"]);
        crate::process::until("the enrolled certificate gets a token", || ask().contains("jwtCompact").then_some(()));
    }
}

fn self_signed(site: &Site, curve: &str) -> Identity {
    let (certificate, key) = (site.path(&format!("{curve}.pem")), site.path(&format!("{curve}.key")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-sha256", "-days", "30", "-newkey", "ec", "-pkeyopt"])
        .arg(format!("ec_paramgen_curve:{curve}"))
        .args(["-subj", &format!("/CN={curve}"), "-out"])
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Identity::read(&certificate, &key)
}
