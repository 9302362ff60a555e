//! [`Draft`]: a set before it is signed, right until it is bent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bob_auth::protocol::pop::PopKey;
use openssl::ec::EcKey;
use openssl::ecdsa::EcdsaSig;
use openssl::hash::{MessageDigest, hash};
use serde_json::{Value, json};

use super::keys::{Keys, PRINTED, rng};
use crate::certificates::now;

/// A set before it is signed.
pub(crate) struct Draft {
    pub(crate) keys: &'static Keys,
    pub(crate) participants: Value,
    /// In place of the participants.
    pub(crate) payload: Option<String>,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) flattened: bool,
    /// The how-maniest time it is fetched, from 1.
    pub(crate) fetch: usize,
}

/// A signature to be made.
pub(crate) struct Signature {
    pub(crate) protected: Value,
    pub(crate) unprotected: Option<Value>,
    /// The key that is printed in RFC 7515 if there is none.
    pub(crate) key: Option<PopKey>,
}

impl Draft {
    /// One that keeps every rule.
    pub(crate) fn right(keys: &'static Keys, serial: u64, endpoints: &[Value], fetch: usize) -> Self {
        let signature = Signature::by(&keys.primary, serial);
        Self {
            keys,
            participants: participants(keys, endpoints),
            payload: None,
            signatures: vec![signature],
            flattened: false,
            fetch,
        }
    }

    /// A second signature.
    pub(crate) fn also_by(&mut self, key: &PopKey) {
        let serial = self.signatures[0].protected["serial"].as_u64().unwrap();
        self.signatures.push(Signature::by(key, serial));
    }

    /// The first protected header.
    pub(crate) fn header(&mut self) -> &mut Value {
        &mut self.signatures[0].protected
    }

    /// Participant 41, who has something of everything.
    pub(crate) fn rich(&mut self) -> &mut Value {
        &mut self.participants[2]
    }

    /// Signs it.
    pub(crate) fn seal(&self) -> String {
        let payload = URL_SAFE_NO_PAD.encode(self.payload.clone().unwrap_or_else(|| self.participants.to_string()));
        let signatures: Vec<Value> = self.signatures.iter().map(|signature| signature.make(&payload)).collect();
        if self.flattened {
            let mut set = signatures[0].clone();
            set["payload"] = payload.into();
            return set.to_string();
        }
        json!({ "payload": payload, "signatures": signatures }).to_string()
    }
}

impl Signature {
    fn by(key: &PopKey, serial: u64) -> Self {
        let protected = json!({
            "alg": key.signer.algorithm().as_str(),
            "kid": key.kid,
            "authid": 16,
            "serial": serial,
            "notvalidafter": in_days(7),
            "interval": 43_200,
        });
        Self { protected, unprotected: None, key: Some(key.clone()) }
    }

    fn make(&self, payload: &str) -> Value {
        let protected = URL_SAFE_NO_PAD.encode(self.protected.to_string());
        let input = format!("{protected}.{payload}");
        let mut signature = Vec::new();
        match &self.key {
            Some(key) => key.signer.sign(&rng(), input.as_bytes(), &mut signature).unwrap(),
            None => signature = with_printed(input.as_bytes()),
        }
        let mut made = json!({ "protected": protected, "signature": URL_SAFE_NO_PAD.encode(signature) });
        if let Some(header) = &self.unprotected {
            made["header"] = header.clone();
        }
        made
    }
}

/// A point in time as metadata writes it.
pub(crate) fn in_days(days: i64) -> String {
    now().plus_seconds(days * 86_400).to_string()
}

/// A signature with a key that everybody knows: our own signer would refuse it.
fn with_printed(input: &[u8]) -> Vec<u8> {
    let key = EcKey::private_key_from_pem(PRINTED.as_bytes()).unwrap();
    let digest = hash(MessageDigest::sha256(), input).unwrap();
    let signature = EcdsaSig::sign(&digest, &key).unwrap();
    let mut bytes = signature.r().to_vec_padded(32).unwrap();
    bytes.extend(signature.s().to_vec_padded(32).unwrap());
    bytes
}

fn participants(keys: &Keys, endpoints: &[Value]) -> Value {
    json!([
        { "pid": 16, "organisationName": "The authority" },
        {
            "pid": 34, "organisationName": "Example Transport",
            "authtokenPublicKeys": [keys.token_jwk],
            "interfaceEndpoints": endpoints,
        },
        {
            "pid": 41, "organisationName": "Another",
            "domainName": "another.example",
            "mtbPublicKeys": [keys.ticket_jwk],
            "authtokenPublicKeys": [keys.rsa_jwk],
            "interfaceEndpoints": [{
                "endpointId": 1, "version": 1, "type": "ticket", "uri": "https://tickets.another.example/api/v1",
                "tlsa": { "usage": 3, "selector": 1, "type": 1, "data": "00ff" },
            }, { "endpointId": 2, "version": 2, "type": "validation", "uri": "https://validation.another.example" }],
            "issuerSignatureConstraints": [{ "pid": 34, "signatureLifetime": "P3W" }],
            "participantInfo": { "phone": "+46 1" },
        },
    ])
}
