//! The registry: a register with two participants, the anchors, and the first set.

use crate::cli::demo::failure::Failure;
use crate::cli::demo::federation::{FIRST, REGISTRY, SECOND, registry_config};
use crate::cli::demo::partner_api::Registry;
use crate::cli::demo::published::Published;
use crate::cli::demo::stage::Stage;
use crate::cli::demo::story::Story;
use crate::cli::session::randomness;
use crate::crypto::issue_cert::{Profile, Purpose, self_signed};
use crate::crypto::private_key::PrivateKey;
use crate::protocol::metadata::TrustAnchors;
use crate::value::{Clock as _, SystemClock};

/// A registry that runs.
pub(in crate::cli::demo) struct Made {
    pub(in crate::cli::demo) registry: Registry,
    /// Its URL.
    pub(in crate::cli::demo) url: String,
    /// The set from before anybody published anything.
    pub(in crate::cli::demo) first_set: Published,
}

pub(in crate::cli::demo) const TITLE: &str = "The registry";
pub(in crate::cli::demo) const ABOUT: &str =
    "One body keeps the list of who takes part. Everybody's public keys are in one set that it signs.";

pub(in crate::cli::demo) async fn tell(story: &mut Story, stage: &Stage) -> Result<Made, Failure> {
    let Stage { ground, processes, .. } = stage;
    ground.make(REGISTRY)?;
    ground.write("registry/config.toml", registry_config())?;
    make_certificate(stage)?;
    ground
        .run(story, REGISTRY, &["registry-admin init --name Samordnaren"], |_| {
            "a register, and the keys that sign for it".to_owned()
        })
        .await?;
    let add =
        [FIRST, SECOND].map(|one| format!("registry-admin participant add {} --name \"{}\"", one.number(), one.name));
    ground
        .run(story, REGISTRY, &[&add[0], &add[1]], |_| format!("two participants: {} and {}", FIRST.name, SECOND.name))
        .await?;
    let export = ["registry-admin anchor export > trust.jwks", "registry-admin anchor export --answers > answers.jwks"];
    ground.run(story, REGISTRY, &export, |said| format!("the anchors: {}", kids(said))).await?;

    story.command(REGISTRY, "bob-auth registry-server &");
    let mut command = ground.program(REGISTRY);
    command.arg("registry-server");
    let pid = processes.start(REGISTRY, command, &ground.path("registry/log"))?;
    story.process(REGISTRY, pid);
    let begin = async {
        let url = processes.listening(REGISTRY, "registry").await?;
        let registry = Registry {
            set: format!("{url}/api/v2/participantMetadata"),
            ca: Some(ground.read("registry/server.pem")?),
            trust: ground.read("registry/trust.jwks")?,
        };
        let first_set = Published::fetch(&registry).await?;
        Ok(Made { registry, url, first_set })
    };
    story
        .step("the registry starts", begin, |made| format!("it signs sets without any keys so far, at {}", made.url))
        .await
}

/// The certificate of the registry's TLS, signed by itself: participants are given it with the anchors.
fn make_certificate(stage: &Stage) -> Result<(), Failure> {
    let (key, now) = (PrivateKey::generate_p256()?, SystemClock.now());
    let profile = Profile {
        common_name: "localhost".to_owned(),
        validity: (now.plus_seconds(-300), now.plus_seconds(30 * 86_400)),
        purpose: Purpose::Server { names: vec!["localhost".to_owned()], addresses: vec![[127, 0, 0, 1].into()] },
    };
    let certificate = self_signed(&profile, &key, &randomness())?;
    stage.ground.write("registry/server.pem", certificate.to_pem()?)?;
    stage.ground.write_secret("registry/server.key", &key.to_pkcs8_pem(None)?)
}

/// Ids and algorithms of the anchors in an export.
fn kids(said: &[String]) -> String {
    let environment = crate::protocol::metadata::Environment::Production;
    let anchors = said.first().map(|text| TrustAnchors::parse(text.as_bytes(), environment));
    let Some(Ok(anchors)) = anchors else { return "none".to_owned() };
    let told = anchors.keys().iter().map(|key| format!("{} ({})", key.kid, key.key.algorithm()));
    told.collect::<Vec<_>>().join(", ")
}
