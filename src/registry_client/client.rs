//! [`RegistryClient`]: one call, signed, checked and repeated where that does no harm. The operations are in `operations`.

use std::fmt;
use std::sync::Arc;

use ring::rand::SecureRandom;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::{Believed, no_set, unsigned};
use super::error::ClientError;
use super::pace::Pace;
use crate::https::{Answer, Ask, FetchError, HttpsClient, HttpsUrl};
use crate::protocol::jwk::PublicJwk;
use crate::protocol::metadata::SignedSet;
use crate::protocol::pop::{AnswerParts, PopKey, PopProfile, RequestParts, sign_request, verify_answer};
use crate::protocol::registry::body::MAX_ANSWER_BYTES;
use crate::protocol::registry::operation::{Place, Verb};
use crate::value::{Clock, Pid};

/// One participant's client of a registry.
#[derive(Clone)]
pub struct RegistryClient {
    party: Party,
    http: HttpsClient,
    world: World,
    pace: Pace,
}

/// Who asks whom, and how they know each other.
#[derive(Debug, Clone)]
pub struct Party {
    /// The participant: it acts and reads under its own pid only.
    pub pid: Pid,
    /// The API, base path included.
    pub api: HttpsUrl,
    /// The participant's metadata key.
    pub key: PopKey,
    /// Who may sign answers; known out of band.
    pub trusted: Vec<PublicJwk>,
    /// What was agreed upon.
    pub profile: PopProfile,
}

/// Time and randomness.
#[derive(Clone)]
pub struct World {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for signatures and pauses.
    pub rng: Arc<dyn SecureRandom + Send + Sync>,
}

/// A request that is written once and signed for every try.
struct Written<'a> {
    verb: Verb,
    url: HttpsUrl,
    host: String,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<Vec<u8>>,
}

/// The tries of one call.
struct Tries {
    made: u32,
    end: Instant,
}

impl RegistryClient {
    /// A client; its settings are taken as they are.
    pub const fn new(party: Party, http: HttpsClient, world: World, pace: Pace) -> Self {
        Self { party, http, world, pace }
    }

    /// In whose name it asks.
    pub const fn pid(&self) -> Pid {
        self.party.pid
    }

    /// Asks until there is an answer that can be believed, as long as asking again does no harm and time lasts.
    pub async fn call(
        &self,
        verb: Verb,
        place: &Place,
        body: Option<Vec<u8>>,
        if_match: Option<&str>,
    ) -> Result<Believed, ClientError> {
        let request = self.write(verb, place, body, if_match)?;
        let mut tries = Tries::of(&self.pace);
        loop {
            match timeout_at(tries.end, self.once(&request)).await {
                Ok(Ok(believed)) => return Ok(believed),
                Ok(Err(error)) => self.or_give_up(error, verb, &mut tries).await?,
                Err(_) => return Err(FetchError::Timeout.into()),
            }
        }
    }

    /// Pauses before the next try, if there is to be one.
    async fn or_give_up(&self, error: ClientError, verb: Verb, tries: &mut Tries) -> Result<(), ClientError> {
        tries.made += 1;
        let pause = self.pace.pause(tries.made, self.chance(), error.retry_after());
        let left = tries.end.saturating_duration_since(Instant::now());
        if tries.made >= self.pace.tries || !error.is_retried(verb) || pause >= left {
            return Err(error);
        }
        let pid = self.party.pid;
        tracing::debug!(%pid, method = verb.as_str(), ?pause, %error, "asking the registry again");
        sleep(pause).await;
        Ok(())
    }

    /// The pause after so many tries of something that is more than one call.
    pub async fn pause(&self, tried: u32) {
        sleep(self.pace.pause(tried, self.chance(), None)).await;
    }

    /// `getMetadata`: the set of all participants as it came. It is signed by itself, and is not verified here; no proof goes
    /// with the request, and no signature with the answer.
    pub async fn whole_set(&self) -> Result<Vec<u8>, ClientError> {
        let url = self.party.api.below(&Place::WholeSet.to_string())?;
        let headers = [("accept", "application/json")];
        let mut tries = Tries::of(&self.pace);
        loop {
            let ask = Ask { method: "GET", url: &url, headers: &headers, body: None, most: SignedSet::MAX_BYTES };
            let error = match timeout_at(tries.end, self.http.ask(ask)).await {
                Ok(Ok(answer)) if answer.status == 200 => return Ok(answer.body),
                Ok(Ok(answer)) => no_set(&answer),
                Ok(Err(error)) => error.into(),
                Err(_) => return Err(FetchError::Timeout.into()),
            };
            self.or_give_up(error, Verb::Get, &mut tries).await?;
        }
    }

    fn write<'a>(
        &self,
        verb: Verb,
        place: &Place,
        body: Option<Vec<u8>>,
        if_match: Option<&'a str>,
    ) -> Result<Written<'a>, ClientError> {
        let path = place.to_string();
        let url = self.party.api.below(&path)?;
        // A URL has no segment `..`, however it is spelt: another place would be asked, with a proof for it.
        if !url.path().ends_with(&path) {
            let Place::Key(_, _, kid) = place else { return Err(ClientError::Unaddressable(path)) };
            return Err(ClientError::Unaddressable(kid.to_string()));
        }
        let mut headers = vec![("accept", "application/json")];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(if_match.map(|etag| ("if-match", etag)));
        Ok(Written { verb, host: url.authority(), url, headers, body })
    }

    /// One try, with a proof of its own.
    async fn once(&self, request: &Written<'_>) -> Result<Believed, ClientError> {
        let Party { key, profile, .. } = &self.party;
        let proof = sign_request(profile, key, &request.parts(), self.world.clock.now(), &*self.world.rng)?;
        let credentials = profile.credentials(&proof);
        let mut headers = request.headers.clone();
        headers.push((&profile.request_header, &credentials));
        let ask = Ask {
            method: request.verb.as_str(),
            url: &request.url,
            headers: &headers,
            body: request.body.clone(),
            most: MAX_ANSWER_BYTES,
        };
        let answer = self.http.ask(ask).await?;
        self.check(&answer, &proof)?;
        Believed::sort(answer)
    }

    /// Before this, nothing in an answer means anything.
    fn check(&self, answer: &Answer, proof: &str) -> Result<(), ClientError> {
        let Party { trusted, profile, .. } = &self.party;
        let Some(signature) = answer.header(&profile.answer_header) else { return Err(unsigned(answer)) };
        let mut headers = Vec::new();
        for name in ["location", "etag"] {
            headers.extend(answer.header(name).map(|value| (name, value)));
        }
        let parts = AnswerParts { status: answer.status, headers: &headers, body: &answer.body, request: proof };
        verify_answer(signature, trusted, profile, &parts, self.world.clock.now())
            .map_err(|why| ClientError::Untrusted { status: answer.status, why })
    }

    /// A number from 0 to 1. Without randomness it is 1: a longer pause does no harm.
    fn chance(&self) -> f64 {
        let mut bytes = [0_u8; 4];
        match self.world.rng.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 1.0,
        }
    }
}

impl Tries {
    fn of(pace: &Pace) -> Self {
        Self { made: 0, end: Instant::now() + pace.deadline }
    }
}

impl Written<'_> {
    fn parts(&self) -> RequestParts<'_> {
        RequestParts {
            method: self.verb.as_str(),
            host: &self.host,
            path: self.url.path(),
            query: self.url.query(),
            headers: &self.headers,
            body: self.body.as_deref().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryClient({} at {})", self.party.pid, self.party.api.name())
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}
