//! [`Scene`]: a token service with its entities, and a partner: nginx, the verify server beside it, and a service behind it.

use std::fs;
use std::net::SocketAddr;

use crate::client::{Client, Identity};
use crate::process::Service;
use crate::proxy::{Behind, Kind, Proxy};
use crate::site::{Site, merge, program, set_mode};

/// Everything that is needed, running.
pub(crate) struct Scene {
    pub(crate) site: Site,
    pub(crate) tokens: Service,
    pub(crate) proxy: Proxy,
    _verifier: Service,
}

impl Scene {
    /// With validator37 (val), inspector5 (ins) and tvm8 (tvm), these settings for the token service, and this service behind
    /// nginx. The partner lets them all in.
    pub(crate) fn new(settings: &str, upstream: SocketAddr) -> Self {
        let site = Site::configured(settings);
        let tokens = Service::start(&site);
        let verifier = start_verifier(&site, "[verify]\nallow = ['34:*']");
        let behind = Behind {
            verifier: Some(verifier.address("verify").to_string()),
            upstream: Some(upstream),
            ..Behind::default()
        };
        let proxy = Proxy::start(Kind::Nginx, &behind);
        Self { site, tokens, proxy, _verifier: verifier }
    }

    /// A fresh token of this entity.
    pub(crate) fn token(&self, entity: &str) -> String {
        Client::of(&Identity::example(entity)).token(self.tokens.token(), entity).compact()
    }

    /// Where tokens are asked for.
    pub(crate) fn auth_url(&self) -> String {
        format!("https://{}", self.tokens.token())
    }

    /// The partner's service, through nginx.
    pub(crate) fn partner_url(&self) -> String {
        format!("https://{}/validation/v1/status", self.proxy.address)
    }
}

/// `bob-auth verify-server` for the keys of this site, with these settings besides.
pub(crate) fn start_verifier(site: &Site, settings: &str) -> Service {
    fs::write(site.path("issuer.jwks.json"), site.run(&["key", "export", "--jwks"])).unwrap();
    let listener = Kind::Nginx.listener(true);
    let mut config: toml::Table = listener.parse().unwrap();
    let rest = "[listener.internal]\nlisten = '127.0.0.1:0'\n[log]\nformat = 'json'\n[workers]\nthreads = 2\n\
                [verify.issuer.34]\njwks = 'issuer.jwks.json'\n";
    merge(&mut config, rest.parse().unwrap());
    merge(&mut config, settings.parse().unwrap());
    let file = site.path("verifier.toml");
    fs::write(&file, config.to_string()).unwrap();
    set_mode(&file, 0o600);
    Service::spawn(program().arg("verify-server").arg("--config").arg(file))
}
