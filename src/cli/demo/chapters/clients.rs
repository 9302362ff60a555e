//! Clients of participant 1 with certificates of their own: tokens, and calls that are accepted.

use serde_json::json;

use super::partner::{Partner, STATUS, VALIDATIONS};
use super::services::Services;
use crate::cli::demo::caller::{Answer, Caller, Token};
use crate::cli::demo::failure::Failure;
use crate::cli::demo::federation::FIRST;
use crate::cli::demo::stage::Stage;
use crate::cli::demo::story::{Story, Verdict};

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
    let get = validator.get(&status, &early.text, &[]);
    story.acceptance(&format!("GET {STATUS}"), (200, "validator37 (val)"), called(get)).await?;
    let validations = format!("{}{VALIDATIONS}", partner.url);
    let ticket = json!({"ticketId": "T-4711"});
    let post = validator.post(&validations, &early.text, &ticket);
    story.acceptance(&format!("POST {VALIDATIONS}"), (201, VALIDATOR), called(post)).await?;
    let theirs = token(story, services, &inspector, INSPECTOR).await?;
    let get = inspector.get(&status, &theirs.text, &[]);
    story.acceptance(&format!("GET {STATUS}"), (200, "inspector5 (ins)"), called(get)).await?;
    Ok(Clients { validator, inspector, early })
}

async fn token(story: &mut Story, services: &Services, caller: &Caller, entity: &str) -> Result<Token, Failure> {
    let hok = format!("{}...", caller.fingerprint().chars().take(8).collect::<String>());
    let told = |token: &Token| format!("{entity} has a token of {}, bound to {hok}", token.kid);
    story.step(&format!("{entity} asks for a token"), caller.token(&services.first, entity), told).await
}

/// What came of a call, and for whom the API takes the caller.
async fn called(call: impl Future<Output = Result<Answer, Failure>>) -> Result<(Verdict, String), Failure> {
    let answer = call.await?;
    let who = [answer.text("/caller/entityId"), answer.text("/validatedBy/entityId")].concat();
    let class = answer.text("/caller/class");
    Ok((answer.verdict(), if class.is_empty() { who } else { format!("{who} ({class})") }))
}
