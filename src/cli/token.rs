//! `bob-auth token`: tokens fetched and looked at.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::error::CliError;
use super::output::{Answer, printable};
use super::session::Global;
use super::token_get::{Client, Fetched};
use super::verifying::Verifying;
use super::{input, token_show, token_verify};
use crate::protocol::token_text::TokenText;
use crate::value::{Clock as _, EntityId, SystemClock};

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Get a token as an entity does, over mutual TLS
    #[command(after_help = "Example:\n  bob-auth token get https://localhost:8443 validator37 \\\n    \
        --cert validator37.pem --key validator37.key --ca tls/ca.pem\n\n\
        Proxies named in the environment are not used, redirections are not followed.")]
    Get(Get),
    /// Show what a token says; nothing is verified
    #[command(
        after_help = "Examples:\n  bob-auth token show eyJhbGciOiJFUzI1NiIs...\n  bob-auth token get ... | bob-auth token show -"
    )]
    Show(Show),
    /// Verify a token as a partner's service does
    #[command(
        after_help = "Examples:\n  bob-auth token verify eyJhbGciOiJFUzI1NiIs... --cert validator37.pem --jwks partner.jwks.json\n  \
        bob-auth token get ... | bob-auth token verify - --fingerprint 0a9a063e... --jwks partner.jwks.json --issuer 34\n\n\
        Without --jwks and --metadata, keys and policy are those of [verify] in the configuration. Exit code 0 if the\n\
        token is accepted, 1 if it is refused."
    )]
    Verify(Verifying),
}

#[derive(Debug, Args)]
pub(super) struct Get {
    /// The base of the Authentication API
    #[arg(value_name = "URL", help = "The base of the Authentication API, for example https://localhost:8443")]
    url: String,
    /// For whom
    #[arg(value_name = "ENTITY")]
    entity: EntityId,
    /// The entity's certificate, PEM
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The CA of the server, and no other, PEM [default: those of the system]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The token, the JSON answer with it, or - for standard input
    #[arg(value_name = "TOKEN", default_value = "-", allow_hyphen_values = true)]
    token: String,
}

impl Token {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Get(get) => get.run().await,
            Self::Verify(verifying) => token_verify::verify(&verifying.read(global, SystemClock.now()).await?),
            Self::Show(Show { token }) => {
                let text = if token == "-" { input::from_stdin("token")? } else { token };
                let token = TokenText::read(&text).map_err(|error| {
                    CliError::new(error).next("give the text that `bob-auth token get` prints, whole and unchanged")
                })?;
                token_show::show(&token, SystemClock.now())
            }
        }
    }
}

impl Get {
    async fn run(self) -> Result<Answer, CliError> {
        let client = Client::new(&self.cert, &self.key, self.ca.as_deref())?;
        match client.get(&self.url, &self.entity).await? {
            Fetched::Token(body) => answer(&body),
            Fetched::Problem { status, body } => Err(problem(status, &body)),
        }
    }
}

fn answer(body: &str) -> Result<Answer, CliError> {
    let strange = || CliError::new("the server answered 200, but with something else than a token");
    let whole: Value = serde_json::from_str(body).map_err(|_| strange())?;
    let compact = whole.get("jwtCompact").and_then(Value::as_str).ok_or_else(strange)?;
    Answer::new(printable(compact), &whole)
}

/// What a refusal says, and what to do about it.
fn problem(status: u16, body: &str) -> CliError {
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    let member = |name: &str| document.get(name).and_then(Value::as_str).map(printable);
    let title = member("title").unwrap_or_else(|| "the answer is no problem document".to_owned());
    let detail = member("detail").map(|detail| format!("\n  {detail}")).unwrap_or_default();
    let next = match status {
        401 => {
            "on the server: `bob-auth cert list` shows which certificates are enrolled, `bob-auth cert enrol` enrols one"
        }
        404 => {
            "on the server: `bob-auth entity list` shows the entities; the certificate must be enrolled for this one; \
                check the URL too"
        }
        429 => "wait, and keep a token until shortly before it expires",
        431 => "this server or a proxy takes shorter requests only",
        300..=399 => "the answer is a redirection, which is not followed: use the URL of the API itself",
        500..=599 => {
            "look into the server's log and at `bob-auth key list` there: without an active key there are no tokens"
        }
        _ => "check the URL: it is the base, /api/v1/auth/ENTITY is added to it",
    };
    CliError::new(format!("no token: {title} (status {status}){detail}")).next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_title_detail_status_and_what_to_do() {
        let body = r#"{"title":"No such entity","detail":"There is none.","status":404}"#;
        let text = problem(404, body).to_string();
        assert!(
            text.starts_with("bob-auth: no token: No such entity (status 404)\n  There is none.\n  on the server"),
            "{text}"
        );
        assert!(problem(502, "<html>").to_string().contains("no problem document"));
    }
}
