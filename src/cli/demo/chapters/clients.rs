//! Clients of participant 1 with certificates of their own: tokens, and calls that are accepted.

use serde_json::json;

use super::partner::{Partner, STATUS, VALIDATIONS};
use super::services::Services;
use crate::cli::demo::caller::{Answer, Caller, Token};
use crate::cli::demo::failure::Failure;
use crate::cli::demo::federation::{FIRST, LIFETIME};
use crate::cli::demo::stage::Stage;
use crate::cli::demo::story::Story;

/// Two clients.
pub(in crate::cli::demo) struct Clients {
    pub(in crate::cli::demo) validator: Caller,
    pub(in crate::cli::demo) inspector: Caller,
    /// The first token of the validator, which will be over one day.
    pub(in crate::cli::demo) early: Token,
}

pub(in crate::cli::demo) const VALIDATOR: &str = "validator37";
pub(in crate::cli::demo) const INSPECTOR: &str = "inspector5";

pub(in crate::cli::demo) const TITLE: &str = "Clients of participant 1 call the API of participant 2";
pub(in crate::cli::demo) const ABOUT: &str =
    "A certificate gets a token; token and certificate together open the door. Nobody enrolled them at participant 2.";

pub(in crate::cli::demo) async fn tell(
    story: &mut Story,
    stage: &Stage,
    services: &Services,
    partner: &Partner,
) -> Result<Clients, Failure> {
    for (entity, class) in [(VALIDATOR, "val"), (INSPECTOR, "ins")] {
        let (add, issue) = (format!("entity add {entity} --class {class}"), format!("cert issue {entity}"));
        stage
            .ground
            .run(story, FIRST.place, &[&add, &issue], |_| format!("{entity} has a certificate that is enrolled"))
            .await?;
    }
    let named = |entity: &str| Caller::named(&stage.ground, &format!("{}/{entity}", FIRST.place));
    let (validator, inspector) = (named(VALIDATOR)?, named(INSPECTOR)?);
    let early = token(story, services, &validator, VALIDATOR).await?;
    let status = format!("{}{STATUS}", partner.url);
    call(story, &format!("{VALIDATOR} GET {STATUS}"), (200, VALIDATOR), validator.get(&status, &early.text, &[]))
        .await?;
    let validations = format!("{}{VALIDATIONS}", partner.url);
    let ticket = json!({"ticketId": "T-4711"});
    let post = validator.post(&validations, &early.text, &ticket);
    call(story, &format!("{VALIDATOR} POST {VALIDATIONS}"), (201, VALIDATOR), post).await?;
    let theirs = token(story, services, &inspector, INSPECTOR).await?;
    call(story, &format!("{INSPECTOR} GET {STATUS}"), (200, INSPECTOR), inspector.get(&status, &theirs.text, &[]))
        .await?;
    Ok(Clients { validator, inspector, early })
}

async fn token(story: &mut Story, services: &Services, caller: &Caller, entity: &str) -> Result<Token, Failure> {
    let hok: String = caller.fingerprint().chars().take(12).collect();
    let told = |token: &Token| format!("{entity} gets a token: key {}, bound to {hok}..., for {LIFETIME} s", token.kid);
    story.step(&format!("{entity} asks for a token"), caller.token(&services.first, entity), told).await
}

/// A call that must be accepted, and whom the API takes the caller for.
async fn call(
    story: &mut Story,
    what: &str,
    (status, entity): (u16, &str),
    call: impl Future<Output = Result<Answer, Failure>>,
) -> Result<(), Failure> {
    let checked = async {
        let answer = call.await?;
        let who = [answer.text("/caller/entityId"), answer.text("/validatedBy/entityId")].concat();
        if answer.status != status || who != entity {
            let seen = format!("{} {who}", answer.verdict());
            return Err(Failure::unexpected("the wrong answer", format!("{status} {entity}"), seen));
        }
        Ok(answer)
    };
    let answer = story
        .step(what, checked, |answer| {
            let pid = [answer.text("/caller/pid"), answer.text("/validatedBy/pid")].concat();
            let class = answer.text("/caller/class");
            let class = if class.is_empty() { String::new() } else { format!(", class {class}") };
            format!("{what}: {} for {entity} of participant {pid}{class}", answer.status)
        })
        .await?;
    story.accepted(1);
    story.event("accepted", &json!({"what": what, "status": answer.status, "entity": entity}));
    Ok(())
}
