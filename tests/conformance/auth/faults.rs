//! For each rule of an Authentication API a server that breaks it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::server::{Api, answer, entity_of, not_found, problem, unauthorized};
use crate::certificates::{example_certificate, now};
use crate::fault::{Fault, fails, speaks, warns};
use crate::server::{Asked, Tls, Told};

/// All of them.
pub(crate) const FAULTS: &[Fault<Api>] = &[
    speaks("auth.tls", "fail", Tls::Ancient),
    speaks("auth.tls_1_3", "warning", Tls::Only12),
    speaks("auth.tls_certificate", "fail", Tls::OtherName),
    speaks("auth.no_certificate", "fail", Tls::Insists).and(&["auth.forged_header_alone"]),
    fails("auth.no_certificate", |asked, api: &Api| asked.certificate.is_none().then(|| own(api, asked)))
        .and(&["auth.forged_header_alone"]),
    speaks("auth.stranger", "fail", Tls::Chooses).and(&[
        "auth.certificate_first",
        "auth.expired_stranger",
        "auth.forged_header_stranger",
        "auth.namesake",
    ]),
    fails("auth.stranger", |asked, api: &Api| shows(asked, "CN=bob-auth-probe").then(|| own(api, asked))).and(&[
        "auth.certificate_first",
        "auth.expired_stranger",
        "auth.forged_header_stranger",
    ]),
    fails("auth.namesake", |asked, api: &Api| {
        let subject = example_certificate("validator37").subject;
        (shows(asked, &subject) && !is_validator(asked)).then(|| own(api, asked))
    }),
    speaks("auth.expired_stranger", "warning", Tls::Dates),
    fails("auth.certificate_first", |asked, _| is(asked, "no-such-entity-7f3a9c").then(not_found)),
    fails("auth.forged_header_alone", |asked, api: &Api| {
        let claimed = asked.header("X-SSL-Client-SHA1").filter(|_| asked.certificate.is_none())?;
        Some(api.for_fingerprint(asked, Some(claimed)))
    }),
    // A name that only this server's proxy uses.
    fails("auth.forged_header_alone", |asked, api: &Api| {
        let claimed = asked.header("X-Our-Proxy-Says").filter(|_| asked.certificate.is_none())?;
        api.entity(claimed).map(|_| api.for_fingerprint(asked, Some(claimed)))
    }),
    fails("auth.forged_header_stranger", |asked, api: &Api| {
        let claimed =
            asked.header("X-SSL-Client-SHA1").filter(|_| asked.certificate.is_some() && !is_validator(asked))?;
        Some(api.for_fingerprint(asked, Some(claimed)))
    }),
    fails("auth.forged_header_own", |asked, api: &Api| {
        let claimed = asked.header("X-SSL-Client-SHA1").filter(|_| is_validator(asked))?;
        Some(api.given("validator37", claimed, |_, _| {}))
    }),
    fails("auth.forged_header_own", |asked, _| {
        asked.header("X-SSL-Client-SHA1").filter(|_| is_validator(asked)).map(|_| unauthorized())
    }),
    fails("auth.unknown_entity", |asked, _| {
        (is_validator(asked) && is(asked, "no-such-entity-7f3a9c")).then(unauthorized)
    }),
    fails("auth.other_entity", |asked, api: &Api| {
        (is_validator(asked) && is(asked, "inspector5")).then(|| own(api, asked))
    }),
    warns("auth.other_entity_alike", |asked, _| {
        (is_validator(asked) && is(asked, "inspector5")).then(|| problem(404, "Not your entity"))
    }),
    warns("auth.other_entity_alike", |asked, _| {
        (is_validator(asked) && is(asked, "inspector5")).then(|| not_found().with("X-Owner", "somebody"))
    }),
    fails("auth.other_certificate", |asked, api: &Api| {
        let fingerprint = asked.fingerprint().filter(|own| api.entity(own) == Some("inspector5"))?;
        is(asked, "validator37").then(|| api.given("validator37", &fingerprint, |_, _| {}))
    }),
    fails("auth.www_authenticate", |asked, api: &Api| told(api, asked, 401, |told| told.without("WWW-Authenticate"))),
    fails("auth.token_given", |asked, _| good(asked).then(|| problem(503, "Busy"))),
    fails("auth.content_type", |asked, api: &Api| told(api, asked, 200, |told| told.with("Content-Type", "text/html"))),
    warns("auth.no_store", |asked, api: &Api| told(api, asked, 200, |told| told.with("Cache-Control", "max-age=60"))),
    fails("auth.body", |asked, api: &Api| {
        told(api, asked, 200, |told| Told { body: b"\"eyJhbGciOiJFUzI1NiJ9.e30.AAAA\"".to_vec(), ..told })
    }),
    fails("auth.body", |asked, api: &Api| {
        told(api, asked, 200, |told| {
            let body = String::from_utf8(told.body).unwrap().replacen('{', "{\"jwtCompact\":\"a\",", 1);
            Told { body: body.into_bytes(), ..answer(&json!({})) }
        })
    }),
    fails("auth.jwt_compact", |asked, api: &Api| {
        body(api, asked, |body| body["jwtCompact"] = json!("eyJhbGciOiJFUzI1NiJ9.e30"))
    }),
    fails("auth.jwt_compact", |asked, api: &Api| {
        body(api, asked, |body| _ = body.as_object_mut().unwrap().remove("jwtCompact"))
    }),
    fails("auth.jwt_compact", |asked, api: &Api| {
        body(api, asked, |body| body["jwtCompact"] = json!(format!("{}==", body["jwtCompact"].as_str().unwrap())))
    }),
    fails("auth.header_repeated", |asked, api: &Api| body(api, asked, |body| body["header"]["kid"] = json!("another"))),
    fails("auth.payload_repeated", |asked, api: &Api| {
        body(api, asked, |body| body["payload"]["bobAuthZ"] = json!("ins"))
    }),
    fails("auth.payload_repeated", |asked, api: &Api| body(api, asked, |body| body["payload"] = json!("{}"))),
    fails("auth.alg", |asked, api: &Api| header(api, asked, |header| header["alg"] = json!("HS256"))),
    fails("auth.alg", |asked, api: &Api| header(api, asked, |header| header["alg"] = json!("none"))),
    fails("auth.kid", |asked, api: &Api| {
        header(api, asked, |header| _ = header.as_object_mut().unwrap().remove("kid"))
    }),
    fails("auth.kid", |asked, api: &Api| header(api, asked, |header| header["kid"] = json!(1))),
    warns("auth.plain_header", |asked, api: &Api| {
        header(api, asked, |header| header["jku"] = json!("https://a.example/"))
    }),
    warns("auth.plain_header", |asked, api: &Api| header(api, asked, |header| header["typ"] = json!("at+jwt"))),
    fails("auth.iss", |asked, api: &Api| claims(api, asked, |claims| claims["iss"] = json!(34))),
    fails("auth.iss", |asked, api: &Api| claims(api, asked, |claims| claims["iss"] = json!("https://auth.example"))),
    fails("auth.sub", |asked, api: &Api| claims(api, asked, |claims| claims["sub"] = json!("VALIDATOR37"))),
    fails("auth.exp", |asked, api: &Api| {
        claims(api, asked, |claims| _ = claims.as_object_mut().unwrap().remove("exp"))
    }),
    fails("auth.exp", |asked, api: &Api| claims(api, asked, |claims| claims["exp"] = json!(claims["exp"].to_string()))),
    fails("auth.exp", |asked, api: &Api| claims(api, asked, |claims| claims["exp"] = json!(now().as_seconds() - 1))),
    fails("auth.exp", |asked, api: &Api| {
        claims(api, asked, |claims| claims["exp"] = json!(claims["exp"].as_i64().unwrap() * 1_000))
    }),
    fails("auth.iat", |asked, api: &Api| claims(api, asked, |claims| claims["iat"] = json!(now().as_seconds() + 300))),
    fails("auth.iat", |asked, api: &Api| claims(api, asked, |claims| claims["iat"] = json!(1_795_330_811.5))),
    fails("auth.nbf", |asked, api: &Api| claims(api, asked, |claims| claims["nbf"] = json!(now().as_seconds() + 300))),
    fails("auth.nbf", |asked, api: &Api| claims(api, asked, |claims| claims["nbf"] = json!("now"))),
    warns("auth.lifetime", |asked, api: &Api| {
        claims(api, asked, |claims| claims["exp"] = json!(now().as_seconds() + 90_000))
    }),
    fails("auth.bob_authz", |asked, api: &Api| claims(api, asked, |claims| claims["bobAuthZ"] = json!(""))),
    fails("auth.bob_authz", |asked, api: &Api| claims(api, asked, |claims| claims["bobAuthZ"] = json!(["val"]))),
    warns("auth.bob_hok", |asked, api: &Api| {
        claims(api, asked, |claims| _ = claims.as_object_mut().unwrap().remove("bobHok"))
    }),
    fails("auth.bob_hok_form", |asked, api: &Api| {
        claims(api, asked, |claims| claims["bobHok"] = json!(claims["bobHok"].as_str().unwrap().to_uppercase()))
    }),
    fails("auth.bob_hok_true", |asked, api: &Api| {
        claims(api, asked, |claims| claims["bobHok"] = json!("0a9a063eb8d540cbf7dfba7697c674d14a174f7d"))
    }),
    fails("auth.signature_form", |asked, api: &Api| body(api, asked, |body| resigned(body, &[0x30; 70]))),
    fails("auth.key_published", |asked, api: &Api| {
        header(api, asked, |header| header["kid"] = json!("34:unpublished"))
    }),
    fails("auth.signature", |asked, api: &Api| body(api, asked, |body| resigned(body, &[7; 64]))),
    fails("auth.second_token", |asked, api: &Api| {
        (good(asked) && api.count() > 1).then(|| problem(403, "One is enough"))
    }),
    fails("auth.resumed_session", |asked, _| (asked.resumed && is_validator(asked)).then(unauthorized)),
    fails("auth.resumed_session", |asked, api: &Api| {
        (asked.resumed && is_validator(asked)).then(|| api.given("validator37", &"0a".repeat(20), |_, _| {}))
    }),
    // Who shows nothing offers sessions, too.
    speaks("auth.resumed_session", "fail", Tls::Forgets).and(&["auth.forged_header_alone"]),
    fails("auth.odd_entities", |asked, _| asked.target.contains("%00").then(|| problem(500, "NullPointerException"))),
    fails("auth.odd_entities", |asked, _| asked.target.contains("%ff").then(Told::cut)),
    fails("auth.long_entity", |asked, _| {
        (asked.target.len() > 4_000).then(|| problem(500, "too long for VARCHAR(128)"))
    }),
    fails("auth.other_methods", |asked, api: &Api| (asked.method == "POST").then(|| own(api, asked))),
    fails("auth.other_methods", |asked, _| (asked.method == "DELETE").then(|| problem(500, "DELETE"))),
    warns("auth.allow", |asked, api: &Api| told(api, asked, 405, |told| told.without("Allow"))),
    warns("auth.head", |asked, api: &Api| (asked.method == "HEAD").then(|| Told { insists: true, ..api.right(asked) })),
    warns("auth.no_redirect", |asked, _| {
        asked.target.ends_with('/').then(|| Told::status(301).with("Location", "http://127.0.0.1:1/"))
    })
    .and(&["auth.odd_entities"]),
    fails("auth.no_private_key", |asked, api: &Api| {
        header(api, asked, |header| {
            header["jwk"] = json!({ "kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c" });
        })
    })
    .and(&["auth.plain_header"]),
    fails("auth.no_private_key", |asked, api: &Api| {
        body(api, asked, |body| {
            body["signedWith"] = json!("-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n");
        })
    }),
];

