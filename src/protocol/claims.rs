//! The claims of a BoB token (Authentication API 1.3.3; RFC 7519; RFC 8705 for `cnf`). Signing them is `token`'s task.

use serde::{Deserialize, Serialize};

use crate::value::{Class, EntityId, Lifetime, Pid, Sha1Fingerprint, Sha256Fingerprint, Timestamp};

/// The claims as they stand in the payload, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The issuing participant's pid, as a decimal string.
    pub iss: String,
    /// The entity id.
    pub sub: String,
    /// When it was issued, seconds since the epoch.
    pub iat: i64,
    /// From when on it counts.
    pub nbf: i64,
    /// From when on it no longer counts.
    pub exp: i64,
    /// An id of this one token, where the participant's policy wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Whom it is for, where the participant's policy says so; BoB has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// The SHA-1 fingerprint of the holder's certificate in hex, "holder of key".
    #[serde(rename = "bobHok")]
    pub bob_hok: String,
    /// The SHA-256 thumbprint beside it, where the participant's policy wants both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The authorisation class.
    #[serde(rename = "bobAuthZ")]
    pub bob_authz: String,
}

/// `aud`: one audience as a string, several as an array (RFC 7519 section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// `cnf` with the one member of RFC 8705 section 3.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// base64url of the SHA-256 of the certificate's DER.
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: String,
}

/// In which letters `bobHok` is written. The standard says lower; some partners compare strings and want upper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HokCase {
    /// `0a9a06...`
    #[default]
    Lower,
    /// `0A9A06...`
    Upper,
}

/// Who gets a token: the facts that the directory and the connection gave.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The issuing participant.
    pub pid: Pid,
    /// The entity.
    pub entity: &'a EntityId,
    /// Its class.
    pub class: &'a Class,
    /// The fingerprint for `bobHok`.
    pub sha1: Sha1Fingerprint,
    /// The fingerprint for `cnf`, if it is to be there.
    pub confirm: Option<Sha256Fingerprint>,
}

/// From when to when a token counts.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// When it is issued.
    pub now: Timestamp,
    /// How long it lives from then on.
    pub lifetime: Lifetime,
    /// How many seconds before `now` it starts to count, for partners whose clocks are behind.
    pub backdate: u32,
}

impl Claims {
    /// The claims of a new token.
    pub fn new(subject: &Subject<'_>, window: &Window, case: HokCase) -> Self {
        let mut bob_hok = subject.sha1.to_string();
        if case == HokCase::Upper {
            bob_hok.make_ascii_uppercase();
        }
        Self {
            iss: subject.pid.to_string(),
            sub: subject.entity.as_str().to_owned(),
            iat: window.now.as_seconds(),
            nbf: window.now.plus_seconds(-i64::from(window.backdate)).as_seconds(),
            exp: window.now.plus_seconds(i64::from(window.lifetime.as_seconds())).as_seconds(),
            jti: None,
            aud: None,
            bob_hok,
            cnf: subject.confirm.map(|sha256| Confirmation { x5t_s256: sha256.to_base64url() }),
            bob_authz: subject.class.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(confirm: Option<Sha256Fingerprint>, case: HokCase) -> Claims {
        let subject = Subject {
            pid: Pid::new(1).unwrap(),
            entity: &"validator37".parse().unwrap(),
            class: &"val".parse().unwrap(),
            sha1: "0a9a063eb8d540cbf7dfba7697c674d14a174f7d".parse().unwrap(),
            confirm,
        };
        let now = Timestamp::from_seconds(1_489_998_201);
        Claims::new(&subject, &Window { now, lifetime: Lifetime::CUSTOMARY, backdate: 0 }, case)
    }

    #[test]
    fn the_payload_is_that_of_the_standard_letter_for_letter() {
        assert_eq!(
            serde_json::to_string(&claims(None, HokCase::Lower)).unwrap(),
            r#"{"iss":"1","sub":"validator37","iat":1489998201,"nbf":1489998201,"exp":1490001801,"bobHok":"0a9a063eb8d540cbf7dfba7697c674d14a174f7d","bobAuthZ":"val"}"#
        );
    }

    #[test]
    fn dual_binding_adds_the_thumbprint_of_rfc_8705() {
        let json =
            serde_json::to_value(claims(Some(Sha256Fingerprint::from_bytes([255; 32])), HokCase::Upper)).unwrap();
        assert_eq!(json["cnf"]["x5t#S256"], "__________________________________________8");
        assert_eq!(json["bobHok"], "0A9A063EB8D540CBF7DFBA7697C674D14A174F7D");
    }
}
