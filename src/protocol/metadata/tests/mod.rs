//! A small federation: an authority with two anchors, participants with keys, and sets signed well and badly.

mod attacks;
mod changes;
mod content;
mod forms;
mod terms;

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::sign::{Form, sign_set};
use super::*;
use crate::crypto::private_key::PrivateKey;
use crate::crypto::signer::{Signer, SoftwareSigner};
use crate::value::{Kid, Pid, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const EC: &str = "16:samtrafiken_one";
const RSA: &str = "16:samtrafiken_rsa";

fn pid(number: i64) -> Pid {
    Pid::new(number).unwrap()
}

fn kid(text: &str) -> Kid {
    text.parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
fn rng() -> SystemRandom {
    SystemRandom::new()
}

fn p256() -> SoftwareSigner {
    SoftwareSigner::new(&PrivateKey::generate_p256().unwrap(), &rng()).unwrap()
}

/// The primary anchor.
fn ec() -> &'static SoftwareSigner {
    static KEY: OnceLock<SoftwareSigner> = OnceLock::new();
    KEY.get_or_init(p256)
}

/// The fallback.
fn rsa() -> &'static SoftwareSigner {
    static KEY: OnceLock<SoftwareSigner> = OnceLock::new();
    KEY.get_or_init(|| SoftwareSigner::new(&PrivateKey::generate_rsa(2048).unwrap(), &rng()).unwrap())
}

fn jwk(signer: &SoftwareSigner, kid: &str) -> Value {
    serde_json::to_value(signer.public_key().to_jwk(kid)).unwrap()
}

fn anchors_of(keys: &[Value], environment: Environment) -> Result<TrustAnchors, AnchorError> {
    TrustAnchors::parse(json!({"keys": keys}).to_string().as_bytes(), environment)
}

fn anchors() -> TrustAnchors {
    anchors_of(&[jwk(ec(), EC), jwk(rsa(), RSA)], Environment::Production).unwrap()
}

fn terms(serial: u64) -> SetTerms {
    SetTerms { authid: pid(16), serial, not_valid_after: NOW.plus_seconds(604_800), interval: None }
}

fn one(pid: i64) -> Value {
    json!({"pid": pid, "organisationName": "Operator"})
}

/// A signature with this protected header, whatever it says.
fn signature(protected: &Value, payload: &str, signer: &dyn Signer) -> Value {
    raw_signature(&protected.to_string(), payload, signer)
}

fn raw_signature(protected: &str, payload: &str, signer: &dyn Signer) -> Value {
    let protected = URL_SAFE_NO_PAD.encode(protected);
    let mut signature = Vec::new();
    let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(payload));
    signer.sign(&rng(), input.as_bytes(), &mut signature).unwrap();
    json!({"protected": protected, "signature": URL_SAFE_NO_PAD.encode(signature)})
}

/// The protected header that the primary anchor writes.
fn protected() -> Value {
    terms(7).protected("ES256", &kid(EC))
}

fn protected_with(member: &str, value: Value) -> Value {
    let mut protected = protected();
    protected[member] = value;
    protected
}

/// A set in the general form.
fn general(payload: &str, signatures: &[Value]) -> Value {
    json!({"payload": URL_SAFE_NO_PAD.encode(payload), "signatures": signatures})
}

/// A set with this payload, signed by the primary anchor.
fn signed(payload: &Value) -> String {
    signed_text(&payload.to_string())
}

fn signed_text(payload: &str) -> String {
    sign_set(payload, &terms(7), &[(kid(EC), ec())], Form::General, &rng()).unwrap()
}

/// A set whose only signature has this protected header.
fn signed_with(protected: &Value) -> String {
    let payload = json!([one(1)]).to_string();
    general(&payload, &[signature(protected, &payload, ec())]).to_string()
}

/// A set that both anchors signed.
fn signed_twice() -> Value {
    let keys: [(Kid, &dyn Signer); 2] = [(kid(EC), ec()), (kid(RSA), rsa())];
    let set = sign_set(&json!([one(1)]).to_string(), &terms(7), &keys, Form::General, &rng()).unwrap();
    serde_json::from_str(&set).unwrap()
}

fn verify(set: &str) -> Result<MetadataSet, MetadataError> {
    SignedSet::verify(set.as_bytes(), &anchors(), NOW)
}

fn refusal(set: &str) -> MetadataError {
    verify(set).unwrap_err()
}

/// Why a payload is refused that an anchor signed.
fn payload_refusal(payload: &str) -> MetadataError {
    refusal(&signed_text(payload))
}