/// A token for the entity that is asked for, whoever asks.
fn own(api: &Api, asked: &Asked) -> Told {
    api.given(&entity_of(asked).unwrap_or_default(), &asked.fingerprint().unwrap_or_default(), |_, _| {})
}

fn is(asked: &Asked, entity: &str) -> bool {
    entity_of(asked).as_deref() == Some(entity)
}

fn shows(asked: &Asked, subject: &str) -> bool {
    asked.certificate.as_ref().is_some_and(|shown| shown.subject == subject)
}

fn is_validator(asked: &Asked) -> bool {
    asked.fingerprint() == Some(example_certificate("validator37").sha1.to_string())
}

/// A request that gets a token.
fn good(asked: &Asked) -> bool {
    is_validator(asked) && is(asked, "validator37") && asked.method == "GET"
}

/// The right answer changed, where it has this status.
fn told(api: &Api, asked: &Asked, status: u16, change: impl FnOnce(Told) -> Told) -> Option<Told> {
    let right = api.right(asked);
    (right.status == status).then(|| change(right))
}

/// The body of an answer with a token changed.
fn body(api: &Api, asked: &Asked, change: impl FnOnce(&mut Value)) -> Option<Told> {
    told(api, asked, 200, |right| {
        let mut body = serde_json::from_slice(&right.body).unwrap();
        change(&mut body);
        answer(&body)
    })
}

/// The header of the token changed, and signed.
fn header(api: &Api, asked: &Asked, change: impl FnOnce(&mut Value)) -> Option<Told> {
    good(asked).then(|| api.given("validator37", &asked.fingerprint().unwrap(), |header, _| change(header)))
}

/// The claims of the token changed, and signed.
fn claims(api: &Api, asked: &Asked, change: impl FnOnce(&mut Value)) -> Option<Told> {
    good(asked).then(|| api.given("validator37", &asked.fingerprint().unwrap(), |_, claims| change(claims)))
}

/// The token with this signature.
fn resigned(body: &mut Value, signature: &[u8]) {
    let compact = body["jwtCompact"].as_str().unwrap();
    let (message, _) = compact.rsplit_once('.').unwrap();
    body["jwtCompact"] = json!(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)));
}
