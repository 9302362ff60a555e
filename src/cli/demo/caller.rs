//! [`Caller`]: a client of a participant, or somebody who would like to be one: a certificate or none, a token or none, and
//! whatever headers.

use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::Value;

use super::failure::Failure;
use super::ground::Ground;
use super::story::Verdict;
use crate::cli::token_get::identity;
use crate::crypto::cert::Certificate;
use crate::protocol::wire::{AUTH_PATH, AUTH_TOKEN_HEADER};
use crate::value::{Clock as _, SystemClock};

/// Connects with one certificate, or with none.
#[derive(Clone)]
pub(super) struct Caller {
    client: reqwest::Client,
    /// Its certificate, if it has one.
    pub(super) certificate: Option<Certificate>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Value,
}

/// A token, and what the service said is inside.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) kid: String,
    pub(super) exp: i64,
}

impl Token {
    /// A client would fetch another one by now.
    pub(super) fn is_nearly_over(&self) -> bool {
        SystemClock.now().plus_seconds(1).as_seconds() >= self.exp
    }
}

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Caller {
    /// With the certificate and key that lie under this name (`NAME.pem`, `NAME.key`), for servers under these CAs.
    pub(super) fn named(ground: &Ground, name: &str) -> Result<Self, Failure> {
        let (certificate, key) = (ground.path(&format!("{name}.pem")), ground.path(&format!("{name}.key")));
        let client = builder(ground)?.identity(identity(&certificate, &key)?).build()?;
        let certificate = Certificate::read_all(&ground.read(&format!("{name}.pem"))?)?.into_iter().next();
        Ok(Self { client, certificate })
    }

    /// Without a certificate.
    pub(super) fn anonymous(ground: &Ground) -> Result<Self, Failure> {
        Ok(Self { client: builder(ground)?.build()?, certificate: None })
    }

    /// The SHA-1 of its certificate, as proxies write it.
    pub(super) fn fingerprint(&self) -> String {
        self.certificate.as_ref().map_or_else(String::new, |certificate| certificate.sha1.to_string())
    }

    /// Asks a token service.
    pub(super) async fn ask_token(&self, service: &str, entity: &str) -> Result<Answer, Failure> {
        answer(self.client.get(format!("{service}{AUTH_PATH}{entity}"))).await
    }

    /// Asks until there is a token: what was just enrolled is known within a moment.
    pub(super) async fn token(&self, service: &str, entity: &str) -> Result<Token, Failure> {
        let mut seen = self.ask_token(service, entity).await?;
        for _ in 0..100 {
            if seen.status == 200 {
                return seen.token();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            seen = self.ask_token(service, entity).await?;
        }
        Err(Failure::unexpected(format!("no token for {entity}"), 200, seen.verdict()))
    }

    /// GET with a token and these headers.
    pub(super) async fn get(&self, url: &str, token: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let mut request = self.client.get(url).header(AUTH_TOKEN_HEADER, token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// POST of a JSON document with a token.
    pub(super) async fn post(&self, url: &str, token: &str, body: &Value) -> Result<Answer, Failure> {
        let request = self.client.post(url).header(AUTH_TOKEN_HEADER, token);
        answer(request.header("content-type", "application/json").body(body.to_string())).await
    }
}

impl Answer {
    /// What is at this place of the body, as text.
    pub(super) fn text(&self, pointer: &str) -> String {
        match self.body.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// Status and reason; of a yes only the status.
    pub(super) fn verdict(&self) -> Verdict {
        Verdict::new(self.status, self.text("/reason"))
    }

    /// The token in it.
    pub(super) fn token(&self) -> Result<Token, Failure> {
        let exp = self.body.pointer("/payload/exp").and_then(Value::as_i64);
        let exp = exp.ok_or_else(|| Failure::new("the answer of the token service has no token in it"))?;
        Ok(Token { text: self.text("/jwtCompact"), kid: self.text("/header/kid"), exp })
    }
}

/// Trusts the servers of both participants.
fn builder(ground: &Ground) -> Result<reqwest::ClientBuilder, Failure> {
    let mut authorities = Vec::new();
    for participant in ["participant-1", "participant-2"] {
        authorities.extend(reqwest::Certificate::from_pem_bundle(&ground.read(&format!("{participant}/tls/ca.pem"))?)?);
    }
    let builder = reqwest::Client::builder().tls_backend_native().tls_certs_only(authorities);
    Ok(builder.redirect(Policy::none()).no_proxy().timeout(PATIENCE))
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
    let response = request.send().await.map_err(|error| Failure::new(causes(&error)))?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(|error| Failure::new(causes(&error)))?;
    Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}

/// What reqwest says first is the least of it.
fn causes(error: &reqwest::Error) -> String {
    let all = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
