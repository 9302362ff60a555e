//! The certificates that clients have in the field, good ones and odd ones, made for the test or taken from keys-example.

use std::fs;
use std::iter;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder};

use crate::client::Identity;

/// What a certificate is to look like. By default it is its own issuer, of this year, without extensions.
#[derive(Default)]
struct Look<'a> {
    version1: bool,
    expired: bool,
    issuer: Option<&'a Identity>,
    extensions: Vec<X509Extension>,
}

/// All of them with a name each, the files in this directory. The first has a serial number of its own like all others.
pub(crate) fn all(directory: &Path) -> Vec<(&'static str, Identity)> {
    let authority = made(directory, "authority", Look { extensions: vec![ca(true)], ..Look::default() });
    let signing_only = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
    let server_only = ExtendedKeyUsage::new().server_auth().build().unwrap();
    let make = |name, look| (name, made(directory, name, look));
    let mut all = vec![
        make("self", Look { extensions: vec![ca(true)], ..Look::default() }),
        make("selfleaf", Look { extensions: vec![ca(false)], ..Look::default() }),
        make("srvonly", Look { extensions: vec![server_only], ..Look::default() }),
        make("v1", Look { version1: true, ..Look::default() }),
        make("exp", Look { expired: true, ..Look::default() }),
        make("oleaf", Look { issuer: Some(&authority), ..Look::default() }),
        make("signonly", Look { extensions: vec![ca(true), signing_only], ..Look::default() }),
        make("large", Look { extensions: vec![names(283)], ..Look::default() }),
    ];
    let (_, chain) = make("chain", Look { issuer: Some(&authority), ..Look::default() });
    all.push(("chain", Identity { chain: vec![authority.certificate], ..chain }));
    all.push(("zeroend", ending_in_zero(directory)));
    all.push(("leaf", Identity::example("validator37")));
    all.push(("rsaleaf", Identity::example("rsa-tvm8")));
    for (name, file) in
        [("ed25519", "ed25519"), ("sha1signed", "sha1-signed"), ("future", "not-yet-valid"), ("weak", "weak-rsa1024")]
    {
        all.push((name, Identity::example(&format!("impostors/{file}"))));
    }
    all
}

/// One signature in 256 ends with a zero, and so does the certificate: text in C would end before it.
fn ending_in_zero(directory: &Path) -> Identity {
    let any = iter::repeat_with(|| made(directory, "zeroend", Look::default()));
    let mut ending = any.filter(|identity| identity.der().ends_with(&[0]));
    ending.next().unwrap()
}

/// One of 60 KB.
pub(crate) fn huge(directory: &Path) -> Identity {
    made(directory, "huge", Look { extensions: vec![names(1_400)], ..Look::default() })
}

/// So many names of 42 bytes.
fn names(count: usize) -> X509Extension {
    let mut names = SubjectAlternativeName::new();
    for number in 0..count {
        names.dns(&format!("host-{number:04}.a-rather-long-name.example.org"));
    }
    let builder = X509Builder::new().unwrap();
    names.build(&builder.x509v3_context(None, None)).unwrap()
}

fn ca(is_one: bool) -> X509Extension {
    let mut constraints = BasicConstraints::new();
    if is_one {
        constraints.ca();
    }
    constraints.critical().build().unwrap()
}

/// Makes it and writes `NAME.pem` and `NAME.key`.
fn made(directory: &Path, name: &str, look: Look<'_>) -> Identity {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let certificate = sign(name, &key, look);
    let file = directory.join(format!("{name}.pem"));
    fs::create_dir_all(directory).unwrap();
    fs::write(&file, certificate.to_pem().unwrap()).unwrap();
    fs::write(file.with_extension("key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    Identity { certificate, chain: Vec::new(), key, file }
}

fn sign(name: &str, key: &PKey<Private>, look: Look<'_>) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, MsbOption::MAYBE_ZERO, false).unwrap();
    let (from, until) =
        if look.expired { ("20200101000000Z", "20200102000000Z") } else { ("20200101000000Z", "21200101000000Z") };
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(if look.version1 { 0 } else { 2 }).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(look.issuer.map_or(&subject, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::from_str(from).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_str(until).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    for extension in look.extensions {
        builder.append_extension(extension).unwrap();
    }
    builder.sign(look.issuer.map_or(key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    builder.build()
}
