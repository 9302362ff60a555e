//! The API of participant 2, and the proxy before it.

use std::net::SocketAddr;

use serde_json::json;

use super::registry::Made;
use crate::cli::demo::failure::Failure;
use crate::cli::demo::partner_api::{FINGERPRINT_HEADER, Needs, PartnerApi};
use crate::cli::demo::proxy::Proxy;
use crate::cli::demo::stage::Stage;
use crate::cli::demo::story::Story;

/// An API that can be called.
pub(in crate::cli::demo) struct Partner {
    /// It ends with this.
    _api: PartnerApi,
    /// Where clients call it.
    pub(in crate::cli::demo) url: String,
}

pub(in crate::cli::demo) const TITLE: &str = "An API of participant 2, behind a proxy";
pub(in crate::cli::demo) const ABOUT: &str =
    "It verifies tokens with the library. Its keys come from the signed set, fetched every second.";

/// Where validators and inspectors ask whether it is open.
pub(in crate::cli::demo) const STATUS: &str = "/validation/v1/status";
/// Where validators report.
pub(in crate::cli::demo) const VALIDATIONS: &str = "/validation/v1/validations";

pub(in crate::cli::demo) async fn tell(story: &mut Story, stage: &Stage, made: &Made) -> Result<Partner, Failure> {
    let Stage { ground, processes, proxy } = stage;

    let tls = ground.path("participant-2/tls");
    let is_built_in = matches!(proxy, Proxy::BuiltIn(_));
    let needs = Needs {
        registry: made.registry.clone(),
        tls: is_built_in.then(|| (tls.join("server.pem"), tls.join("server.key"))),
        cache: ground.path("participant-2/api-metadata.jws"),
    };
    let api = story
        .step("the API starts", PartnerApi::start(needs), |api| {
            let keys = api.keys.keys().load().set.len();
            let scheme = if is_built_in { "https" } else { "http" };
            format!("the API listens at {scheme}://{}, and knows {keys} keys", api.address)
        })
        .await?;
    if let Proxy::BuiltIn(why) = proxy {
        story.note(&format!("no proxy: {why}; TLS ends in the API itself, which sees the certificates"));
        story.event("proxy", &json!({"kind": "built-in", "why": why}));
        let url = format!("https://{}", api.address);
        return Ok(Partner { _api: api, url });
    }
    story.command("proxy", proxy.command_line());
    let (listen, pid): (SocketAddr, u32) = story
        .step(&format!("{} starts", proxy.name()), proxy.start(ground, processes, api.address), |(listen, _)| {
            format!("{} ends TLS at https://{listen}", proxy.name())
        })
        .await?;
    story.note(&format!("whose certificate it saw, it tells the API in {FINGERPRINT_HEADER}"));
    story.process("proxy", pid);
    story.event("proxy", &json!({"kind": proxy.name(), "listen": listen.to_string()}));
    Ok(Partner { _api: api, url: format!("https://{listen}") })
}
