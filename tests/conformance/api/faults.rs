//! For each rule of a service that takes tokens one that breaks it.

use serde_json::{Value, json};

use super::server::{Service, part, refused, token, welcome};
use crate::auth::server::{KID, problem};
use crate::certificates::example_certificate;
use crate::fault::{Fault, fails, speaks, warns};
use crate::server::{Asked, Tls, Told};

/// All of them.
pub(crate) const FAULTS: &[Fault<Service>] = &[
    speaks("api.tls", "fail", Tls::Ancient),
    speaks("api.tls_1_3", "warning", Tls::Only12),
    speaks("api.tls_certificate", "fail", Tls::OtherName),
    speaks("api.good_token", "fail", Tls::AsksNobody),
    fails("api.header_name", |asked, _| {
        (!asked.headers.iter().any(|(name, _)| name == "X-BoB-AuthToken")).then(refused)
    }),
    fails("api.no_token", |asked, _| asked.header("X-BoB-AuthToken").is_none().then(welcome))
        .and(&["api.authorization", "api.forged_result"]),
    fails("api.empty_token", |asked, _| (asked.header("X-BoB-AuthToken") == Some("")).then(welcome)),
    fails("api.garbage", |asked, _| (token(asked) == "a.b.c").then(|| problem(500, "ArrayIndexOutOfBounds")))
        .and(&["api.two_tokens"]),
    fails("api.garbage", |asked, _| (token(asked) == "null").then(Told::cut)),
    fails("api.huge_token", |asked, _| (token(asked).len() > 8_192).then(|| problem(502, "Bad gateway"))),
    warns("api.two_tokens", |asked, service: &Service| {
        let [_, last] = asked.headers("X-BoB-AuthToken")[..] else { return None };
        Some(service.for_token(last, asked.certificate.as_ref().map(|shown| &*shown.der)))
    }),
    warns("api.scheme", |asked, service: &Service| Some(with(asked, service, token(asked).strip_prefix("Bearer ")?))),
    warns("api.authorization", |asked, service: &Service| {
        Some(with(asked, service, asked.header("Authorization")?.strip_prefix("Bearer ")?))
    }),
    fails("api.changed_payload", |asked, service: &Service| {
        let (same, other) = (|number| piece(token(asked), number) == piece(&service.good, number), token(asked));
        (same(0) && same(2) && piece(other, 1) != piece(&service.good, 1)).then(welcome)
    }),
    fails("api.changed_signature", |asked, service: &Service| {
        let same = |number| piece(token(asked), number) == piece(&service.good, number);
        (same(0) && same(1) && !same(2) && piece(token(asked), 2).len() > 60).then(welcome)
    })
    .and(&["api.own_key"]),
    fails("api.no_signature", |asked, service: &Service| {
        token(asked).strip_suffix('.').and_then(|input| service.good.starts_with(input).then(welcome))
    })
    .and(&["api.extra_parts"]),
    fails("api.alg_none", |asked, _| (header(asked)["alg"] == "none").then(welcome)),
    fails("api.alg_none", |asked, _| (header(asked)["alg"] == "nOnE").then(welcome)),
    fails("api.alg_confusion", |asked, _| {
        (header(asked)["alg"] == "HS256" && header(asked)["kid"] == KID).then(welcome)
    }),
    fails("api.own_key", |asked, service: &Service| {
        let same = |number| part(token(asked), number) == part(&service.good, number);
        (same(0) && same(1) && token(asked) != service.good).then(welcome)
    })
    .and(&["api.changed_signature", "api.extra_parts", "api.no_signature"]),
    fails("api.unknown_kid", |asked, _| {
        (header(asked)["kid"] == "bob-auth-probe-7f3a9c" && header(asked)["jwk"].is_null()).then(welcome)
    }),
    fails("api.unknown_issuer", |asked, _| claims(asked)["iss"].as_str().is_some_and(|iss| iss != "34").then(welcome)),
    fails("api.embedded_key", |asked, _| header(asked)["jwk"].is_object().then(welcome)),
    fails("api.kid_path", |asked, _| {
        let sql = header(asked)["kid"].as_str().is_some_and(|kid| kid.contains("UNION"));
        sql.then(|| problem(500, "near \"UNION\": syntax error"))
    }),
    fails("api.kid_path", |asked, _| {
        let path = header(asked)["kid"].as_str().is_some_and(|kid| kid.ends_with("dev/null"));
        (path && header(asked)["alg"] == "HS256").then(welcome)
    }),
    fails("api.extra_parts", |asked, service: &Service| {
        token(asked).strip_prefix(&service.good)?.starts_with('.').then(welcome)
    }),
    fails("api.no_certificate", |asked, service: &Service| {
        (asked.certificate.is_none() && asked.header("X-SSL-Client-SHA1").is_none())
            .then(|| service.with_its_certificate(asked))
    })
    .and(&["api.forged_header_alone"]),
    // No certificate, no answer: a proxy that insists on one.
    speaks("api.no_certificate", "fail", Tls::Insists).and(&["api.forged_header_alone"]),
    fails("api.other_certificate", |asked, service: &Service| {
        shows(asked, "CN=bob-auth-probe").then(|| service.with_its_certificate(asked))
    })
    .and(&["api.forged_header_stranger"]),
    fails("api.namesake", |asked, service: &Service| {
        let subject = example_certificate("validator37").subject;
        let own = asked.fingerprint() == Some(example_certificate("validator37").sha1.to_string());
        (shows(asked, &subject) && !own).then(|| service.with_its_certificate(asked))
    }),
    fails("api.other_client", |asked, service: &Service| {
        let subject = example_certificate("inspector5").subject;
        (shows(asked, &subject) && token(asked) == service.good).then(|| service.with_its_certificate(asked))
    }),
    fails("api.resumed_session", |asked, _| (asked.resumed && asked.certificate.is_some()).then(refused)),
    // Who shows nothing offers sessions, too.
    speaks("api.resumed_session", "fail", Tls::Forgets).and(&["api.forged_header_alone"]),
    fails("api.forged_header_alone", |asked, service: &Service| {
        (asked.certificate.is_none() && believed(asked)).then(|| service.with_its_certificate(asked))
    }),
    fails("api.forged_header_stranger", |asked, service: &Service| {
        (asked.certificate.is_some() && believed(asked)).then(|| service.with_its_certificate(asked))
    }),
    fails("api.forged_result", |asked, _| {
        (asked.header("X-BoB-AuthToken").is_none() && asked.header("X-BoB-Entity").is_some()).then(welcome)
    }),
    fails("api.expired_token", |asked, service: &Service| (token(asked) == service.expired).then(welcome)),
    fails("api.forbidden_token", |asked, service: &Service| (token(asked) == service.forbidden).then(welcome)),
    fails("api.forbidden_token", |asked, service: &Service| (token(asked) == service.forbidden).then(refused)),
    warns("api.refused_with_401", |asked, _| (token(asked) == "a.b.c").then(|| problem(400, "No token"))),
    fails("api.www_authenticate", |asked, service: &Service| {
        told(asked, service, |told| told.without("WWW-Authenticate"))
    }),
    warns("api.not_cacheable", |asked, service: &Service| {
        told(asked, service, |told| told.with("Cache-Control", "public, max-age=60"))
    }),
    warns("api.not_cacheable", |asked, service: &Service| {
        told(asked, service, |told| {
            let told = told.without("Cache-Control").with("Date", "Sun, 22 Nov 2026 15:00:00 GMT");
            told.with("Expires", "Sun, 22 Nov 2026 16:00:00 GMT")
        })
    }),
    fails("api.no_echo", |asked, service: &Service| {
        told(asked, service, |told| {
            let body = json!({ "title": "Not with this token", "token": token(asked) });
            Told { body: body.to_string().into_bytes(), ..told }
        })
    }),
    fails("api.no_echo", |asked, service: &Service| {
        told(asked, service, |told| told.with("X-Refused", &piece(token(asked), 1)))
    }),
    warns("api.no_redirect", |asked, _| {
        let login = || Told::status(302).with("Location", "https://127.0.0.1:9/login");
        asked.header("X-BoB-AuthToken").is_none().then(login)
    })
    .and(&["api.authorization", "api.forged_result", "api.no_token"]),
    fails("api.still_good", |asked, service: &Service| {
        let good = service.right(asked).status == 200;
        // Four times before anything else is tried.
        (good && service.count() > 4).then(refused)
    }),
];

fn header(asked: &Asked) -> Value {
    part(token(asked), 0)
}

fn claims(asked: &Asked) -> Value {
    part(token(asked), 1)
}

/// A part of a token as it is written.
fn piece(token: &str, number: usize) -> String {
    token.split('.').nth(number).unwrap_or_default().to_owned()
}

/// The answer to a token that stands elsewhere.
fn with(asked: &Asked, service: &Service, token: &str) -> Told {
    service.for_token(token, asked.certificate.as_ref().map(|shown| &*shown.der))
}

/// A refusal changed.
fn told(asked: &Asked, service: &Service, change: impl FnOnce(Told) -> Told) -> Option<Told> {
    let right = service.right(asked);
    (right.status == 401).then(|| change(right))
}

fn shows(asked: &Asked, subject: &str) -> bool {
    asked.certificate.as_ref().is_some_and(|shown| shown.subject == subject)
}

fn believed(asked: &Asked) -> bool {
    asked.header("X-SSL-Client-SHA1") == Some(&example_certificate("validator37").sha1.to_string())
}
