//! [`Partner`]: a partner's service behind each proxy, with the verifier beside it and the token service that issues what the
//! callers show.

use std::fs;

use crate::client::{Answer, Client, Identity};
use crate::process::Service;
use crate::proxy::{Behind, Kind, Proxy};
use crate::site::Site;
use crate::token_service::{LARGE_HEADERS, try_ask};
use crate::upstream::Upstream;

/// Everything that is needed, running.
pub(crate) struct Partner {
    pub(crate) site: Site,
    pub(crate) tokens: Service,
    pub(crate) verifier: Service,
    pub(crate) upstream: Upstream,
    pub(crate) proxy: Proxy,
}

/// Whom `[verify]` lets call, and nothing else.
pub(crate) const VALIDATORS: &str = "[verify]\nallow = ['34:val']";

impl Partner {
    /// With validator37 (val), inspector5 (ins) and tvm8 (tvm), and these settings for the verifier.
    pub(crate) fn of(kind: Kind, settings: &str) -> Self {
        Self::around(kind, Site::with_entities(), settings)
    }

    /// With the entities of this site.
    pub(crate) fn around(kind: Kind, site: Site, settings: &str) -> Self {
        site.configure("[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'");
        let tokens = Service::start(&site);
        let verifier = start_verifier(kind, &site, settings);
        let upstream = Upstream::start();
        let address = verifier.address("verify").to_string();
        let behind = Behind { verifier: Some(address), upstream: Some(upstream.address), ..Behind::default() };
        let proxy = Proxy::start(kind, &behind);
        Self { site, tokens, verifier, upstream, proxy }
    }

    /// A fresh token of this entity of keys-example.
    pub(crate) fn token(&self, entity: &str, certificate: &str) -> String {
        self.token_for(entity, &Identity::example(certificate))
    }

    pub(crate) fn token_for(&self, entity: &str, identity: &Identity) -> String {
        Client::of(identity).token(self.tokens.token(), entity).compact()
    }

    /// The answer to this request through the proxy, if there is one.
    pub(crate) fn ask(&self, client: &Client, method: &str, target: &str, headers: &str) -> Option<Answer> {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        try_ask(client, self.proxy.address, &request)
    }

    /// GET with a token.
    pub(crate) fn get(&self, certificate: &str, token: &str) -> Answer {
        let headers = format!("X-BoB-AuthToken: {token}\r\n");
        self.ask(&Client::example(certificate), "GET", "/validation/ticket", &headers).unwrap()
    }

    /// Status and reason of a refusal, of which the service behind must have seen nothing.
    pub(crate) fn refusal(&self, answer: &Answer) -> (u16, String) {
        assert!(self.upstream.taken().is_empty(), "the service saw a request that was refused: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        let reason = answer.header("x-bob-reason").unwrap().to_owned();
        assert_eq!(answer.json()["reason"], reason, "{answer:?}");
        assert_eq!(answer.json()["status"], answer.status);
        let challenges: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
        if answer.status == 401 {
            assert_eq!(challenges.len(), 1, "{answer:?}");
            let (_, challenge) = challenges[0];
            assert!(
                challenge.starts_with("BoB ") && challenge.contains(&format!("reason=\"{reason}\"")),
                "{challenge}"
            );
        }
        (answer.status, reason)
    }
}

/// `bob-auth verify-server` for the keys of this site, with the listener as the proxy's file says.
pub(crate) fn start_verifier(kind: Kind, site: &Site, settings: &str) -> Service {
    start_verifier_at(kind, site, settings, "127.0.0.1:0")
}

pub(crate) fn start_verifier_at(kind: Kind, site: &Site, settings: &str, listen: &str) -> Service {
    fs::write(site.path("issuer.jwks.json"), site.run(&["key", "export", "--jwks"])).unwrap();
    let listener = kind.listener(true).replace("127.0.0.1:0", listen);
    let listener = if listen.starts_with("unix:") {
        listener.replace("trusted_peers = [\"127.0.0.1\"]", "trusted_peers = [\"unix\"]\nsocket_mode = '0666'")
    } else {
        listener
    };
    let base = format!(
        "{listener}\n[listener.internal]\nlisten = '127.0.0.1:0'\n[log]\nformat = 'json'\n[workers]\nthreads = 2\n{LARGE_HEADERS}\
         [verify.issuer.34]\njwks = 'issuer.jwks.json'\n"
    );
    let mut config: toml::Table = base.parse().unwrap();
    crate::site::merge(&mut config, settings.parse().unwrap());
    let file = site.path("verifier.toml");
    fs::write(&file, config.to_string()).unwrap();
    crate::site::set_mode(&file, 0o600);
    Service::spawn(crate::site::program().arg("verify-server").arg("--config").arg(file))
}

/// The token service and a partner's service behind one proxy, on one address.
pub(crate) struct Both {
    pub(crate) proxy: Proxy,
    pub(crate) upstream: Upstream,
    _tokens: Service,
    _verifier: Service,
}

impl Both {
    pub(crate) fn of(kind: Kind, site: &Site) -> Self {
        site.configure(&format!("{}source_header = 'X-Forwarded-For'", kind.listener(false)));
        let (tokens, verifier) = (Service::start(site), start_verifier(kind, site, VALIDATORS));
        let upstream = Upstream::start();
        let behind = Behind {
            verifier: Some(verifier.address("verify").to_string()),
            upstream: Some(upstream.address),
            token_service: Some(tokens.address("behind_proxy")),
            ..Behind::default()
        };
        Self { proxy: Proxy::start(kind, &behind), upstream, _tokens: tokens, _verifier: verifier }
    }
}
